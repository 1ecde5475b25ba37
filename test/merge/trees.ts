/**
 * Mailbox trees as readable text, what users do to them, and what a store makes of a plan.
 *
 * `9 | a=Work@7/3v5 b=Play@9` is a tree with modseq 9 and two mailboxes: a, named Work, changed last under 7, created
 * under 3 (else under its modseq) with uidValidity 5 (else 1); and b. `~n` is the name stamp if it was renamed, `+k:v~n`
 * an attribute with its stamp, `=x` an alias, `<Old:4>` a former name with its uidValidity; `!` stands before a deleted
 * mailbox and `*n` is the number of its messages. Blanks in names are written as underscores.
 */
import { mergeEntries } from "../../src/merge/entry.ts";
import { freeName, planTree, settleEntryModseqs } from "../../src/merge/tree.ts";
import type { Tree, TreeEntryPut, TreeMailbox, TreePair, TreePlan } from "../../src/merge/tree-plan.ts";
import { type FormerName, type MailboxEntry, uidValidityFloor } from "../../src/model/mailbox.ts";
import { EMPTY_DIGEST, type MailboxState } from "../../src/model/state.ts";

const MAILBOX =
  /^(!?)(\w+)=([^@]+)@(\d+)(?:\/(\d+))?(?:~(\d+))?(?:v(\d+))?(?:\*(\d+))?((?:\+[^+=<]+)*)((?:=\w+)*)((?:<[^>]+>)*)$/;

export function tree(text: string): Tree {
  const [modseq = "", list = ""] = text.split("|");
  return { modseq: Number(modseq), mailboxes: list.split(" ").filter(Boolean).map(mailbox) };
}

function mailbox(text: string): TreeMailbox {
  const found = MAILBOX.exec(text);
  if (found === null) throw new Error(`${JSON.stringify(text)} does not read as a mailbox.`);
  const [, deleted, mailboxId = "", name = "", modseq, created, renamed, validity, count, more, aliases, former] =
    found;
  const createdStamp = Number(created ?? modseq);
  const entry: MailboxEntry = {
    mailboxId,
    name: name.replaceAll("_", " "),
    nameStamp: Number(renamed ?? createdStamp),
    createdStamp,
    modseq: Number(modseq),
    deleted: deleted === "!",
    attributes: [...(more ?? "").matchAll(/\+(\w+):(\w+)~(\d+)/g)].map(([, key = "", value = "", stamp]) => ({
      key,
      value,
      stamp: Number(stamp),
    })),
    aliases: [...(aliases ?? "").matchAll(/=(\w+)/g)].map(([, id = ""]) => id),
    formerNames: [...(former ?? "").matchAll(/<([^:]+):(\d+)>/g)].map(([, old = "", shown]) => formerName(old, shown)),
  };
  return { entry, state: stateOf(Number(validity ?? 1), Number(count ?? 0)) };
}

function formerName(name: string, uidValidity: string | undefined): FormerName {
  return { name: name.replaceAll("_", " "), uidValidity: Number(uidValidity) };
}

export function stateOf(uidValidity: number, messages = 0): MailboxState {
  const digest = { ...EMPTY_DIGEST, count: messages };
  return { uidValidity, uidNext: messages + 2, highestModseq: messages + 2, purgedModseq: 0, digest };
}

/** The text of a tree: `tree(show(x))` is `x`. */
export function show({ modseq, mailboxes }: Tree): string {
  return `${modseq} | ${mailboxes.map(showMailbox).join(" ")}`.trim();
}

function showMailbox({ entry, state }: TreeMailbox): string {
  const stamps = [
    `${entry.name.replaceAll(" ", "_")}@${entry.modseq}`,
    entry.createdStamp === entry.modseq ? "" : `/${entry.createdStamp}`,
    entry.nameStamp === entry.createdStamp ? "" : `~${entry.nameStamp}`,
    state.uidValidity === 1 ? "" : `v${state.uidValidity}`,
    state.digest.count === 0 ? "" : `*${state.digest.count}`,
    ...entry.attributes.map(({ key, value, stamp }) => `+${key}:${value}~${stamp}`),
    ...entry.aliases.map((id) => `=${id}`),
    ...entry.formerNames.map((former) => `<${former.name.replaceAll(" ", "_")}:${former.uidValidity}>`),
  ];
  return `${entry.deleted ? "!" : ""}${entry.mailboxId}=${stamps.join("")}`;
}

/** The tree with some mailboxes put in, in place of those with one of the `replaced` ids; sorted as stores list them. */
function withMailboxes(before: Tree, puts: readonly TreeMailbox[], replaced: readonly string[], modseq: number): Tree {
  const kept = before.mailboxes.filter((one) => !replaced.includes(one.entry.mailboxId));
  const mailboxes = [...kept, ...puts].sort((a, b) => (a.entry.mailboxId < b.entry.mailboxId ? -1 : 1));
  return { modseq, mailboxes };
}

/**
 * What a store makes of its side of a plan. @throws Error if two mailboxes would have one name, if a change is not above
 * the tree's modseq, or if a name would show a uidValidity that is not higher than any it showed before (P4).
 */
export function applyPuts(before: Tree, puts: readonly TreeEntryPut[], modseq: number): Tree {
  const next = puts.map(({ entry, uidValidity }) => {
    const old = before.mailboxes.find((one) => one.entry.mailboxId === entry.mailboxId);
    if (entry.modseq <= before.modseq) throw new Error(`${entry.name} changes under the announced ${entry.modseq}`);
    if (old === undefined) return { entry, state: stateOf(uidValidity) };
    return { entry, state: { ...old.state, uidValidity: Math.max(old.state.uidValidity, uidValidity) } };
  });
  const ids = next.map(({ entry }) => entry.mailboxId);
  const after = withMailboxes(before, next, ids, Math.max(modseq, before.modseq));
  checkNames(after);
  for (const one of next) checkFloor(before, one);
  return after;
}

function checkNames({ mailboxes }: Tree): void {
  const names = mailboxes.filter(({ entry }) => !entry.deleted).map(({ entry }) => entry.name);
  if (new Set(names).size < names.length) throw new Error(`two mailboxes of one name: ${names.join(", ")}`);
}

function checkFloor(before: Tree, { entry, state }: TreeMailbox): void {
  const old = before.mailboxes.find((one) => one.entry.mailboxId === entry.mailboxId);
  if (entry.deleted || old?.entry.name === entry.name) return;
  const floor = uidValidityFloor(before.mailboxes, entry.name, entry.mailboxId);
  if (state.uidValidity <= floor) throw new Error(`${entry.name} would show ${state.uidValidity} after ${floor}`);
}

export interface TwoTrees {
  readonly left: Tree;
  readonly right: Tree;
}

/**
 * One exchange of two trees: first what changes together with its records, then all the rest. Records are no more than a
 * number of messages here, those that are new since the last exchange.
 */
export function exchange(before: TwoTrees): TwoTrees & { readonly plans: readonly TreePlan[] } {
  const plans: TreePlan[] = [];
  let trees = before;
  for (let round = 0; round < 10; round++) {
    const plan = planTree(trees.left, trees.right);
    plans.push(plan);
    const pair = plan.pairs.find((one) => one.together);
    if (pair === undefined) {
      const left = exchanged(applyPuts(trees.left, plan.left, plan.modseq));
      return { left, right: exchanged(applyPuts(trees.right, plan.right, plan.modseq)), plans };
    }
    trees = applyTogether(trees, pair);
  }
  throw new Error("mailboxes to be exchanged together never end");
}

/** No message is new any more, but the mailbox has been used. */
function exchanged({ modseq, mailboxes }: Tree): Tree {
  return { modseq, mailboxes: mailboxes.map(({ entry, state }) => ({ entry, state: stateOf(state.uidValidity) })) };
}

/** What an exchange of records does to the entries of one mailbox: alive if a message is left, with a free name. */
function applyTogether({ left, right }: TwoTrees, pair: TreePair): TwoTrees {
  if (pair.left === null || pair.right === null) throw new Error("only mailboxes of both sides change together");
  const newModseq = Math.max(left.modseq, right.modseq) + 1;
  const messages = Math.max(pair.left.state.digest.count, pair.right.state.digest.count);
  const merged = mergeEntries(pair.left, pair.right);
  const isHalfDeleted = pair.left.entry.deleted !== pair.right.entry.deleted;
  const wanted = { ...merged, deleted: isHalfDeleted ? messages === 0 : merged.deleted };
  const entry = named(wanted, { left, right }, newModseq);
  const modseqs = settleEntryModseqs(entry, pair.left.entry, pair.right.entry, {
    leftModseq: left.modseq,
    rightModseq: right.modseq,
    newModseq,
  });
  const state = stateOf(Math.max(pair.left.state.uidValidity, pair.right.state.uidValidity), messages);
  const put = (side: Tree, old: TreeMailbox, modseq: number | null): Tree => {
    const next = { entry: modseq === null ? old.entry : { ...entry, modseq }, state };
    return withMailboxes(side, [next], [old.entry.mailboxId, entry.mailboxId], Math.max(side.modseq, modseq ?? 0));
  };
  return { left: put(left, pair.left, modseqs.left), right: put(right, pair.right, modseqs.right) };
}

function named(entry: MailboxEntry, { left, right }: TwoTrees, newModseq: number): MailboxEntry {
  const ids = [entry.mailboxId, ...entry.aliases];
  const others = [...left.mailboxes, ...right.mailboxes].filter(
    (one) => !one.entry.deleted && !ids.includes(one.entry.mailboxId),
  );
  const taken = new Set(others.map((one) => one.entry.name));
  if (entry.deleted || !taken.has(entry.name)) return entry;
  return { ...entry, name: freeName(entry.name, taken), nameStamp: newModseq };
}

/** What a user does to a tree; each refuses nothing: what cannot be done does nothing. */
export function create(before: Tree, mailboxId: string, name: string): Tree {
  if (before.mailboxes.some(({ entry }) => (!entry.deleted && entry.name === name) || entry.mailboxId === mailboxId))
    return before;
  const modseq = before.modseq + 1;
  const floor = before.mailboxes.reduce(
    (most, { entry, state }) => Math.max(most, state.uidValidity, ...entry.formerNames.map((one) => one.uidValidity)),
    0,
  );
  const stamps = { nameStamp: modseq, createdStamp: modseq, modseq };
  const entry = { mailboxId, name, ...stamps, deleted: false, attributes: [], aliases: [], formerNames: [] };
  return withMailboxes(before, [{ entry, state: stateOf(floor + 1) }], [], modseq);
}

export function rename(before: Tree, pick: number, name: string): Tree {
  const old = picked(before, pick);
  if (old === undefined || before.mailboxes.some(({ entry }) => !entry.deleted && entry.name === name)) return before;
  const modseq = before.modseq + 1;
  const { entry, state } = old;
  const shown = entry.formerNames.filter((former) => former.name !== entry.name);
  const formerNames = [...shown, { name: entry.name, uidValidity: state.uidValidity }];
  formerNames.sort((a, b) => (a.name < b.name ? -1 : 1));
  const floor = uidValidityFloor(before.mailboxes, name, entry.mailboxId);
  const uidValidity = floor >= state.uidValidity ? floor + 1 : state.uidValidity;
  return put(before, {
    entry: { ...entry, name, nameStamp: modseq, modseq, formerNames },
    state: { ...state, uidValidity },
  });
}

export function remove(before: Tree, pick: number): Tree {
  const old = picked(before, pick);
  if (old === undefined) return before;
  return put(before, {
    entry: { ...old.entry, deleted: true, modseq: before.modseq + 1 },
    state: stateOf(old.state.uidValidity),
  });
}

export function subscribe(before: Tree, pick: number, value: string): Tree {
  const old = picked(before, pick);
  if (old === undefined) return before;
  const modseq = before.modseq + 1;
  return put(before, {
    ...old,
    entry: { ...old.entry, modseq, attributes: [{ key: "subscribed", value, stamp: modseq }] },
  });
}

/** A message comes to a mailbox: its tree entry does not change. */
export function deliver(before: Tree, pick: number): Tree {
  const old = picked(before, pick);
  if (old === undefined) return before;
  const state = stateOf(old.state.uidValidity, old.state.digest.count + 1);
  return withMailboxes(before, [{ ...old, state }], [old.entry.mailboxId], before.modseq);
}

function picked({ mailboxes }: Tree, pick: number): TreeMailbox | undefined {
  const alive = mailboxes.filter(({ entry }) => !entry.deleted);
  return alive[pick % alive.length];
}

function put(before: Tree, next: TreeMailbox): Tree {
  return withMailboxes(before, [next], [next.entry.mailboxId], next.entry.modseq);
}
