/**
 * Checks changes of an account's tree and works out the mailboxes they lead to; the same for every store.
 */
import { TandemError } from "../../model/errors.ts";
import { type MailboxEntry, nameFault } from "../../model/mailbox.ts";
import { EMPTY_DIGEST } from "../../model/state.ts";
import type { EntryChange, Mailbox, MailboxChange, TreeChange, TreePut } from "../store.ts";

/** What a store knows of one account, inside a transaction. */
export interface TreeAccess {
  readonly modseq: number;
  /** The mailbox with exactly this id, not by alias. */
  byId(mailboxId: string): Mailbox | null;
  /** Id of the mailbox that has this alias. */
  aliasHolder(alias: string): string | null;
  /** Id of the mailbox that has this name and is not deleted. */
  nameHolder(name: string): string | null;
}

const MAILBOX_ID = /^[A-Za-z0-9_-]{1,255}$/;
const MAX_UIDVALIDITY = 0xffff_ffff;

/**
 * The mailboxes after a change whose `before` fits.
 * @throws TandemError `exists` or `invalid-change`.
 */
export function plannedTree(tree: TreeAccess, change: TreeChange): Mailbox[] {
  const fault = nameFault(change.account);
  if (fault !== null) refuse(`the account name ${JSON.stringify(change.account)} ${fault}`);
  checkTreeModseq(change.before, change.after, change.puts.length > 0);
  if (new Set(change.puts.map((put) => put.entry.mailboxId)).size < change.puts.length) refuse("it names an id twice");
  const planned = change.puts.map((put) => plannedMailbox(tree, put));
  checkEntries(
    tree,
    planned.map((mailbox) => mailbox.entry),
    planned.map((mailbox) => mailbox.entry.mailboxId),
    change.after,
  );
  for (const mailbox of planned) checkDeleted(mailbox);
  return planned;
}

/**
 * Checks a new entry that comes with a change of records, in place of the entry of `oldId`.
 * @throws TandemError `exists` or `invalid-change`.
 */
export function checkEntryChange(tree: TreeAccess, oldId: string, after: Mailbox, change: EntryChange): void {
  const { value } = change;
  checkTreeModseq(change.treeBefore, change.treeAfter, true);
  if (value.mailboxId !== oldId) {
    if (!value.aliases.includes(oldId)) refuse(`the new id ${value.mailboxId} does not name ${oldId} as its alias`);
    const holder = idHolder(tree, value.mailboxId);
    if (holder !== null && holder !== oldId) taken(`mailbox id ${value.mailboxId}`);
  }
  checkEntries(tree, [value], [oldId], change.treeAfter);
  checkDeleted(after);
}

/**
 * Mailboxes that are alive here though their ids are aliases of entries that were just written: on the node that these came
 * from they are one. Only this node has both, so every channel has to be told, also the one to that node.
 */
export function strandedBy(
  tree: TreeAccess,
  account: string,
  entries: readonly MailboxEntry[],
): { readonly account: string; readonly mailboxId: string }[] {
  const aliases = entries.flatMap((entry) => entry.aliases);
  return aliases.filter((id) => tree.byId(id)?.entry.deleted === false).map((mailboxId) => ({ account, mailboxId }));
}

/**
 * Whether messages are meant for a mailbox that was deleted since they were planned: if it was empty, its state is the same as
 * before. Whoever planned them has to look again.
 */
export function isDeletedMeanwhile({ entry }: Mailbox, change: MailboxChange): boolean {
  return entry.deleted && change.entry === undefined && change.after.digest.count > 0;
}

/** @throws TandemError `invalid-change` if a deleted mailbox has live messages. */
function checkDeleted({ entry, state }: Mailbox): void {
  if (entry.deleted && state.digest.count > 0)
    refuse(`mailbox ${JSON.stringify(entry.name)} would be deleted with ${state.digest.count} live messages in it`);
}

function plannedMailbox(tree: TreeAccess, { entry, uidValidity }: TreePut): Mailbox {
  if (!Number.isInteger(uidValidity) || uidValidity < 1 || uidValidity > MAX_UIDVALIDITY)
    refuse(`a uidValidity of ${uidValidity} is not from 1 to ${MAX_UIDVALIDITY}`);
  const old = tree.byId(entry.mailboxId);
  if (old !== null)
    return { ...old, entry, state: { ...old.state, uidValidity: Math.max(old.state.uidValidity, uidValidity) } };
  if (tree.aliasHolder(entry.mailboxId) !== null) taken(`mailbox id ${entry.mailboxId}`);
  const state = { uidValidity, uidNext: 1, highestModseq: 1, purgedModseq: 0, digest: EMPTY_DIGEST };
  return { entry, state, tombstones: EMPTY_DIGEST };
}

/** Entries that are written together, in place of those of `replaced`: names may move among them. */
function checkEntries(
  tree: TreeAccess,
  entries: readonly MailboxEntry[],
  replaced: readonly string[],
  treeAfter: number,
): void {
  const names = new Set<string>();
  for (const entry of entries) {
    checkEntry(entry, treeAfter);
    if (entry.deleted) continue;
    const holder = tree.nameHolder(entry.name);
    if (names.has(entry.name) || (holder !== null && !replaced.includes(holder)))
      taken(`mailbox name ${JSON.stringify(entry.name)}`);
    names.add(entry.name);
  }
}

function checkEntry(entry: MailboxEntry, treeAfter: number): void {
  const fault = nameFault(entry.name);
  if (fault !== null) refuse(`the mailbox name ${JSON.stringify(entry.name)} ${fault}`);
  if (![entry.mailboxId, ...entry.aliases].every((id) => MAILBOX_ID.test(id)))
    refuse(
      `the mailbox id ${JSON.stringify(entry.mailboxId)} or one of its aliases is not 1 to 255 of A-Z a-z 0-9 _ -`,
    );
  if (entry.modseq > treeAfter) refuse("an entry has a modseq above that of the tree");
}

/** Compare-and-set rests on it: a changed tree never keeps its modseq. */
function checkTreeModseq(before: number, after: number, changed: boolean): void {
  if (after < before || (changed && after === before))
    refuse(`the tree's modseq would go from ${before} to ${after}; each change must raise it`);
  if (!Number.isSafeInteger(after)) refuse(`a tree modseq of ${after} is not below 2^53`);
}

function idHolder(tree: TreeAccess, id: string): string | null {
  return tree.byId(id)?.entry.mailboxId ?? tree.aliasHolder(id);
}

function taken(what: string): never {
  throw new TandemError("exists", `The ${what} is taken in this account; choose another.`);
}

function refuse(how: string): never {
  throw new TandemError("invalid-change", `The change of the mailbox tree is refused: ${how}.`);
}
