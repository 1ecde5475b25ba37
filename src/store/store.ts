/**
 * What a store must do. Every implementation passes the contract suite in `test/contract/store-contract.ts`, which an
 * embedder also runs on a store of its own.
 *
 * Promises of every store:
 * - Atomic: `apply` and `applyTree` change everything or nothing, also if the process is killed.
 * - Compare-and-set: they do nothing and say "conflict" if the mailbox (the tree) is not as `before` says,
 *   or if messages are meant for a mailbox that was deleted.
 * - Durable: when a promise of `apply` or `applyTree` resolves, a power cut does not undo it. What `stage`, `saveCursors` and
 *   the log's `settle` resolved survives a killed process; a power cut may undo it until the next `apply`, which makes all of it
 *   durable: then a message is staged again, and a mailbox is found to be in step again.
 * - Bodies first: a live record is only ever visible if its bytes can be read.
 * - Snapshots: what a snapshot reads does not change while it is open, whatever is written meanwhile.
 * - Several processes may use one store at once; a killed one blocks nobody (where the store is on disk).
 * - Damage is not taken for a change: what does not fit its checksum is refused by `digest-fault` when it is read, or is as if
 *   it were not there (a cursor), where a store is on a disk that may change bytes.
 * Not promised: any order between changes of different mailboxes; fairness between writers.
 */
import type { RecordBatch } from "../model/batch.ts";
import type { MailboxEntry } from "../model/mailbox.ts";
import type { Guid } from "../model/record.ts";
import type { Cursor, MailboxDigest, MailboxState, RecordDigests } from "../model/state.ts";
import type { ChangeLog } from "./change-log.ts";

/** What names and numbers a mailbox: its entry in the tree and its counters. */
export interface MailboxHead {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
}

export interface Mailbox extends MailboxHead {
  /** Digest of its tombstones. Not part of the state, since a plan need not know all tombstones that a purge drops. */
  readonly tombstones: MailboxDigest;
}

/** Digests of the records whose UIDs agree in all but the lowest bits: UID divided by 2^bits, rounded down, is `no`. */
export interface RangeDigests extends RecordDigests {
  readonly no: number;
}

/** All mailboxes of an account, tombstones of deleted ones included, sorted by mailboxId. */
export interface AccountTree {
  /** Highest tree modseq; 0 for an account that does not exist. */
  readonly modseq: number;
  readonly mailboxes: readonly Mailbox[];
}

/** One change of one mailbox: everything in it becomes visible at once. */
export interface MailboxChange {
  readonly account: string;
  readonly mailboxId: string;
  /** The state the change was planned on. */
  readonly before: MailboxState;
  /** The state it leads to. A digest that does not come out is refused with `invalid-change`. */
  readonly after: MailboxState;
  /** Records to write, in UID order over all batches. Iterated once, inside the transaction. */
  readonly records: Iterable<RecordBatch>;
  /** Drop all records first: the mailbox gets a new numbering. */
  readonly reset?: boolean;
  /** Let the change break P1, P2, P3 and P5 (`--mirror` only). */
  readonly overrule?: boolean;
  /**
   * A new entry in the same transaction: deletion, revival, a new identity (its `aliases` then name `mailboxId`).
   * A deleted mailbox must have no live record.
   */
  readonly entry?: EntryChange;
  /** The cursor to save with the change. */
  readonly cursor?: { readonly peer: string; readonly cursor: Cursor };
  /**
   * Store epoch of the node it came from: the change is not logged to channels to that node. None: a change made here,
   * logged to every channel. A change that only saves a cursor is not logged.
   */
  readonly origin?: string;
}

/** A changed entry, with the account's tree modseq before (compare-and-set) and after. */
export interface EntryChange {
  readonly value: MailboxEntry;
  readonly treeBefore: number;
  readonly treeAfter: number;
}

/** Entries created and changed together, so that names may be swapped. */
export interface TreeChange {
  readonly account: string;
  /** Tree modseq the change was planned on; 0 creates the account. */
  readonly before: number;
  readonly after: number;
  readonly puts: readonly TreePut[];
  /** As in `MailboxChange`. Each mailbox in `puts` is logged, so a change without any logs nothing. */
  readonly origin?: string;
}

export interface TreePut {
  readonly entry: MailboxEntry;
  /**
   * Of a new mailbox: its uidValidity; it starts with uidNext 1, highestModseq 1, purgedModseq 0 and no record.
   * Of a mailbox that is there: raised to this if it is lower, the records stay.
   */
  readonly uidValidity: number;
}

export type Outcome = "applied" | "conflict";

/** A saved cursor. */
export interface CursorRow {
  readonly account: string;
  readonly mailboxId: string;
  readonly cursor: Cursor;
}

/** A mailbox in an account, by its id or an alias. */
export interface MailboxPlace {
  readonly account: string;
  readonly mailboxId: string;
}

/** A mailbox at one moment, and what is new in it for a peer. */
export interface MailboxNews extends Mailbox {
  /** What is held for the peer. */
  readonly cursor: Cursor | null;
  /** Records changed since `cursor.latest`, packed; null if there is no such cursor, or no room for them. */
  readonly changes: readonly Uint8Array[] | null;
}

export interface ScanOptions {
  /** Only records with a modseq above this. */
  readonly sinceModseq?: number;
  /** First and last UID to read; all by default. */
  readonly fromUid?: number;
  readonly toUid?: number;
}

/** UIDs from `firstUid` to `lastUid`, both included. */
export interface UidRange {
  readonly firstUid: number;
  readonly lastUid: number;
}

/** What was found when all records of a mailbox were looked at. */
export interface Examination {
  /** Digest of the records that are sound: the stored one has to be the same. */
  readonly digest: MailboxDigest;
  /** Where records are not as they were written. */
  readonly damaged: readonly UidRange[];
  /** Of the sums that are kept of groups of records, how many are not those of their records. */
  readonly wrongSums: number;
}

/** One mailbox as it is at one moment. Must be closed. */
export interface MailboxSnapshot extends Mailbox {
  /**
   * Records in UID order, some batches at a time. Without `sinceModseq` and UID bounds each batch holds one block, the
   * records whose UIDs agree in `uid >> 6`; else batches are cut anywhere.
   */
  scan(options?: ScanOptions): AsyncIterable<readonly RecordBatch[]>;
  /** Digest of the live records with UIDs from `fromUid` to `toUid`, both included. */
  digest(fromUid: number, toUid: number): Promise<MailboxDigest>;
  /** Reads all records and compares them with what is kept of them; takes long, and lets others get their turn. */
  examine(): Promise<Examination>;
  /**
   * Digests of ranges of 2^`bits` UIDs each (`bits` 0 to 31), of those numbered `firstNo` to `lastNo` that hold a record, in
   * order. Cheap for ranges of whole blocks; of smaller ones the records are read.
   */
  ranges(bits: number, firstNo: number, lastNo: number): Promise<RangeDigests[]>;
  close(): Promise<void>;
}

/** Batches of one incoming change, kept out of memory until they are applied. Must be disposed of. */
export interface RecordSpool extends Iterable<RecordBatch> {
  write(batch: RecordBatch): void;
  dispose(): void;
}

/** Bytes of one message being written piece by piece, for messages too large to hold in memory. */
export interface BodyWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the message durable and returns its GUID. */
  finish(): Promise<Guid>;
  abort(): Promise<void>;
}

/** What `compact` did. */
export interface CompactResult {
  readonly bodiesDropped: number;
  readonly bytesFreed: number;
}

/** A part of the work of `compact` that is done. */
export interface CompactStep {
  /** Bytes that it read and wrote, roughly. */
  readonly bytes: number;
  /** How much of the store is gone through, of `total`; both count the same parts of it. */
  readonly done: number;
  readonly total: number;
}

export interface CompactOptions {
  /** Called after each part of the work, and waited for. What it throws ends the work there; the next `compact` does the rest. */
  readonly onStep?: (step: CompactStep) => void | Promise<void>;
}

export interface MailboxStore {
  /** 32 hex digits, random, made when the store was created. */
  readonly storeEpoch: string;
  /** What still has to be brought to other nodes. `apply` and `applyTree` write it with the change they make. */
  readonly log: ChangeLog;

  /** Names of all accounts, sorted. */
  accounts(): Promise<string[]>;
  tree(account: string): Promise<AccountTree>;
  /** The mailbox of this id or alias, deleted ones included. */
  mailbox(account: string, mailboxId: string): Promise<Mailbox | null>;
  /** The mailbox that has this name now. */
  mailboxNamed(account: string, name: string): Promise<Mailbox | null>;
  /**
   * Many mailboxes at once, null for one that is not there; in order, each from one snapshot.
   * @param peer whose cursors count; null: there are none.
   * @param room bytes of changed records, of all mailboxes together.
   */
  news(peer: string | null, places: readonly MailboxPlace[], room: number): Promise<(MailboxNews | null)[]>;
  /** @throws TandemError `not-found`. */
  snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot>;

  /**
   * The only writer of records.
   * @throws TandemError `not-found`, `invalid-change`, `body-missing` (its message names the GUID), `io`.
   */
  apply(change: MailboxChange): Promise<Outcome>;
  /**
   * Makes the stored digest of a mailbox, and the sums of its groups of records, those of its records, all read anew in the
   * transaction. Nothing else changes, and nothing is logged: this repairs a fault here, and is no change to a client.
   * @param before the state with the wrong digest.
   * @throws TandemError `not-found`, `digest-fault` if records are damaged.
   */
  correctDigest(account: string, mailboxId: string, before: MailboxState): Promise<Outcome>;
  /**
   * Puts records in the place of damaged ones, where they are exactly those that were there: their checksums tell. Nothing
   * else changes.
   * @param batches records of another node's mailbox, one block in each (`packRecords`).
   * @returns how many of them were put in place.
   * @throws TandemError `not-found`.
   */
  restoreRecords(account: string, mailboxId: string, batches: Iterable<RecordBatch>): Promise<number>;
  /** @throws TandemError `exists` if two mailboxes would have one name, `invalid-change`, `io`. */
  applyTree(change: TreeChange): Promise<Outcome>;

  /** Store epochs of all peers a cursor is held for, sorted. */
  peers(): Promise<string[]>;
  /** All cursors held for a peer, sorted by account and mailboxId. */
  cursors(peer: string): Promise<CursorRow[]>;
  /** The cursor held for a peer under exactly this id, not an alias; null if there is none. */
  cursor(peer: string, account: string, mailboxId: string): Promise<Cursor | null>;
  saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void>;

  /** Those of `guids` whose bytes are not here, as indexes into `guids`. */
  missingBodies(guids: readonly Guid[]): Promise<number[]>;
  /** In how many records each message is live, 0 for one that is only staged or not here. */
  bodyReferences(guids: readonly Guid[]): Promise<number[]>;
  /** Messages that are here though no record names them: at least those of the last thousand that were staged. */
  unnamedBodies(): Promise<Guid[]>;
  /** Bytes of each message, -1 for one that is not here. */
  bodySizes(guids: readonly Guid[]): Promise<number[]>;
  /**
   * Keeps messages and returns their GUIDs. What is here already is not written again.
   * @param guids their SHA-256, if the caller has hashed them; else they are hashed here.
   */
  stage(bodies: readonly Uint8Array[], guids?: readonly Guid[]): Promise<Guid[]>;
  stageLarge(): Promise<BodyWriter>;
  /**
   * Has these messages written anew when they are staged the next time, as long as the store is open, though they are here:
   * their bytes were found to be damaged or missing. Until then they are as they are; then they keep their references.
   * @param guids messages of live records.
   */
  setAside(guids: readonly Guid[]): Promise<void>;
  /**
   * Bytes `offset` to `offset + length` of a message, fewer at its end. Damage is sure to be found only where the whole
   * message is read at once; a receiver hashes what it gets.
   * @throws TandemError `body-missing`, or `body-unreadable` if the file is damaged.
   */
  readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array>;

  /** Whole messages, null for one that is not here or damaged. The caller asks for no more than fits into memory. */
  readBodies(guids: readonly Guid[]): Promise<(Uint8Array | null)[]>;

  openSpool(): Promise<RecordSpool>;
  /**
   * Looks for damage in everything but records and messages: how the store is built, accounts, mailboxes, cursors, log.
   * Takes long, but holds up nobody.
   * @returns a sentence for each fault; none if all is well.
   */
  check(): Promise<string[]>;
  /** What was kept under a name by `writeNote`, null if there is nothing. For programs on one store; never replicated. */
  note(name: string): Promise<string | null>;
  writeNote(name: string, value: string): Promise<void>;
  /**
   * Calls `listener` whenever a mailbox or its entry may have changed, whoever changed it: a client, a delivery or a peer,
   * through this process or another one. So an IMAP server learns what to tell its clients. It is not told which mailbox: it looks at
   * the counters of those it has open. When and how it is called is as for `ChangeLog.watch`; which tells less, and of other
   * things: what came from a peer is not logged to that peer, and nothing is logged where there is no channel.
   */
  watch(listener: () => void): () => void;
  /** Frees the space of messages that no record names. Safe at any time, beside any writer. */
  compact(options?: CompactOptions): Promise<CompactResult>;
  close(): Promise<void>;
}
