/**
 * The tree of one account brought together, before its mailboxes are.
 *
 * First the mailboxes whose entry and records have to change as one (deleted on one side, or made independently under
 * one name), then all other entries in one change of each side's tree, so that names may be swapped.
 */
import { formerNamesOf, looksSame, mergeEntries } from "../merge/entry.ts";
import { freeName, planTree, settleEntryModseqs } from "../merge/tree.ts";
import type { Tree, TreeEntryPut, TreePlan } from "../merge/tree-plan.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { compareText } from "../model/flags.ts";
import type { MailboxEntry } from "../model/mailbox.ts";
import { EMPTY_DIGEST } from "../model/state.ts";
import type { EntryChange } from "../store/store.ts";
import { type AccountTrees, surveyTrees } from "./account-trees.ts";
import type { SideMailbox } from "./gather.ts";
import { type EntryPlanner, MailboxExchange, type SyncContext } from "./mailbox-exchange.ts";
import type { SurveyedMailbox } from "./peer.ts";
import { writeTrees } from "./tree-writes.ts";

export interface MailboxPair {
  readonly left: SideMailbox;
  readonly right: SideMailbox;
}

/** Attempts at a tree that is changed meanwhile. */
const ATTEMPTS = 10;

/**
 * Makes both trees equal and returns the mailboxes to be exchanged.
 * @param yields leave it to the other node to make two mailboxes one. If both nodes do it at once and a client renames one
 *   of them meanwhile, the other one could become one with two different mailboxes, its messages in both (P7).
 * @returns null if it is left to the other node.
 * @throws TandemError `conflict` if the tree never held still, or what a side answers.
 */
export async function exchangeTree(
  context: SyncContext,
  account: string,
  first: AccountTrees,
  yields = false,
): Promise<MailboxPair[] | null> {
  let trees = first;
  // What fails for one mailbox (a held deletion) must not hold up the others: they are planned without it.
  const settled = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const plan = planFor(context, trees);
    const wanted = wantedIn(context, trees);
    if (attempt === 0) {
      context.report.treeDecided(account, plan.decisions.filter(wanted));
      for (const one of plan.stranded) context.report.stranded(account, one);
      refuseOwn(context, account, plan);
    }
    const together = plan.pairs.filter((pair) => pair.together && isChosen(context, pair) && !settled.has(idOf(pair)));
    if (yields && together.some(isUnion)) return null;
    if (together.length > 0) {
      await exchangeTogether(context, account, trees, together, settled);
      if (context.options.dryRun) return remaining(context, account, plan);
      trees = await surveyTrees(context.peers, account);
      continue;
    }
    if (context.options.dryRun || (await writeTrees(context, account, trees, onlyWanted(plan, wanted))))
      return remaining(context, account, plan);
    trees = await surveyTrees(context.peers, account);
  }
  throw new TandemError("conflict", "The mailbox tree was changed during every attempt; run the sync again.");
}

interface Pair {
  readonly left: SurveyedMailbox | null;
  readonly right: SurveyedMailbox | null;
  readonly together: boolean;
}

type SurveyedPlan = Omit<TreePlan, "pairs"> & {
  readonly pairs: readonly Pair[];
  /** Names of mailboxes whose entry the right side of a one-way sync changed itself. */
  readonly refused: readonly string[];
};

/** The plan for both sides; in a one-way sync, for the right one alone. */
function planFor({ options }: SyncContext, trees: AccountTrees): SurveyedPlan {
  const plan = { ...planTree(trees.left, trees.right), refused: [] } as SurveyedPlan;
  if (options.direction === "both") return plan;
  const sources = new Map(trees.left.mailboxes.map((mailbox) => [mailbox.entry.mailboxId, mailbox.entry]));
  const isKnown = ({ entry }: TreeEntryPut) => sources.has(entry.mailboxId);
  const isOfSource = (put: TreeEntryPut) => !isOther(put, sources);
  const written = new Set(plan.right.map((put) => put.entry.mailboxId));
  // What would be written on the left alone is what the right side has changed.
  const changed = plan.left.filter((put) => !written.has(put.entry.mailboxId) && !isOfSource(put));
  const puts = [...plan.right.filter(isKnown), ...changed];
  const taken = puts.filter(isOfSource);
  const own = puts.filter((put) => !isOfSource(put));
  if (options.direction === "one-way")
    return { ...plan, left: [], right: taken, refused: own.map((put) => put.entry.name) };
  const modseq = Math.max(trees.left.modseq, trees.right.modseq) + 1;
  const reset = own.map((put) => ({
    ...put,
    entry: { ...(sources.get(put.entry.mailboxId) as MailboxEntry), modseq },
  }));
  const pairs = plan.pairs.map((pair) => (isOwn(pair) ? { ...pair, together: true } : pair));
  return { ...plan, left: [], right: [...taken, ...reset], pairs };
}

/** True if clients of a side would see its entry become another. */
function isOther({ entry }: TreeEntryPut, held: ReadonlyMap<string, MailboxEntry>): boolean {
  const old = held.get(entry.mailboxId);
  return old !== undefined && !looksSame(entry, old);
}

/** A mailbox that only the right side has: a one-way sync leaves it alone or, with `--mirror`, deletes it. */
function isOwn(pair: Pair): boolean {
  return pair.left === null && pair.right !== null && !pair.right.entry.deleted;
}

/** Whether two mailboxes become one. */
function isUnion({ left, right }: Pair): boolean {
  if (left === null || right === null || left.entry.deleted || right.entry.deleted) return false;
  return left.entry.mailboxId !== right.entry.mailboxId;
}

/** Mailboxes with records to exchange: all that are on both sides now. */
function remaining(context: SyncContext, account: string, plan: SurveyedPlan): MailboxPair[] {
  const written = { left: byId(plan.left), right: byId(plan.right) };
  return plan.pairs
    .filter((pair) => !pair.together && isChosen(context, pair))
    .filter((pair) => context.options.direction === "both" || pair.left !== null)
    .map((pair) => bothSides(context, account, pair, written));
}

type Written = { readonly [Side in "left" | "right"]: ReadonlyMap<string, TreeEntryPut> };

function bothSides(context: SyncContext, account: string, pair: Pair, written: Written): MailboxPair {
  const exists = !context.options.dryRun;
  const side = (name: "left" | "right"): SideMailbox => {
    const own = pair[name];
    const other = pair[name === "left" ? "right" : "left"] as SurveyedMailbox;
    const put = written[name].get((own ?? other).entry.mailboxId);
    if (own === null)
      return created(account, put ?? { entry: other.entry, uidValidity: other.state.uidValidity }, exists);
    const uidValidity = exists ? Math.max(own.state.uidValidity, put?.uidValidity ?? 0) : own.state.uidValidity;
    return { ...own, entry: put?.entry ?? own.entry, state: { ...own.state, uidValidity }, exists: true };
  };
  return { left: side("left"), right: side("right") };
}

function byId(puts: readonly TreeEntryPut[]): Map<string, TreeEntryPut> {
  return new Map(puts.map((put) => [put.entry.mailboxId, put]));
}

/** A mailbox as it is right after its creation. */
function created(account: string, { entry, uidValidity }: TreeEntryPut, exists: boolean): SideMailbox {
  const state = { uidValidity, uidNext: 1, highestModseq: 1, purgedModseq: 0, digest: EMPTY_DIGEST };
  return { account, entry, state, tombstones: EMPTY_DIGEST, cursor: null, changes: null, exists };
}

/** The puts of mailboxes that were asked for. */
function onlyWanted(plan: SurveyedPlan, wanted: (one: { readonly mailboxId: string }) => boolean): SurveyedPlan {
  const only = (puts: readonly TreeEntryPut[]) => puts.filter(({ entry }) => wanted(entry));
  return { ...plan, left: only(plan.left), right: only(plan.right) };
}

/**
 * One after the other, since each changes the trees. Those that fail are reported and noted in `settled`; those whose entries
 * somebody changed meanwhile are left to the next plan: this one would take back what was made of them (P7).
 */
async function exchangeTogether(
  context: SyncContext,
  account: string,
  first: AccountTrees,
  pairs: readonly Pair[],
  settled: Set<string>,
): Promise<void> {
  let trees = first;
  const { direction } = context.options;
  const planner = direction === "both" ? entryPlanner : sourceEntryPlanner;
  for (const pair of pairs) {
    if (!isAsPlanned(trees, pair)) continue;
    const right = sideOf(account, pair, "right");
    try {
      await new MailboxExchange(context, sideOf(account, pair, "left"), right, planner(trees, pair)).run();
      // The left side stays as it is, and with it what makes the two differ.
      if (direction !== "both") settled.add(idOf(pair));
    } catch (error) {
      if (isTandemError(error, "disconnected")) throw error;
      context.report.issue(account, right.entry.name, error);
      settled.add(idOf(pair));
    }
    if (!context.options.dryRun) trees = await surveyTrees(context.peers, account);
  }
}

/** Whether both sides have the entries that a pair was planned with. */
function isAsPlanned(trees: AccountTrees, pair: Pair): boolean {
  return (["left", "right"] as const).every((side) => {
    const id = (pair[side] ?? pair.left ?? pair.right)?.entry.mailboxId;
    const now = trees[side].mailboxes.find(({ entry }) => entry.mailboxId === id);
    return now?.entry.modseq === pair[side]?.entry.modseq;
  });
}

function idOf({ left, right }: Pair): string {
  return ((left ?? right) as SurveyedMailbox).entry.mailboxId;
}

/** In a one-way sync, changed entries, and messages in a mailbox that only the right side has, are something of its own. */
function refuseOwn(context: SyncContext, account: string, plan: SurveyedPlan): void {
  if (context.options.direction !== "one-way") return;
  for (const name of plan.refused) {
    const what = `TO changed mailbox ${JSON.stringify(name)} itself (its name or an attribute)`;
    const hint = "sync without --one-way, or with --mirror to make TO exactly FROM";
    context.report.issue(account, name, new TandemError("refused", `${what}; ${hint}.`));
  }
  for (const pair of plan.pairs.filter((one) => isOwn(one) && isChosen(context, one))) {
    const { entry, state } = pair.right as SurveyedMailbox;
    if (state.digest.count === 0) continue;
    const what = `TO has mailbox ${JSON.stringify(entry.name)} with ${state.digest.count} messages that FROM lacks`;
    const hint = "sync without --one-way to keep it on both, or with --mirror to delete it at TO";
    context.report.issue(account, entry.name, new TandemError("refused", `${what}; ${hint}.`));
  }
}

/** The side's mailbox; where it has none, one as it would be if it had been deleted there. */
function sideOf(account: string, pair: Pair, name: "left" | "right"): SideMailbox {
  const own = pair[name];
  if (own !== null) return { ...own, exists: true };
  const other = pair[name === "left" ? "right" : "left"] as SurveyedMailbox;
  const { uidValidity } = other.state;
  return created(account, { entry: { ...other.entry, deleted: true }, uidValidity }, false);
}

/**
 * The entry both sides shall have once the records are merged: alive if a message remains, a tombstone if not. A
 * revived mailbox whose name was taken meanwhile gets a free one.
 */
function entryPlanner(trees: AccountTrees, pair: Pair): EntryPlanner {
  const { left, right } = pair;
  return (isAlive) => {
    const merged = mergedEntry(pair);
    const isOne = left !== null && right !== null && left.entry.deleted === right.entry.deleted;
    return entryChanges(trees, pair, { ...merged, deleted: !isAlive && !isOne });
  };
}

/**
 * One way: the left side's entry, identity included, is to stand on the right one, which is deleted if the left side has
 * none. The right one's identity becomes an alias, and its names keep their uidValidities (P4).
 */
function sourceEntryPlanner(trees: AccountTrees, pair: Pair): EntryPlanner {
  return () => {
    const merged = mergedEntry(pair);
    const source = pair.left?.entry ?? { ...merged, deleted: true };
    const ids = [merged.mailboxId, ...merged.aliases].filter((id) => id !== source.mailboxId);
    const aliases = [...new Set(ids)].sort(compareText);
    const formerNames = formerNamesOf(sidesOf(pair), source.name);
    return entryChanges(trees, pair, { ...source, aliases, formerNames });
  };
}

function sidesOf({ left, right }: Pair): SurveyedMailbox[] {
  return [left, right].filter((side) => side !== null);
}

function mergedEntry({ left, right }: Pair): MailboxEntry {
  return left !== null && right !== null ? mergeEntries(left, right) : ((left ?? right) as SurveyedMailbox).entry;
}

/** What each side writes so that both have the entry. */
function entryChanges(trees: AccountTrees, pair: Pair, wanted: MailboxEntry): ReturnType<EntryPlanner> {
  const { left, right } = pair;
  const newModseq = Math.max(trees.left.modseq, trees.right.modseq) + 1;
  const entry = wanted.deleted ? wanted : named(wanted, sidesOf(pair), trees, newModseq);
  const given = { leftModseq: trees.left.modseq, rightModseq: trees.right.modseq, newModseq };
  const modseqs = settleEntryModseqs(entry, left?.entry ?? null, right?.entry ?? null, given);
  const change = (tree: Tree, modseq: number | null): EntryChange | null =>
    modseq === null
      ? null
      : { value: { ...entry, modseq }, treeBefore: tree.modseq, treeAfter: Math.max(tree.modseq, modseq) };
  return {
    left: left === null ? null : change(trees.left, modseqs.left),
    right: right === null ? null : change(trees.right, modseqs.right),
    entryModseq: modseqs.left ?? modseqs.right ?? entry.modseq,
  };
}

function named(
  entry: MailboxEntry,
  known: readonly SurveyedMailbox[],
  trees: AccountTrees,
  newModseq: number,
): MailboxEntry {
  const own = new Set(known.map((side) => side.entry.mailboxId));
  // An alias that is alive still has its name; it is made one with this mailbox later.
  const isAnother = (one: MailboxEntry) =>
    !own.has(one.mailboxId) && !(one.deleted && entry.aliases.includes(one.mailboxId));
  const others = [...trees.left.mailboxes, ...trees.right.mailboxes].filter((one) => isAnother(one.entry));
  const uidValidity = known.reduce((highest, { state }) => Math.max(highest, state.uidValidity), 0);
  const taken = new Set(others.flatMap((mailbox) => namesNotLeftBy(mailbox, uidValidity)));
  if (!taken.has(entry.name)) return entry;
  const name = freeName(entry.name, taken);
  return { ...entry, name, nameStamp: newModseq, formerNames: formerNamesOf(known, name) };
}

/** Names that a mailbox has, or had under a uidValidity that one of `uidValidity` must not come after (P4). */
function namesNotLeftBy({ entry, state }: SurveyedMailbox, uidValidity: number): string[] {
  const shown = [...entry.formerNames, { name: entry.name, uidValidity: state.uidValidity }];
  const higher = shown.filter((one) => one.uidValidity >= uidValidity).map(({ name }) => name);
  return entry.deleted ? higher : [entry.name, ...higher];
}

function isChosen({ options }: SyncContext, pair: Pair): boolean {
  if (options.mailbox === null) return true;
  return [pair.left, pair.right].some((side) => side?.entry.name === options.mailbox);
}

/** Whether a mailbox is one of those that were asked for, by the name it has on either side. */
function wantedIn({ options }: SyncContext, trees: AccountTrees): (one: { readonly mailboxId: string }) => boolean {
  if (options.mailbox === null) return () => true;
  const all = [...trees.left.mailboxes, ...trees.right.mailboxes];
  const known = new Set(all.map(({ entry }) => entry.mailboxId));
  const named = all.filter(({ entry }) => entry.name === options.mailbox);
  const chosen = new Set(named.map(({ entry }) => entry.mailboxId));
  return ({ mailboxId }) => chosen.has(mailboxId) || !known.has(mailboxId);
}
