/**
 * One exchange between two sides: survey, trees, then many mailboxes at once.
 */
import { cursorDigest } from "../../protocol/cursor-digest.ts";
import { isTandemError } from "../model/errors.ts";
import { Brake } from "./brake.ts";
import { MailboxExchange, type SyncContext } from "./mailbox-exchange.ts";
import type { Agreement, Peer, Survey, SurveyedMailbox } from "./peer.ts";
import { allEnded, forEachAtOnce } from "./pool.ts";
import { type SyncOptions, SyncReport } from "./report.ts";
import { type AccountTrees, exchangeTree, type MailboxPair, type SurveyedTree, surveyTrees } from "./tree-exchange.ts";

/** Mailboxes in flight at once: enough to keep disk and line busy, few enough that memory stays small. */
const MAILBOXES_AT_ONCE = 8;
/** What a side that holds no cursor has as their digest: there is nothing to compare, so all is asked for at once. */
const NO_CURSORS = cursorDigest([]);

/** What both sides have. */
interface Surveys {
  readonly left: Survey;
  readonly right: Survey;
  /** Every mailbox is told of, not only what changed since the cursors. */
  readonly isComplete: boolean;
  /** Mailboxes that went out with the question and are done. */
  readonly done: ReadonlySet<string>;
}

/**
 * Makes the right side equal to the left one, and in a two-way sync the other way round too.
 *
 * What fails for one mailbox is an issue in the report; only what fails for all is thrown.
 * @throws TandemError `disconnected`, `version` and whatever makes going on impossible.
 */
export async function exchange(left: Peer, right: Peer, options: SyncOptions): Promise<SyncReport> {
  const report = new SyncReport(options);
  const agreed = { left: [] as Agreement[], right: [] as Agreement[] };
  const context: SyncContext = {
    peers: { left, right },
    options,
    report,
    brake: new Brake(options.allowMassDeletion, (account) => countMessages(context, account)),
    agree: (onLeft, onRight) => {
      if (left.storeEpoch === right.storeEpoch) return;
      if (options.direction === "both") agreed.left.push(...onLeft);
      agreed.right.push(...onRight);
    },
  };
  const surveys = await survey(context);
  const pairs: MailboxPair[] = [];
  for (const account of accountsOf(surveys)) pairs.push(...(await pairsIfPossible(context, surveys, account)));
  report.expect(pairs.length);
  await forEachAtOnce(pairs, MAILBOXES_AT_ONCE, (pair) => exchangeOne(context, pair));
  if (agreed.right.length > 0) await right.agree(agreed.right);
  if (agreed.left.length > 0) await left.agree(agreed.left);
  return report;
}

/**
 * Asks both sides what changed. What the left side changed goes out in the same flight as the question, on the guess
 * that the right side has not changed: if so, that was all.
 */
async function survey(context: SyncContext): Promise<Surveys> {
  const { options, report, peers } = context;
  const isPartial = options.direction === "both" && !options.full && !report.explains;
  const question = { account: options.account, inlineBytes: 0 };
  const left = await peers.left.survey({ ...question, base: null, complete: !isPartial });
  const canCompare = isPartial && left.cursors !== null && Buffer.compare(left.cursors, NO_CURSORS) !== 0;
  const asked = peers.right.survey({ ...question, base: left.cursors, complete: !canCompare });
  const early = canCompare ? pushEarly(context, left.mailboxes) : Promise.resolve(new Set<string>());
  const [right, done] = await allEnded([asked, early]);
  if (canCompare && right.baseAgrees) return { left, right, isComplete: false, done };
  const all = isPartial ? await peers.left.survey({ ...question, base: null, complete: true }) : left;
  return { left: all, right, isComplete: true, done };
}

/** Exchanges mailboxes in which, as far as is known here, only records changed and only here. Returns those done. */
async function pushEarly(context: SyncContext, mailboxes: readonly SurveyedMailbox[]): Promise<Set<string>> {
  const done = new Set<string>();
  const chosen = mailboxes.filter((one) => isPlainChange(one) && isChosen(context.options, one.entry.name));
  context.report.expect(chosen.length);
  await forEachAtOnce(chosen, MAILBOXES_AT_ONCE, async (mailbox) => {
    try {
      await new MailboxExchange(context, { ...mailbox, exists: true }, unchanged(mailbox)).run();
      done.add(keyOf(mailbox));
      context.report.mailboxDone();
    } catch (error) {
      if (isTandemError(error, "disconnected")) throw error;
      // The guess was wrong (the mailbox was renamed or deleted there): it takes the ordinary way.
      if (!isTandemError(error, "conflict") && !isTandemError(error, "not-found")) {
        context.report.issue(mailbox.account, mailbox.entry.name, error);
        done.add(keyOf(mailbox));
      }
    }
  });
  return done;
}

async function exchangeOne({ report, ...context }: SyncContext, { left, right }: MailboxPair): Promise<void> {
  try {
    await new MailboxExchange({ report, ...context }, left, right).run();
    report.mailboxDone();
  } catch (error) {
    if (isTandemError(error, "disconnected")) throw error;
    report.issue(left.account, left.entry.name, error);
  }
}

/** As `pairsOf`; an account whose tree cannot be brought together does not hold up the others. */
async function pairsIfPossible(context: SyncContext, surveys: Surveys, account: string): Promise<MailboxPair[]> {
  try {
    return await pairsOf(context, surveys, account);
  } catch (error) {
    if (isTandemError(error, "disconnected")) throw error;
    context.report.issue(account, "", error);
    return [];
  }
}

/** The mailboxes of one account that are to be exchanged, its tree brought together first if it changed. */
async function pairsOf(context: SyncContext, surveys: Surveys, account: string): Promise<MailboxPair[]> {
  const isOf = (one: SurveyedMailbox) => one.account === account;
  const [left, right] = [surveys.left.mailboxes.filter(isOf), surveys.right.mailboxes.filter(isOf)];
  const isTreeChanged = [...left, ...right].some((one) => !isPlainChange(one));
  if (surveys.isComplete || isTreeChanged) {
    const isFresh = surveys.isComplete && surveys.done.size === 0;
    const trees = isFresh ? treesOf(surveys, account, left, right) : await surveyTrees(context, account);
    return exchangeTree(context, account, trees);
  }
  const byId = new Map(right.map((one) => [one.entry.mailboxId, one]));
  const pairs = left.map((one) => pairOf(one, byId.get(one.entry.mailboxId) ?? null));
  const known = new Set(left.map((one) => one.entry.mailboxId));
  const others = right.filter((one) => !known.has(one.entry.mailboxId)).map((one) => pairOf(null, one));
  return [...pairs, ...others].filter(
    (pair) => !surveys.done.has(keyOf(pair.left)) && isChosen(context.options, pair.left.entry.name),
  );
}

function treesOf(
  surveys: Surveys,
  account: string,
  left: readonly SurveyedMailbox[],
  right: readonly SurveyedMailbox[],
): AccountTrees {
  const tree = (side: Survey, mailboxes: readonly SurveyedMailbox[]): SurveyedTree => ({
    modseq: side.trees.find((one) => one.account === account)?.modseq ?? 0,
    mailboxes,
  });
  return { left: tree(surveys.left, left), right: tree(surveys.right, right) };
}

/** A pair of which at least one side changed; the other one is as the cursor, which both agree on, says. */
function pairOf(left: SurveyedMailbox | null, right: SurveyedMailbox | null): MailboxPair {
  const known = (left ?? right) as SurveyedMailbox;
  return {
    left: left === null ? unchanged(known) : { ...left, exists: true },
    right: right === null ? unchanged(known) : { ...right, exists: true },
  };
}

/** The mailbox as it was when both sides agreed on it. */
function unchanged(mailbox: SurveyedMailbox): MailboxPair["left"] {
  const { account, entry, cursor } = mailbox;
  if (cursor === null) return { ...mailbox, exists: true };
  return { account, entry, state: cursor.latest, cursor, changes: null, exists: true };
}

/** True if a mailbox differs from its cursor in records only. */
function isPlainChange({ cursor, entry }: SurveyedMailbox): boolean {
  return cursor !== null && cursor.latest.entryModseq === entry.modseq && !entry.deleted;
}

function isChosen(options: SyncOptions, name: string): boolean {
  return options.mailbox === null || options.mailbox === name;
}

function keyOf({ account, entry }: SurveyedMailbox): string {
  return `${entry.mailboxId}\0${account}`;
}

function accountsOf({ left, right }: Surveys): string[] {
  const names = [...left.mailboxes, ...right.mailboxes].map((one) => one.account);
  return [...new Set(names)].sort();
}

/** Live messages of an account on the side that has more. */
async function countMessages(context: SyncContext, account: string): Promise<number> {
  const { left, right } = await surveyTrees(context, account);
  const sum = (tree: SurveyedTree) => tree.mailboxes.reduce((total, { state }) => total + state.digest.count, 0);
  return Math.max(sum(left), sum(right));
}
