/**
 * The table of blocks of one mailbox.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { MailboxDigest } from "../../model/state.ts";
import type { Block } from "../shared/blocks.ts";
import { blockOf } from "../shared/blocks.ts";
import type { DigestSource, Selection } from "../shared/read-records.ts";
import type { Connection } from "./connection.ts";

type BatchRow = [id: number, records: number, firstUid: number, lastUid: number, bytes: Uint8Array];
type BlockRow = [...BatchRow, live: number, crc: number, crcC: number, highestModseq: number, lowest: number | null];

/** Block numbers are below this: 2^32 UIDs in blocks of 2^6. */
const BLOCKS_PER_MAILBOX = 2 ** 26;
const BATCH = "id, records, first_uid, last_uid, bytes";
const BLOCK = `${BATCH}, live, crc, crc_c, highest_modseq, lowest_tombstone`;
/** Blocks read by one statement. */
const READ_BLOCKS = 64;

export class BlockTable implements DigestSource {
  readonly #db: Connection;
  readonly #mailbox: number;
  readonly #base: number;

  constructor(db: Connection, mailbox: number) {
    this.#db = db;
    this.#mailbox = mailbox;
    this.#base = mailbox * BLOCKS_PER_MAILBOX;
  }

  load(no: number): Block | null {
    const row = this.#db.row<BlockRow>(`SELECT ${BLOCK} FROM block WHERE id = ?`, this.#base + no);
    return row === undefined ? null : this.#toBlock(row);
  }

  save({ no, batch, digest, highestModseq, lowestTombstone }: Block): void {
    this.#db.run(
      "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      this.#base + no,
      this.#mailbox,
      highestModseq,
      lowestTombstone,
      digest.count,
      digest.crc,
      digest.crcC,
      batch.count,
      batch.firstUid,
      batch.lastUid,
      batch.bytes,
    );
  }

  remove(no: number): void {
    this.#db.run("DELETE FROM block WHERE id = ?", this.#base + no);
  }

  *all(): Generator<Block> {
    for (const row of this.#inOrder<BlockRow>(BLOCK, 0, BLOCKS_PER_MAILBOX - 1)) yield this.#toBlock(row);
  }

  withTombstonesUpTo(modseq: number): number[] {
    const sql =
      "SELECT id FROM block INDEXED BY block_tombstone WHERE mailbox = ? AND lowest_tombstone <= ? ORDER BY id";
    return this.#db.rows<[number]>(sql, this.#mailbox, modseq).map(([id]) => id - this.#base);
  }

  /** The batches of all blocks in which a wanted record can be, in UID order, as they are stored. */
  *batches(wanted: Selection): Generator<RecordBatch> {
    const firstNo = blockOf(wanted.from);
    const lastNo = blockOf(wanted.to);
    const rows =
      wanted.since === 0
        ? this.#inOrder<BatchRow>(BATCH, firstNo, lastNo)
        : this.#changedSince(wanted.since, firstNo, lastNo);
    for (const row of rows) yield toBatch(row);
  }

  sum(fromNo: number, toNo: number): MailboxDigest {
    // The lanes are summed mod 2^32 here already: SQLite's integers have 64 bits, JavaScript's 53.
    const sql = `SELECT coalesce(sum(live), 0), coalesce(sum(crc), 0) & 4294967295, coalesce(sum(crc_c), 0) & 4294967295
      FROM block INDEXED BY block_digest WHERE id BETWEEN ? AND ?`;
    const row = this.#db.row<[number, number, number]>(sql, this.#base + fromNo, this.#base + toNo);
    const [count, crc, crcC] = row ?? [0, 0, 0];
    return { count, crc, crcC };
  }

  batch(no: number): RecordBatch | null {
    const row = this.#db.row<BatchRow>(`SELECT ${BATCH} FROM block WHERE id = ?`, this.#base + no);
    return row === undefined ? null : toBatch(row);
  }

  *#inOrder<T extends readonly [number, ...unknown[]]>(columns: string, fromNo: number, toNo: number): Generator<T> {
    const sql = `SELECT ${columns} FROM block WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ${READ_BLOCKS}`;
    let next = this.#base + fromNo;
    for (;;) {
      const rows = this.#db.rows<T>(sql, next, this.#base + toNo);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < READ_BLOCKS) return;
      next = last[0] + 1;
    }
  }

  *#changedSince(modseq: number, fromNo: number, toNo: number): Generator<BatchRow> {
    const sql =
      "SELECT id FROM block INDEXED BY block_changed WHERE mailbox = ? AND highest_modseq > ? AND id BETWEEN ? AND ? ORDER BY id";
    const ids = this.#db.rows<[number]>(sql, this.#mailbox, modseq, this.#base + fromNo, this.#base + toNo);
    for (const [id] of ids) yield this.#db.row<BatchRow>(`SELECT ${BATCH} FROM block WHERE id = ?`, id) as BatchRow;
  }

  #toBlock(row: BlockRow): Block {
    const [id, , , , , count, crc, crcC, highestModseq, lowestTombstone] = row;
    const batch = toBatch(row);
    return { no: id - this.#base, batch, digest: { count, crc, crcC }, highestModseq, lowestTombstone };
  }
}

function toBatch([, count, firstUid, lastUid, bytes]: readonly [
  number,
  number,
  number,
  number,
  Uint8Array,
  ...unknown[],
]): RecordBatch {
  return { count, firstUid, lastUid, bytes };
}
