/**
 * The table of blocks of one mailbox.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { TandemError } from "../../model/errors.ts";
import type { MailboxDigest, RecordDigests } from "../../model/state.ts";
import type { Block } from "../shared/blocks.ts";
import { blockOf } from "../shared/blocks.ts";
import { damagedBlock } from "../shared/errors.ts";
import type { StoredBlock } from "../shared/examine.ts";
import type { DigestSource, Selection } from "../shared/read-records.ts";
import type { RangeDigests } from "../store.ts";
import { type Connection, upsert } from "./connection.ts";
import { blockSum } from "./row-sums.ts";

type BatchRow = [id: number, records: number, firstUid: number, lastUid: number, bytes: Uint8Array, sum: number];
type Lanes = [count: number, crc: number, crcC: number];
type BlockRow = [...BatchRow, highestModseq: number, lowest: number | null, ...live: Lanes, ...dead: Lanes];

/** Block numbers are below this: 2^32 UIDs in blocks of 2^6. */
const BLOCKS_PER_MAILBOX = 2 ** 26;
const BATCH = "id, records, first_uid, last_uid, bytes, sum";
const BLOCK = `${BATCH}, highest_modseq, lowest_tombstone, live, crc, crc_c, dead, dead_crc, dead_crc_c`;
/** The lanes are summed mod 2^32 here already: SQLite's integers have 64 bits, JavaScript's 53. */
const LIVE_SUMS = "coalesce(sum(live), 0), coalesce(sum(crc), 0) & 4294967295, coalesce(sum(crc_c), 0) & 4294967295";
const DEAD_SUMS = "sum(dead), sum(dead_crc) & 4294967295, sum(dead_crc_c) & 4294967295";
/** Not REPLACE, which would take the row out of all indexes and enter it anew, also where nothing changes. */
const SAVE = upsert(
  "block",
  ["id"],
  [
    "mailbox",
    "highest_modseq",
    "lowest_tombstone",
    "live",
    "crc",
    "crc_c",
    "dead",
    "dead_crc",
    "dead_crc_c",
    "records",
    "first_uid",
    "last_uid",
    "sum",
    "bytes",
  ],
);
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

  save({ no, batch, digests, highestModseq, lowestTombstone }: Block): void {
    const id = this.#base + no;
    const { live, tombstones } = digests;
    this.#db.run(
      SAVE,
      id,
      this.#mailbox,
      highestModseq,
      lowestTombstone,
      live.count,
      live.crc,
      live.crcC,
      tombstones.count,
      tombstones.crc,
      tombstones.crcC,
      batch.count,
      batch.firstUid,
      batch.lastUid,
      blockSum(id, batch),
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
    for (const row of rows) yield this.#toBatch(row);
  }

  /** All blocks as they are stored, whether or not they fit their checksums. */
  *stored(): Generator<StoredBlock> {
    for (const row of this.#inOrder<BlockRow>(BLOCK, 0, BLOCKS_PER_MAILBOX - 1)) {
      const [id, count, firstUid, lastUid, bytes, sum] = row;
      const block = this.#withSums(row, { count, firstUid, lastUid, bytes });
      yield { block, isSound: sum === blockSum(id, block.batch) };
    }
  }

  /** Puts records in the place of damaged ones if they are exactly those that were there; false if they are not. */
  restore(block: Block): boolean {
    const row = this.#db.row<BatchRow>(`SELECT ${BATCH} FROM block WHERE id = ?`, this.#base + block.no);
    if (row === undefined) return false;
    const [id, count, firstUid, lastUid, bytes, sum] = row;
    if (sum === blockSum(id, { count, firstUid, lastUid, bytes })) return false;
    // It may as well be the checksum that was damaged.
    const isSame = sum === blockSum(id, block.batch) || Buffer.compare(bytes, block.batch.bytes) === 0;
    if (isSame) this.save(block);
    return isSame;
  }

  sum(fromNo: number, toNo: number): MailboxDigest {
    const sql = `SELECT ${LIVE_SUMS} FROM block INDEXED BY block_digest WHERE id BETWEEN ? AND ?`;
    return toDigest(this.#db.row<Lanes>(sql, this.#base + fromNo, this.#base + toNo) ?? [0, 0, 0]);
  }

  /** Digests of blocks, 2^`shift` of them together. */
  sums(shift: number, fromNo: number, toNo: number): RangeDigests[] {
    // A mailbox's first block has an id that 2^26 divides, so ids and numbers are cut at the same places.
    const sql = `SELECT (id & ${BLOCKS_PER_MAILBOX - 1}) >> ?, ${LIVE_SUMS}, ${DEAD_SUMS}
      FROM block INDEXED BY block_digest WHERE id BETWEEN ? AND ? GROUP BY id >> ? ORDER BY id >> ?`;
    type Row = [no: number, ...live: Lanes, ...dead: Lanes];
    const rows = this.#db.rows<Row>(sql, shift, this.#base + fromNo, this.#base + toNo, shift, shift);
    return rows.map(([no, ...lanes]) => ({ no, ...toDigests(lanes) }));
  }

  batch(no: number): RecordBatch | null {
    const row = this.#db.row<BatchRow>(`SELECT ${BATCH} FROM block WHERE id = ?`, this.#base + no);
    return row === undefined ? null : this.#toBatch(row);
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
    return this.#withSums(row, this.#toBatch(row));
  }

  #withSums(row: BlockRow, batch: RecordBatch): Block {
    const [id, , , , , , highestModseq, lowestTombstone, ...lanes] = row;
    return { no: id - this.#base, batch, digests: toDigests(lanes), highestModseq, lowestTombstone };
  }

  /** @throws TandemError `digest-fault`. */
  #toBatch(row: BatchRow | BlockRow): RecordBatch {
    const [id, count, firstUid, lastUid, bytes, sum] = row;
    const batch = { count, firstUid, lastUid, bytes };
    if (sum !== blockSum(id, batch)) throw this.#damaged(id - this.#base);
    return batch;
  }

  #damaged(no: number): TandemError {
    const sql = "SELECT account.name, mailbox_id FROM mailbox JOIN account ON account.id = account WHERE key = ?";
    const [account, mailboxId] = this.#db.row<[string, string]>(sql, this.#mailbox) ?? ["", ""];
    return damagedBlock(account, mailboxId, no);
  }
}

function toDigest([count, crc, crcC]: Readonly<Lanes>): MailboxDigest {
  return { count, crc, crcC };
}

function toDigests([live, crc, crcC, ...dead]: readonly [...Lanes, ...Lanes]): RecordDigests {
  return { live: toDigest([live, crc, crcC]), tombstones: toDigest(dead) };
}
