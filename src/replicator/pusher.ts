/**
 * Brings over what many entries of a channel's log tell of at once, and says which of them need an exchange of their own.
 */
import { isTandemError } from "../model/errors.ts";
import type { LogEntry } from "../store/change-log.ts";
import type { MailboxPlace, MailboxStore } from "../store/store.ts";
import type { BulkMerge } from "../sync/bulk-merge.ts";
import { pieces } from "../sync/pages.ts";
import type { Met, PushOutcome, Settle } from "../sync/push-outcome.ts";
import { type Ledger, MOST_YIELDS } from "./ledger.ts";
import type { Link } from "./link.ts";

/** Told of each entry as soon as nothing more is done about it. */
export interface PushListener {
  /** The entry is out of the log, or left in it for later. */
  readonly free: (entry: LogEntry) => void;
  /** It needs an exchange of its own. */
  readonly left: (entry: LogEntry) => void;
}

/** Mailboxes merged together: the more share frames and transactions, the less each costs, and the sooner all are done. */
const MERGED_TOGETHER = 128;
/** Times that mailboxes are merged together because clients changed them meanwhile. */
const MERGES = 3;

export class Pusher {
  readonly #link: Link;
  readonly #ledger: Ledger;
  readonly #listener: PushListener;
  #merging = 0;

  constructor(link: Link, ledger: Ledger, listener: PushListener) {
    this.#link = link;
    this.#ledger = ledger;
    this.#listener = listener;
  }

  /** Whether an entry failed so that a push may try it again: somebody else was faster. */
  static mayTry({ failures, error }: LogEntry): boolean {
    return failures === 0 || (error?.code === "conflict" && failures <= MOST_YIELDS);
  }

  /**
   * @param sent called when the next push may be begun, at the latest when all is done.
   * @throws TandemError if the log cannot be written; whatever is no TandemError.
   */
  async push(entries: readonly LogEntry[], sent: () => void): Promise<void> {
    try {
      await this.#push(entries, sent);
    } finally {
      sent();
    }
  }

  /**
   * Brings mailboxes together that the peer leaves to this node. What does not succeed is in a log, here or there, and has its turn.
   * @throws whatever is no TandemError: a fault of Tandem itself.
   */
  async take(mets: readonly Met[], store: MailboxStore): Promise<void> {
    const merger = this.#link.mergerOn(store);
    if (merger !== null) await this.#mergeAll(mets, (some) => this.#takeSome(some, merger));
  }

  async #push(entries: readonly LogEntry[], sent: () => void): Promise<void> {
    const yields = this.#link.isPolite;
    const conflicts = await this.#attempt(entries, (settle) => this.#link.bulk.push(entries, settle, yields));
    if (yields) return this.#yield(conflicts.map(({ entry }) => entry));
    if (this.#merging === 0) sent();
    for (const { entry } of await this.#mergeAll(conflicts, (some) => this.#mergeSome(some)))
      this.#listener.left(entry);
  }

  /** Merges some at a time, each of them again while clients come between. Returns those that it never worked for. */
  async #mergeAll<T>(all: readonly T[], merge: (some: readonly T[]) => Promise<readonly T[]>): Promise<T[]> {
    const left: T[] = [];
    this.#merging++;
    try {
      for (const some of pieces(all, MERGED_TOGETHER)) {
        let open = some;
        for (let i = 0; i < MERGES && open.length > 0; i++) open = await merge(open);
        left.push(...open);
      }
    } finally {
      this.#merging--;
    }
    return left;
  }

  async #takeSome(mets: readonly Met[], merger: BulkMerge): Promise<Met[]> {
    const started = this.#ledger.now();
    const outcomes = await this.#outcomes([], (settle) => merger.merge(mets, settle));
    for (const [i, outcome] of outcomes.entries())
      if (outcome.kind === "done") this.#ledger.tell(placeOf(mets[i] as Met), outcome, started);
    return outcomes.flatMap((outcome) => (outcome.kind === "conflict" && outcome.met ? [outcome.met] : []));
  }

  #mergeSome(conflicts: readonly Conflict[]): Promise<Conflict[]> {
    const mets = conflicts.map(({ met }) => met);
    return this.#attempt(
      conflicts.map(({ entry }) => entry),
      (settle) => this.#merge(mets, settle),
    );
  }

  #merge(mets: readonly Met[], settle: Settle): Promise<readonly PushOutcome[]> {
    return this.#link.merger?.merge(mets, settle) ?? Promise.resolve(mets.map(() => OTHER));
  }

  /** Does what is to be done for each outcome but for conflicts, which are returned. */
  async #attempt(
    entries: readonly LogEntry[],
    work: (settle: Settle) => Promise<readonly PushOutcome[]>,
  ): Promise<Conflict[]> {
    const started = this.#ledger.now();
    const outcomes = await this.#outcomes(entries, work);
    const conflicts: Conflict[] = [];
    const pending: LogEntry[] = [];
    for (const [i, entry] of entries.entries()) {
      const outcome = outcomes[i] ?? FULL;
      if (outcome.kind === "conflict" && outcome.met !== null) conflicts.push({ entry, met: outcome.met });
      else if (outcome.kind === "pending" && entry.failures < MOST_YIELDS) pending.push(entry);
      else if (outcome.kind === "done" || outcome.kind === "full") this.#listener.free(entry);
      else this.#listener.left(entry);
      if (outcome.kind === "done") this.#ledger.tell(entry, outcome, started);
    }
    await this.#yield(pending);
    return conflicts;
  }

  /** What became of each; none if the line is gone. Entries that are done are settled. */
  async #outcomes(
    entries: readonly LogEntry[],
    work: (settle: Settle) => Promise<readonly PushOutcome[]>,
  ): Promise<readonly PushOutcome[]> {
    try {
      return await work((all) => this.#ledger.settle(entries.filter((_, i) => all[i]?.kind === "done")));
    } catch (error) {
      if (this.#link.over || isTandemError(error, "disconnected")) return [];
      if (!isTandemError(error)) throw error;
      // Tried one by one, each of them says what is wrong with it.
      return entries.map(() => OTHER);
    }
  }

  /** Leaves mailboxes to the other node for a moment. */
  async #yield(entries: readonly LogEntry[]): Promise<void> {
    if (entries.length > 0) await this.#ledger.leaveToOther(entries);
    for (const entry of entries) this.#listener.free(entry);
  }
}

interface Conflict {
  readonly entry: LogEntry;
  readonly met: Met;
}

export function placeOf({ left: { account, entry } }: Met): MailboxPlace {
  return { account, mailboxId: entry.mailboxId };
}

const FULL: PushOutcome = { kind: "full" };
const OTHER: PushOutcome = { kind: "other" };
