/**
 * Snapshots: each a read transaction on a connection of its own, taken from a pool.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import type { MailboxDigest, MailboxState } from "../../model/state.ts";
import { mailboxNotFound } from "../shared/errors.ts";
import { inGroups, rangeDigest, selectionOf, selectRecords } from "../shared/read-records.ts";
import type { MailboxSnapshot, ScanOptions } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { Connection } from "./connection.ts";
import { translated } from "./errors.ts";
import { findMailbox, type StoredMailbox } from "./mailboxes.ts";

/** Connections that wait for the next snapshot. */
const IDLE_CONNECTIONS = 8;
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
  readonly #blocks: BlockTable;
  readonly #directory: string;
  readonly #release: () => void;

  constructor(db: Connection, mailbox: StoredMailbox, directory: string, release: () => void) {
    this.entry = mailbox.entry;
    this.state = mailbox.state;
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

  async close(): Promise<void> {
    this.#release();
  }
}
