/**
 * Creating, renaming and deleting mailboxes. INBOX is a mailbox like any other here: what IMAP says about renaming and
 * deleting it is up to the IMAP server.
 */
import { randomBytes } from "node:crypto";
import { TandemError } from "../model/errors.ts";
import { compareText } from "../model/flags.ts";
import {
  checkedName,
  type FormerName,
  type MailboxAttribute,
  type MailboxEntry,
  uidValidityFloor,
} from "../model/mailbox.ts";
import { tombstoneOf } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import type { AccountTree, Mailbox, MailboxStore } from "../store/store.ts";
import { changeRecords, EVERY_UID } from "./change-records.ts";
import { requireMailbox } from "./lookup.ts";
import { untilApplied } from "./retry.ts";

/** Where a new mailbox gets its identity from. */
export interface CreateOptions {
  /** Milliseconds since 1970: uidValidity is made from it. */
  readonly now?: () => number;
  /** Makes the identity: 1 to 255 of A-Z a-z 0-9 _ -. */
  readonly mailboxId?: () => string;
}

const MAX_UIDVALIDITY = 0xffff_ffff;

/**
 * Creates an empty mailbox, and the account if it is new. Its uidValidity is above any that the account has shown (P4).
 * @throws TandemError `exists`, `invalid-argument`, `io`.
 */
export async function createMailbox(
  store: MailboxStore,
  account: string,
  name: string,
  options: CreateOptions = {},
): Promise<Mailbox> {
  checkedName(account, "account");
  const wanted = checkedName(name);
  const { now = Date.now, mailboxId = randomMailboxId } = options;
  return untilApplied(async () => {
    const tree = await store.tree(account);
    const entry = newEntry(mailboxId(), wanted, tree.modseq + 1);
    const uidValidity = checkedUidValidity(Math.max(Math.floor(now() / 1000), highestUidValidity(tree) + 1));
    return putEntry(store, account, tree, { entry, uidValidity });
  });
}

/**
 * Gives a mailbox another name; identity, messages and UIDs stay. Only if another mailbox ever had the new name under
 * a uidValidity that is not lower, this mailbox gets a higher uidValidity (P4).
 * @throws TandemError `not-found`, `exists`, `invalid-argument`, `io`.
 */
export async function renameMailbox(
  store: MailboxStore,
  account: string,
  name: string,
  newName: string,
): Promise<Mailbox> {
  const wanted = checkedName(newName);
  return untilApplied(async () => {
    const { entry, state } = await requireMailbox(store, account, name);
    const tree = await store.tree(account);
    if (entry.name === wanted) throw taken(wanted);
    const modseq = tree.modseq + 1;
    const formerNames = withFormerName(entry.formerNames, { name: entry.name, uidValidity: state.uidValidity });
    const floor = uidValidityFloor(tree.mailboxes, wanted, entry.mailboxId);
    const uidValidity = floor >= state.uidValidity ? checkedUidValidity(floor + 1) : state.uidValidity;
    const renamed = { ...entry, name: wanted, nameStamp: modseq, modseq, formerNames };
    return putEntry(store, account, tree, { entry: renamed, uidValidity });
  });
}

/**
 * Deletes a mailbox with its messages, in one change. What is left tells other nodes exactly which messages were known
 * to whoever deleted it.
 * @throws TandemError `not-found`, `io`.
 */
export async function deleteMailbox(store: MailboxStore, account: string, name: string): Promise<void> {
  await untilApplied(async () => deleteOnce(store, account, (await requireMailbox(store, account, name)).entry));
}

/**
 * One attempt to delete a mailbox. @param seen the state it must be in, so that no message is deleted that the caller has
 * not seen.
 */
export async function deleteOnce(
  store: MailboxStore,
  account: string,
  { mailboxId }: MailboxEntry,
  seen?: MailboxState,
): Promise<number | "conflict"> {
  const tree = await store.tree(account);
  const entry = tree.mailboxes.find((one) => one.entry.mailboxId === mailboxId)?.entry;
  if (entry === undefined || entry.deleted) return 0;
  const modseq = tree.modseq + 1;
  return changeRecords(store, {
    account,
    mailboxId,
    uids: EVERY_UID,
    edit: tombstoneOf,
    entry: { value: { ...entry, deleted: true, modseq }, treeBefore: tree.modseq, treeAfter: modseq },
    ...(seen === undefined ? {} : { seen }),
  });
}

/**
 * Sets an attribute of a mailbox, such as `subscribed` or `specialUse`. Setting what it is already writes nothing.
 * @throws TandemError `not-found`, `io`.
 */
export async function setMailboxAttribute(
  store: MailboxStore,
  account: string,
  name: string,
  key: string,
  value: string,
): Promise<Mailbox> {
  return untilApplied(async () => {
    const tree = await store.tree(account);
    const mailbox = await requireMailbox(store, account, name);
    const { entry, state } = mailbox;
    if (entry.attributes.some((one) => one.key === key && one.value === value)) return mailbox;
    const modseq = tree.modseq + 1;
    const attributes = withAttribute(entry.attributes, { key, value, stamp: modseq });
    return putEntry(store, account, tree, { entry: { ...entry, attributes, modseq }, uidValidity: state.uidValidity });
  });
}

/** 128 random bits in 22 characters. */
export function randomMailboxId(): string {
  return randomBytes(16).toString("base64url");
}

function newEntry(mailboxId: string, name: string, modseq: number): MailboxEntry {
  const fixed = { deleted: false, attributes: [], aliases: [], formerNames: [] };
  return { mailboxId, name, nameStamp: modseq, createdStamp: modseq, modseq, ...fixed };
}

async function putEntry(
  store: MailboxStore,
  account: string,
  tree: AccountTree,
  put: { readonly entry: MailboxEntry; readonly uidValidity: number },
): Promise<Mailbox | "conflict"> {
  const { mailboxId, name, modseq } = put.entry;
  if (tree.mailboxes.some(({ entry }) => !entry.deleted && entry.name === name && entry.mailboxId !== mailboxId))
    throw taken(name);
  const outcome = await store.applyTree({ account, before: tree.modseq, after: modseq, puts: [put] });
  return outcome === "conflict" ? outcome : ((await store.mailbox(account, mailboxId)) ?? "conflict");
}

/** Over all mailboxes the account ever had and all names they ever had. */
function highestUidValidity({ mailboxes }: AccountTree): number {
  const shown = mailboxes.flatMap(({ entry, state }) => [
    state.uidValidity,
    ...entry.formerNames.map((former) => former.uidValidity),
  ]);
  return shown.reduce((highest, one) => Math.max(highest, one), 0);
}

function checkedUidValidity(value: number): number {
  if (value >= 1 && value <= MAX_UIDVALIDITY) return value;
  throw new TandemError("limit", "The uidValidity of this account is used up; make a new account.");
}

function withFormerName(names: readonly FormerName[], added: FormerName): FormerName[] {
  const before = names.find(({ name }) => name === added.name);
  const uidValidity = Math.max(added.uidValidity, before?.uidValidity ?? 0);
  const others = names.filter(({ name }) => name !== added.name);
  return [...others, { name: added.name, uidValidity }].sort((a, b) => compareText(a.name, b.name));
}

function withAttribute(attributes: readonly MailboxAttribute[], added: MailboxAttribute): MailboxAttribute[] {
  const others = attributes.filter(({ key }) => key !== added.key);
  return [...others, added].sort((a, b) => compareText(a.key, b.key));
}

function taken(name: string): TandemError {
  return new TandemError("exists", `There is a mailbox ${JSON.stringify(name)} already; choose another name.`);
}
