/**
 * One exchange between two sides: survey, trees, then many mailboxes at once.
 */
import { isTandemError } from "../model/errors.ts";
import { countMessages, surveyAccount, treeIn } from "./account-trees.ts";
import { agreementsOn, isKnownSame, numberOf } from "./agree-same.ts";
import { Brake } from "./brake.ts";
import { canGuess, holdsCursors, isPlainChange, pairOf, unchanged } from "./guess.ts";
import { hasChanged } from "./local-peer.ts";
import { MailboxExchange, type SyncContext } from "./mailbox-exchange.ts";
import { type Agreement, type Peer, type Survey, type SurveyedMailbox, surveyKey } from "./peer.ts";
import { allEnded, forEachAtOnce } from "./pool.ts";
import { type SyncOptions, SyncReport } from "./report.ts";
import { unsaved } from "./survey-answers.ts";
import { exchangeTree, type MailboxPair } from "./tree-exchange.ts";

/** Mailboxes in flight at once: enough to keep disk and line busy, few enough that memory stays small. */
const MAILBOXES_AT_ONCE = 8;

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
    brake: new Brake({
      allowed: options.allowMassDeletion,
      totals: (account) => countMessages(context.peers, account),
      advice: "run it again with --allow-mass-deletion",
    }),
    written: null,
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
  const same = options.dryRun || options.full ? null : numberOf(surveys.right);
  if (same !== null) context.agree(agreementsOn(surveys.left, surveys.right), []);
  const isSaved = left.storeEpoch === right.storeEpoch || (agreed.right.length === 0 && same === null);
  if (!isSaved) await right.agree(agreed.right, same);
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
  const question = { account: options.account, mailboxId: null, inlineBytes: 0 };
  const left = await peers.left.survey({ ...question, base: null, complete: true });
  const changed = left.mailboxes.filter(hasChanged);
  const canCompare = isPartial && holdsCursors(left);
  const asked = peers.right.survey({ ...question, base: left.cursors, complete: !canCompare, known: left });
  const early = canCompare ? pushEarly(context, changed) : Promise.resolve(new Set<string>());
  const [right, done] = await allEnded([asked, early]);
  if (canCompare && right.baseAgrees) {
    // With those that only the right side changed: this side's cursor for them may know more than the right one's.
    const told = new Set(right.mailboxes.map(surveyKey));
    const mailboxes = left.mailboxes.filter((one) => hasChanged(one) || told.has(surveyKey(one)));
    return { left: { ...left, mailboxes }, right, isComplete: false, done };
  }
  return { left, right, isComplete: true, done };
}

/** Exchanges mailboxes in which, as far as is known here, only records changed and only here. Returns those done. */
async function pushEarly(context: SyncContext, mailboxes: readonly SurveyedMailbox[]): Promise<Set<string>> {
  const done = new Set<string>();
  const chosen = mailboxes.filter((one) => canGuess(one) && isChosen(context.options, one.entry.name));
  context.report.expect(chosen.length);
  await forEachAtOnce(chosen, MAILBOXES_AT_ONCE, async (mailbox) => {
    try {
      await new MailboxExchange(context, { ...mailbox, exists: true }, unchanged(mailbox)).run();
      done.add(surveyKey(mailbox));
      context.report.mailboxDone();
    } catch (error) {
      if (isTandemError(error, "disconnected")) throw error;
      // The guess was wrong (the mailbox was renamed or deleted there): it takes the ordinary way.
      if (!isTandemError(error, "conflict") && !isTandemError(error, "not-found")) {
        context.report.issue(mailbox.account, mailbox.entry.name, error);
        done.add(surveyKey(mailbox));
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
    const known = isFresh ? surveys : await surveyAccount(context.peers, account);
    const trees = { left: treeIn(known.left, account), right: treeIn(known.right, account) };
    const all = (await exchangeTree(context, account, trees)) ?? [];
    const pairs = all.filter((pair) => context.options.full || !needsNothing(known.right, pair, isFresh));
    context.report.expect(all.length - pairs.length);
    for (let i = pairs.length; i < all.length; i++) context.report.mailboxDone();
    return pairs;
  }
  const byId = new Map(right.map((one) => [one.entry.mailboxId, one]));
  const pairs = left.map((one) => pairOf(one, byId.get(one.entry.mailboxId) ?? null));
  const known = new Set(left.map((one) => one.entry.mailboxId));
  const others = right.filter((one) => !known.has(one.entry.mailboxId)).map((one) => pairOf(null, one));
  return [...pairs, ...others].filter(
    (pair) => !surveys.done.has(surveyKey(pair.left)) && isChosen(context.options, pair.left.entry.name),
  );
}

/** True for a pair that is the same on both sides, if its cursors are saved or will be with those of all that is. */
function needsNothing(right: Survey, pair: MailboxPair, isSaved: boolean): boolean {
  return isKnownSame(right, pair) && (isSaved || unsaved(pair.left).length === 0);
}

function isChosen(options: SyncOptions, name: string): boolean {
  return options.mailbox === null || options.mailbox === name;
}

function accountsOf({ left, right }: Surveys): string[] {
  const names = [...left.mailboxes, ...right.mailboxes].map((one) => one.account);
  return [...new Set(names)].sort();
}
