/**
 * Exchanges of single mailboxes and single accounts over a connection that stays open: what a channel does all day.
 */
import type { Stranded } from "../merge/tree-plan.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { sameAgreed } from "../model/state.ts";
import { countMessages, surveyAccount, treeIn } from "./account-trees.ts";
import { agreementsOn, isKnownSame, numberOf } from "./agree-same.ts";
import { Brake } from "./brake.ts";
import { askFor, canGuess, holdsCursors, isAtCursor, isSameEntry, unchanged } from "./guess.ts";
import { agreedStateOf, hasChanged, type LocalPeer } from "./local-peer.ts";
import { type Leaves, MailboxExchange, type SyncContext } from "./mailbox-exchange.ts";
import { type Agreement, type Peer, type Survey, type SurveyedMailbox, surveyKey } from "./peer.ts";
import { type Direction, type SyncCounts, type SyncIssue, type SyncOptions, SyncReport } from "./report.ts";
import { DEFAULT_SYNC_OPTIONS } from "./session.ts";
import { exchangeTree } from "./tree-exchange.ts";

/** A mailbox, or with `mailboxId` "" an account as a whole. */
export interface Place {
  readonly account: string;
  readonly mailboxId: string;
}

/** A place that may differ. */
export interface SurveyedPlace extends Place {
  /** The other side may have changed it, so it has to be asked. */
  readonly ask: boolean;
}

/**
 * How an exchange of one mailbox ended. `half`: clients write to both sides all the time, so only this side has taken over
 * what the other one had; it goes on. `left`: it is left to the other node. `tree`: its account's trees
 * have to be brought together first.
 */
export type MailboxOutcome =
  | { readonly kind: "done" | "half"; readonly counts: SyncCounts }
  | { readonly kind: "left" }
  | { readonly kind: "tree" };

/** What the exchange of an account's trees led to; null if both nodes changed them and it is left to the other one. */
export type AccountOutcome = TreeOutcome | null;

export interface TreeOutcome {
  /** Mailboxes whose records have to follow. */
  readonly places: readonly SurveyedPlace[];
  /** What could not be done, the mailbox named; all else is. */
  readonly issues: readonly SyncIssue[];
  /** Mailboxes of this side that have to be made one with another first. */
  readonly stranded: readonly Stranded[];
}

/** How an account's trees are to be gone about. */
export interface AccountWish {
  /** Lets a plan through that the mass-deletion brake would hold. */
  readonly allowed: boolean;
  /**
   * Where both sides changed, leave it to the other node. Two nodes that bring the same mailbox together at once refuse each
   * other's changes, and where both have mail at their first meeting number it anew again and again (P9).
   */
  readonly yields: boolean;
}

/** How one mailbox is to be gone about. */
export interface MailboxWish extends Pick<AccountWish, "allowed"> {
  readonly leaves: Leaves;
  /** Ask the other side also where nothing changed here: it may have. */
  readonly ask: boolean;
}

export interface ChannelOptions {
  readonly direction: Direction;
  /** Told of every decision; asking for it makes every mailbox go through the merge rule. */
  readonly onDecision?: NonNullable<SyncOptions["onDecision"]>;
}

export class ChannelExchange {
  readonly #peers: { readonly left: LocalPeer; readonly right: Peer };
  readonly #options: ChannelOptions;

  constructor(left: LocalPeer, right: Peer, options: ChannelOptions) {
    this.#peers = { left, right };
    this.#options = options;
  }

  /**
   * What may differ between both sides; one round trip, and a few bytes where nothing does.
   * @throws TandemError `disconnected` and what the peer answers.
   */
  async survey(): Promise<SurveyedPlace[]> {
    const { left, right } = this.#peers;
    const question = { account: null, mailboxId: null, inlineBytes: 0 };
    const mine = await left.survey({ ...question, base: null, complete: true });
    const knows = holdsCursors(mine);
    const theirs = await right.survey({ ...question, base: mine.cursors, complete: !knows, known: mine });
    if (knows && theirs.baseAgrees) return [...placesOf(mine.mailboxes.filter(hasChanged), theirs.mailboxes)];
    await this.#agreeSame(mine, theirs);
    return [...placesThatDiffer(mine, theirs)];
  }

  /**
   * Brings one mailbox together.
   * @throws TandemError why it could not be, in the store's or the peer's words.
   */
  async mailbox({ account, mailboxId }: Place, wish: MailboxWish): Promise<MailboxOutcome> {
    const left = await this.#peers.left.surveyed(account, mailboxId, 0);
    const { context, finish } = this.#begin(wish.allowed);
    if (left === null) {
      // Told of by a peer that has lost it since: nobody has it, and no exchange of trees will make it.
      const isNowhere = (await askFor(this.#peers.right, account, mailboxId)) === null;
      return isNowhere ? { kind: "done", counts: context.report.counts } : { kind: "tree" };
    }
    if (isAtCursor(left) && !wish.ask) return { kind: "done", counts: context.report.counts };
    const isGuess = canGuess(left) && !isAtCursor(left);
    const right = isGuess ? unchanged(left) : await askFor(this.#peers.right, account, left.entry.mailboxId);
    if (right !== null && isAbsorbed(left, right)) return { kind: "done", counts: context.report.counts };
    if (right === null || !isSameEntry(left, right)) return { kind: "tree" };
    const sides = [
      { ...left, exists: true },
      { ...right, exists: true },
    ] as const;
    const exchange = new MailboxExchange(context, ...sides, null, wish.leaves);
    try {
      if (!(await exchange.run())) return { kind: "left" };
    } catch (error) {
      // What was known of the other side was wrong: the mailbox was renamed or deleted there.
      if (exchange.renamed || isTandemError(error, "not-found")) return { kind: "tree" };
      if (!exchange.progressed || !isTandemError(error, "conflict")) throw error;
      return { kind: "half", counts: context.report.counts };
    }
    await finish();
    const [issue] = context.report.issues;
    if (issue !== undefined) throw new TandemError(issue.code, issue.message);
    return { kind: "done", counts: context.report.counts };
  }

  /** Brings the trees of an account together. @throws TandemError if none of it could be done. */
  async account(account: string, { allowed, yields }: AccountWish): Promise<AccountOutcome> {
    const { context, finish } = this.#begin(allowed);
    const { left: mine, right: theirs } = await surveyAccount(this.#peers, account);
    if (agreementsOn(mine, theirs).length > 0) await this.#agreeSame(mine, theirs);
    const trees = { left: treeIn(mine, account), right: treeIn(theirs, account) };
    const pairs = await exchangeTree(context, account, trees, yields);
    if (pairs === null) return null;
    await finish();
    const places = pairs
      .filter((pair) => !isKnownSame(theirs, pair))
      .filter(({ left, right }) => !isAtCursor(left) || !isAtCursor(right))
      .map(({ left }) => ({ account, mailboxId: left.entry.mailboxId, ask: true }));
    const stranded = context.report.strandedMailboxes.filter(({ side }) => side === "left");
    return { places, issues: context.report.issues, stranded };
  }

  /** Saves the cursors of what is the same on both sides. */
  async #agreeSame(mine: Survey, theirs: Survey): Promise<void> {
    const number = numberOf(theirs);
    if (number === null) return;
    await this.#peers.right.agree([], number);
    if (this.#options.direction === "both") await this.#peers.left.agree(agreementsOn(mine, theirs));
  }

  /** What one exchange needs; `finish` saves the cursors it led to. */
  #begin(allowed: boolean): { context: SyncContext; finish: () => Promise<void> } {
    const { left, right } = this.#peers;
    const options = { ...DEFAULT_SYNC_OPTIONS, ...this.#options, allowMassDeletion: allowed };
    const report = new SyncReport(options);
    const agreed = { left: [] as Agreement[], right: [] as Agreement[] };
    const context: SyncContext = {
      peers: this.#peers,
      options,
      report,
      brake: new Brake({
        allowed,
        totals: (account) => countMessages(this.#peers, account),
        advice: '"tandem allow" lets it through',
      }),
      written: (row) => agreed.right.push(row),
      agree: (onLeft, onRight) => {
        agreed.left.push(...onLeft);
        agreed.right.push(...onRight);
      },
    };
    const finish = async () => {
      if (agreed.right.length > 0) await right.agree(agreed.right);
      if (agreed.left.length > 0) await left.agree(agreed.left);
    };
    return { context, finish };
  }
}

/** A deleted mailbox whose messages are in another one, under whose alias the other side knows it. */
function isAbsorbed({ entry }: SurveyedMailbox, right: SurveyedMailbox): boolean {
  return entry.deleted && right.entry.mailboxId !== entry.mailboxId;
}

/** With cursors on which both agree: what changed on either side. */
function* placesOf(left: readonly SurveyedMailbox[], right: readonly SurveyedMailbox[]): Generator<SurveyedPlace> {
  const theirs = new Set(right.map(surveyKey));
  for (const { account, entry } of right) yield { account, mailboxId: entry.mailboxId, ask: true };
  for (const mailbox of left)
    if (!theirs.has(surveyKey(mailbox)))
      yield { account: mailbox.account, mailboxId: mailbox.entry.mailboxId, ask: false };
}

/**
 * Without cursors on which both agree: an account whose trees differ as a whole, else the mailboxes that are not known to
 * be equal.
 */
function* placesThatDiffer(left: Survey, right: Survey): Generator<SurveyedPlace> {
  const theirs = new Map(right.mailboxes.map((one) => [surveyKey(one), one]));
  const whole = new Set<string>();
  const single: SurveyedPlace[] = [];
  for (const mailbox of left.mailboxes) {
    const { account, entry } = mailbox;
    const key = surveyKey(mailbox);
    const other = theirs.get(key);
    theirs.delete(key);
    if (right.same.has(key)) continue;
    if (other === undefined || other.entry.modseq !== entry.modseq) whole.add(account);
    else if (!isAtCursor(mailbox) || !isAtCursor(other) || !sameAgreed(agreedStateOf(mailbox), agreedStateOf(other)))
      single.push({ account, mailboxId: entry.mailboxId, ask: true });
  }
  for (const { account } of theirs.values()) whole.add(account);
  for (const account of whole) yield { account, mailboxId: "", ask: true };
  yield* single;
}
