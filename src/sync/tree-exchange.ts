/**
 * The tree of one account brought together, before its mailboxes are.
 *
 * First the mailboxes whose entry and records have to change as one (deleted on one side, or made independently under
 * one name), then all other entries in one change of each side's tree, so that names may be swapped.
 */
import { formerNamesOf, mergeEntries, sameEntry } from "../merge/entry.ts";
import { freeName, planTree, settleEntryModseqs } from "../merge/tree.ts";
import type { Tree, TreeEntryPut, TreePlan } from "../merge/tree-plan.ts";
import { TandemError } from "../model/errors.ts";
import type { MailboxEntry } from "../model/mailbox.ts";
import { EMPTY_DIGEST } from "../model/state.ts";
import type { EntryChange } from "../store/store.ts";
import type { SideMailbox } from "./gather.ts";
import { type EntryPlanner, MailboxExchange, type SyncContext } from "./mailbox-exchange.ts";
import type { Peer, SurveyedMailbox } from "./peer.ts";

/** Both trees of an account, every mailbox of it included. */
export interface AccountTrees {
  readonly left: SurveyedTree;
  readonly right: SurveyedTree;
}

export interface SurveyedTree {
  readonly modseq: number;
  readonly mailboxes: readonly SurveyedMailbox[];
}

export interface MailboxPair {
  readonly left: SideMailbox;
  readonly right: SideMailbox;
}

/** Attempts at a tree that is changed meanwhile. */
const ATTEMPTS = 10;

/**
 * Makes both trees equal and returns the mailboxes to be exchanged.
 * @throws TandemError `conflict` if the tree never held still, or what a side answers.
 */
export async function exchangeTree(context: SyncContext, account: string, first: AccountTrees): Promise<MailboxPair[]> {
  let trees = first;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const plan = planFor(context, trees);
    if (attempt === 0) {
      context.report.treeDecided(account, plan.decisions.filter(isWanted(context, trees)));
      refuseOwn(context, account, plan);
    }
    const together = plan.pairs.filter((pair) => pair.together && isChosen(context, pair));
    if (together.length > 0) {
      const done = await exchangeTogether(context, account, trees, together);
      if (context.options.dryRun) return remaining(context, account, plan);
      trees = await surveyTrees(context, account);
      if (done) continue;
      return remaining(context, account, planFor(context, trees));
    }
    if (context.options.dryRun || (await writeTrees(context, account, trees, plan)))
      return remaining(context, account, plan);
    trees = await surveyTrees(context, account);
  }
  throw new TandemError("conflict", "The mailbox tree was changed during every attempt; run the sync again.");
}

export async function surveyTrees(context: SyncContext, account: string): Promise<AccountTrees> {
  const ask = async (peer: Peer): Promise<SurveyedTree> => {
    const survey = await peer.survey({ account, base: null, complete: true, inlineBytes: 0 });
    const modseq = survey.trees.find((tree) => tree.account === account)?.modseq ?? 0;
    return { modseq, mailboxes: survey.mailboxes };
  };
  const [left, right] = await Promise.all([ask(context.peers.left), ask(context.peers.right)]);
  return { left, right };
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

/** True if a side's entry would become another in more than its modseq. */
function isOther({ entry }: TreeEntryPut, held: ReadonlyMap<string, MailboxEntry>): boolean {
  const old = held.get(entry.mailboxId);
  return old !== undefined && !sameEntry(entry, old);
}

/** A mailbox that only the right side has: a one-way sync leaves it alone or, with `--mirror`, deletes it. */
function isOwn(pair: Pair): boolean {
  return pair.left === null && pair.right !== null && !pair.right.entry.deleted;
}

/** Mailboxes with records to exchange: all that are on both sides now. */
function remaining(context: SyncContext, account: string, plan: SurveyedPlan): MailboxPair[] {
  return plan.pairs
    .filter((pair) => !pair.together && isChosen(context, pair))
    .filter((pair) => context.options.direction === "both" || pair.left !== null)
    .map((pair) => bothSides(context, account, pair, plan));
}

function bothSides(context: SyncContext, account: string, pair: Pair, plan: SurveyedPlan): MailboxPair {
  const written = { left: byId(plan.left), right: byId(plan.right) };
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
  return { account, entry, state, cursor: null, changes: null, exists };
}

/** Writes the right side's tree, then the left one's; false if either was changed meanwhile. */
async function writeTrees(
  context: SyncContext,
  account: string,
  trees: AccountTrees,
  plan: SurveyedPlan,
): Promise<boolean> {
  for (const name of ["right", "left"] as const) {
    if (name === "left" && context.options.direction !== "both") continue;
    const puts = plan[name].filter((put) => isNamed(context, trees, put.entry));
    const before = trees[name].modseq;
    const after = Math.max(before, plan.modseq, ...puts.map((put) => put.entry.modseq));
    if (puts.length === 0 && (after === before || context.options.mailbox !== null)) continue;
    const outcome = await context.peers[name].tree({ account, before, after, puts });
    if (outcome === "conflict") return false;
  }
  return true;
}

/** One after the other, since each changes the trees; true if all of them are through. */
async function exchangeTogether(
  context: SyncContext,
  account: string,
  first: AccountTrees,
  pairs: readonly Pair[],
): Promise<boolean> {
  let trees = first;
  let isDone = true;
  for (const pair of pairs) {
    const right = sideOf(account, pair, "right");
    try {
      await new MailboxExchange(context, sideOf(account, pair, "left"), right, entryPlanner(trees, pair)).run();
    } catch (error) {
      context.report.issue(account, right.entry.name, error);
      isDone = false;
    }
    if (!context.options.dryRun) trees = await surveyTrees(context, account);
  }
  return isDone;
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
function entryPlanner(trees: AccountTrees, { left, right }: Pair): EntryPlanner {
  const newModseq = Math.max(trees.left.modseq, trees.right.modseq) + 1;
  return (isAlive) => {
    const merged =
      left !== null && right !== null ? mergeEntries(left, right) : ((left ?? right) as SurveyedMailbox).entry;
    const isOne = left !== null && right !== null && left.entry.deleted === right.entry.deleted;
    const wanted = { ...merged, deleted: !isAlive && !isOne };
    const entry = wanted.deleted ? wanted : named(wanted, [left, right], trees, newModseq);
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
  };
}

function named(
  entry: MailboxEntry,
  sides: readonly (SurveyedMailbox | null)[],
  trees: AccountTrees,
  newModseq: number,
): MailboxEntry {
  const ids = new Set([entry.mailboxId, ...entry.aliases]);
  const others = [...trees.left.mailboxes, ...trees.right.mailboxes].filter(
    (mailbox) => !mailbox.entry.deleted && !ids.has(mailbox.entry.mailboxId),
  );
  const taken = new Set(others.map((mailbox) => mailbox.entry.name));
  if (!taken.has(entry.name)) return entry;
  const name = freeName(entry.name, taken);
  const known = sides.filter((side) => side !== null);
  return { ...entry, name, nameStamp: newModseq, formerNames: formerNamesOf(known, name) };
}

function isChosen({ options }: SyncContext, pair: Pair): boolean {
  if (options.mailbox === null) return true;
  return [pair.left, pair.right].some((side) => side?.entry.name === options.mailbox);
}

function isNamed(context: SyncContext, trees: AccountTrees, entry: MailboxEntry): boolean {
  const find = (tree: SurveyedTree) => tree.mailboxes.find((one) => one.entry.mailboxId === entry.mailboxId) ?? null;
  return isChosen(context, { left: find(trees.left), right: find(trees.right), together: false });
}

function isWanted(context: SyncContext, trees: AccountTrees) {
  return ({ mailboxId }: { readonly mailboxId: string }) => {
    const entry = [...trees.left.mailboxes, ...trees.right.mailboxes].find((one) => one.entry.mailboxId === mailboxId);
    return entry === undefined || isNamed(context, trees, entry.entry);
  };
}
