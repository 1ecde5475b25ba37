/**
 * Writes into a channel's log what became of its entries, and tells of it.
 */
import { TandemError } from "../model/errors.ts";
import type { LogEntry, Settlement } from "../store/change-log.ts";
import type { MailboxPlace, MailboxStore } from "../store/store.ts";
import { entryDelay } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { ReplicatorEvent } from "./events.ts";
import type { PeerOptions } from "./peer-options.ts";

/** What the work on a channel's log needs of its channel. */
export interface LedgerSettings {
  readonly store: MailboxStore;
  readonly peer: PeerOptions;
  readonly environment: Environment;
  readonly emit: (event: Omit<ReplicatorEvent, "peer">) => void;
}

/** What crossed the line for an entry. */
export interface Transferred {
  readonly records: number;
  readonly bodies: number;
}

/** Milliseconds, and up to twice as many, that a mailbox is left to the other node: it needs two round trips. */
const YIELD_MS = 100;
const LEFT = new TandemError("conflict", "The other node changed the mailbox, and brings it over.");
/** How often something is left to the other node before this one does it. */
export const MOST_YIELDS = 5;
/** Conflicts in a row that are nothing to tell of: two busy nodes have some. */
const QUIET_CONFLICTS = 8;

export class Ledger {
  readonly #settings: LedgerSettings;

  constructor(settings: LedgerSettings) {
    this.#settings = settings;
  }

  now(): number {
    return this.#settings.environment.now();
  }

  /** Removes entries, unless their mailboxes have changed since they were read. @throws what the store throws. */
  settle(entries: readonly LogEntry[]): Promise<void> {
    const at = this.now();
    const done = entries.map(({ account, mailboxId, seq }) => ({ kind: "done", account, mailboxId, seq, at }) as const);
    return this.#settings.store.log.settle(this.#settings.peer.name, done);
  }

  /** Tells that an entry is done. @param started when it was begun. */
  tell({ account, mailboxId }: MailboxPlace, { records, bodies }: Transferred, started: number): void {
    this.#settings.emit({ event: "exchange-done", account, mailboxId, records, bodies, ms: this.now() - started });
  }

  /** Leaves entries for later, each with its reason. */
  putBack(entries: readonly LogEntry[], error: TandemError): Promise<void> {
    return this.#putBack(entries.map((entry) => this.#failed(entry, error, null)));
  }

  /**
   * Leaves mailboxes to the other node for a moment, a longer one each time; those that it has not brought over meanwhile.
   * @param isComing it is at it, so this node goes on waiting.
   */
  leaveToOther(entries: readonly LogEntry[], isComing = false): Promise<void> {
    const most = isComing ? MOST_YIELDS : Number.POSITIVE_INFINITY;
    return this.#putBack(
      entries.map((entry) => {
        const left = this.#failed(entry, LEFT, YIELD_MS * 2 ** Math.min(entry.failures, MOST_YIELDS));
        return { ...left, failures: Math.min(left.failures, most), ifThere: true };
      }),
    );
  }

  async #putBack(failed: readonly FailedEntry[]): Promise<void> {
    await this.#settings.store.log.settle(this.#settings.peer.name, failed);
    for (const one of failed) this.#tellFailed(one);
  }

  /** @param ms how long at least, and up to twice as long; null: what is usual for the error. */
  #failed(entry: LogEntry, { code, message }: TandemError, ms: number | null): FailedEntry {
    const { account, mailboxId, seq } = entry;
    const failures = entry.failures + 1;
    const random = this.#settings.environment.random();
    const delay = ms === null ? entryDelay(code, failures, random) : Math.round(ms * (1 + random));
    return { kind: "failed", account, mailboxId, seq, failures, nextTry: this.now() + delay, error: { code, message } };
  }

  /** Seldom tells what goes on for long. */
  #tellFailed({ account, mailboxId, failures, nextTry, error: { code, message } }: FailedEntry): void {
    const event = code === "brake" ? "plan-held" : "exchange-failed";
    if (Number.isInteger(Math.log2(failures)) && !(code === "conflict" && failures < QUIET_CONFLICTS))
      this.#settings.emit({ event, account, mailboxId, code, message, failures, nextTry });
  }
}

type FailedEntry = Extract<Settlement, { kind: "failed" }>;

export function asTandemError(error: unknown): TandemError {
  if (error instanceof TandemError) return error;
  return new TandemError("internal", `The channel met a fault of Tandem itself: ${error}`, { cause: error });
}
