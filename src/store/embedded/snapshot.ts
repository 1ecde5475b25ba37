/**
 * Snapshots: each a read transaction on a connection of its own, taken from a pool.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import type { MailboxDigest, MailboxState } from "../../model/state.ts";
import { blockBounds } from "../shared/blocks.ts";
import { mailboxNotFound } from "../shared/errors.ts";
import { examineBlocks } from "../shared/examine.ts";
import { type RangeSource, rangeDigests } from "../shared/range-digests.ts";
import { inGroups, rangeDigest, selectionOf, selectRecords } from "../shared/read-records.ts";
import type { Examination, MailboxSnapshot, RangeDigests, ScanOptions } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { Connection } from "./connection.ts";
import { translated } from "./errors.ts";
import { findMailbox, type StoredMailbox } from "./mailboxes.ts";

/** Connections that wait for the next snapshot: opening one costs more than a small read. */
const IDLE_CONNECTIONS = 32;
const BATCHES_AT_A_TIME = 64;

export class SnapshotPool {
  readonly #open: () => Connection;
  readonly #directory: string;
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();

  constructor(directory: string, open: () => Connection) {
    this.#directory = directory;
    this.#open = open;
  }

  /** @throws TandemError `not-found`. */
  snapshot(account: string, mailboxId: string): MailboxSnapshot {
    const db = this.#idle.pop() ?? this.#open();
    this.#busy.add(db);
    try {
      db.begin();
      const mailbox = findMailbox(db, account, mailboxId);
      if (mailbox === null) throw mailboxNotFound(account, mailboxId);
      return new EmbeddedSnapshot(db, mailbox, this.#directory, () => this.#release(db));
    } catch (error) {
      this.#release(db);
      throw error;
    }
  }

  close(): void {
    for (const db of [...this.#idle, ...this.#busy]) db.close();
    this.#idle.length = 0;
    this.#busy.clear();
  }

  #release(db: Connection): void {
    if (!this.#busy.delete(db)) return;
    db.end();
    if (this.#idle.length < IDLE_CONNECTIONS) this.#idle.push(db);
    else db.close();
  }
}

class EmbeddedSnapshot implements MailboxSnapshot {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly tombstones: MailboxDigest;
  readonly #blocks: BlockTable;
  readonly #directory: string;
  readonly #release: () => void;

  constructor(db: Connection, mailbox: StoredMailbox, directory: string, release: () => void) {
    this.entry = mailbox.entry;
    this.state = mailbox.state;
    this.tombstones = mailbox.tombstones;
    this.#blocks = new BlockTable(db, mailbox.key);
    this.#directory = directory;
    this.#release = release;
  }

  async *scan(options?: ScanOptions): AsyncGenerator<readonly RecordBatch[]> {
    const wanted = selectionOf(options);
    if (wanted.from > wanted.to) return;
    const groups = inGroups(selectRecords(this.#blocks.batches(wanted), wanted), BATCHES_AT_A_TIME);
    for (;;) {
      const next = await translated(this.#directory, () => groups.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  async digest(fromUid: number, toUid: number): Promise<MailboxDigest> {
    return translated(this.#directory, () => rangeDigest(this.#blocks, fromUid, toUid));
  }

  examine(): Promise<Examination> {
    return translated(this.#directory, () => examineBlocks(this.#blocks.stored(), this.tombstones));
  }

  async ranges(bits: number, firstNo: number, lastNo: number): Promise<RangeDigests[]> {
    const source: RangeSource = {
      sums: (shift, first, last) => this.#blocks.sums(shift, first, last),
      batches: (first, last) =>
        this.#blocks.batches({ since: 0, from: blockBounds(first).firstUid, to: blockBounds(last).lastUid }),
    };
    return translated(this.#directory, () => rangeDigests(source, bits, firstNo, lastNo));
  }

  async close(): Promise<void> {
    this.#release();
  }
}
