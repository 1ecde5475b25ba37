/**
 * The change log of a store: for each channel the set of mailboxes that its peer may not have as they are here.
 *
 * Promises of every store:
 * - An entry is written in the transaction of the change it tells of, so nothing is lost between a change and its notice.
 * - It is a set: a mailbox that changes again keeps its one entry, which gets a higher `seq`. So a peer that is down costs
 *   one entry for each changed mailbox, however long it is away.
 * - A change is logged to every channel but those whose peer it came from (`origin`), so nothing bounces. A mailbox whose id
 *   such a change makes an alias of another, while it is alive here, is logged to all: only this node can make them one.
 * - An entry is removed by `settle` only if the mailbox has not changed since the entry was read; and by saving a cursor that
 *   says that the channel's peer is where the mailbox is, whoever brought it there. Either way that is a success.
 * - A mailbox that gets a new id keeps its entries under the new one.
 * - Of a channel that is not there nothing is kept and nothing is read: writing does nothing, reading finds nothing.
 */
import type { ErrorCode } from "../model/errors.ts";

/** The stream of changes from this node to one peer, as it is kept in the store. */
export interface ChannelRow {
  /** Name of the peer. */
  readonly name: string;
  /** Store epoch of the peer, null until it was first reached. Changes that came from it are not logged here. */
  readonly peer: string | null;
  /** What the replicator last noted of its connection, for `status`; "" at first. The store does not look into it. */
  readonly note: string;
}

/** One mailbox that the peer may not have as it is here. */
export interface LogEntry {
  readonly account: string;
  /** "" stands for the account as a whole: its tree is to be compared. */
  readonly mailboxId: string;
  /** Number of its newest change. Each logged change of a mailbox takes the next number of the store, once for all channels. */
  readonly seq: number;
  /** Number of the oldest change that the peer may not have. */
  readonly firstSeq: number;
  /** When that one was made, in milliseconds since 1970; for the rest of a settled entry: when it was settled. */
  readonly since: number;
  /** Attempts that failed one after the other. */
  readonly failures: number;
  /** Not to be tried before, in milliseconds since 1970; `since` if it never failed. A new change leaves it as it is. */
  readonly nextTry: number;
  /** Why the last attempt failed, null if none did. */
  readonly error: LogError | null;
  /** An administrator let the plan through that the mass-deletion brake holds. So it stays until the entry is done. */
  readonly allowed: boolean;
}

export interface LogError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What became of an entry. */
export type Settlement = { readonly account: string; readonly mailboxId: string } & (
  | {
      /**
       * The peer has everything up to this `seq`. If the mailbox changed since, the entry stays for the rest, as a new
       * one: `firstSeq` is the next number, `since` and `nextTry` are `at`, no failure, not allowed. If all its changes
       * are newer, it stays as it is.
       */
      readonly kind: "done";
      readonly seq: number;
      /** Milliseconds since 1970. */
      readonly at: number;
    }
  | {
      /** The entry waits until `nextTry`; one that is not there is made, as by `add`, unless only one that is there is meant. */
      readonly kind: "failed";
      /** The newest change that was tried: an entry all of whose changes are newer is left as it is. */
      readonly seq?: number;
      readonly ifThere?: boolean;
      readonly failures: number;
      readonly nextTry: number;
      readonly error: LogError;
    }
);

/** What one channel still has to bring of one account. */
export interface Backlog {
  readonly account: string;
  /** Entries. */
  readonly waiting: number;
  /** `since` of the oldest one, null if none waits. */
  readonly oldest: number | null;
  /** Entries that failed at least once. */
  readonly failing: number;
  /** Of the failing ones the one that is tried next. */
  readonly failed: LogEntry | null;
  /**
   * When something of this account was last brought to its end, in milliseconds since 1970: `at` of a settlement "done", or the
   * moment when a cursor said so. Null if nothing ever was.
   */
  readonly lastSuccess: number | null;
}

export interface ChangeLog {
  /** All channels, sorted by name. */
  channels(): Promise<ChannelRow[]>;
  /** Makes a channel, if there is none of this name; every change from now on is logged to it. */
  addChannel(name: string): Promise<void>;
  /** Removes a channel with its entries and all that is known of it, if it is there. */
  removeChannel(name: string): Promise<void>;
  /** Notes who the peer is and what is known of the connection. Not kept for a channel that is not there. */
  noteChannel(row: ChannelRow): Promise<void>;

  /** Adds entries as if these mailboxes had changed just now; those that are there already stay as they are. */
  add(channel: string, mailboxes: readonly { readonly account: string; readonly mailboxId: string }[]): Promise<void>;
  /** Entries with `nextTry` up to `now`, by `nextTry`, then `firstSeq`; at most `limit`. */
  due(channel: string, now: number, limit: number): Promise<LogEntry[]>;
  /** The lowest `nextTry` of any entry above `now`, null if there is none. */
  nextDue(channel: string, now: number): Promise<number | null>;
  /** Says what became of entries; all in one transaction. */
  settle(channel: string, settlements: readonly Settlement[]): Promise<void>;
  /**
   * Lets plans through that the mass-deletion brake holds: entries whose error is `brake` are due now and `allowed`.
   * @param account null: of all accounts.
   * @returns how many entries these are.
   */
  allow(channel: string, account: string | null): Promise<number>;

  /** By account, sorted: those with an entry, and those of which one was ever done. */
  backlog(channel: string): Promise<Backlog[]>;
  /** Number of the newest change that was logged to any channel, or entry that was added; 0 if none was. */
  lastSeq(): Promise<number>;
  /** How many entries have a `firstSeq` up to `seq`. */
  countUpTo(channel: string, seq: number): Promise<number>;

  /**
   * Calls `listener` whenever the log may have changed, whichever process changed it: at once as a rule, within a second
   * at the latest. Of changes that are not logged `MailboxStore.watch` tells. It is called at most once in a turn of the event
   * loop, and may be called without a reason. What it throws becomes a warning of the process. It keeps no process alive. The returned function ends it, and so does `close`.
   */
  watch(listener: () => void): () => void;
}
