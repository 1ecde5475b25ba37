/**
 * Blocks: the records of 64 neighbouring UIDs packed into one batch with their sums, the unit every store keeps.
 */
import { decodeBatch, encodeBatch, type RecordBatch } from "../../model/batch.ts";
import { TandemError } from "../../model/errors.ts";
import type { IndexRecord, LiveRecord } from "../../model/record.ts";
import type { MailboxDigest, RecordDigests } from "../../model/state.ts";
import { DigestSum, RecordSums } from "./digest-sum.ts";

/** Immutable, and never without a record. */
export interface Block {
  /** `uid >> 6` of all its records. */
  readonly no: number;
  readonly batch: RecordBatch;
  readonly digests: RecordDigests;
  /** Highest modseq of its records. */
  readonly highestModseq: number;
  /** Lowest modseq of its tombstones, null if it has none. */
  readonly lowestTombstone: number | null;
}

/** Records to be written into one block. */
export interface BlockPuts {
  readonly no: number;
  readonly records: readonly IndexRecord[];
  /** The same records packed, if they came that way. */
  readonly batch: RecordBatch | null;
}

/** Number of UIDs in a block. */
export const BLOCK_UIDS = 64;

/** The block of a UID. */
export function blockOf(uid: number): number {
  return uid >>> 6;
}

/** The first and the last UID that belong to a block. */
export function blockBounds(no: number): { readonly firstUid: number; readonly lastUid: number } {
  return { firstUid: no * BLOCK_UIDS, lastUid: no * BLOCK_UIDS + BLOCK_UIDS - 1 };
}

/** A block of these records (at least one), of which these are the digests; `batch` saves packing them. */
export function blockFrom(
  no: number,
  records: readonly IndexRecord[],
  digests: RecordDigests,
  batch: RecordBatch | null = null,
): Block {
  let highestModseq = 0;
  let lowestTombstone: number | null = null;
  for (const { modseq, expunged } of records) {
    if (modseq > highestModseq) highestModseq = modseq;
    if (expunged && (lowestTombstone === null || modseq < lowestTombstone)) lowestTombstone = modseq;
  }
  return { no, batch: batch ?? encodeBatch(records), digests, highestModseq, lowestTombstone };
}

/** The digest of the live ones among `records`. */
export function digestOfRecords(records: Iterable<IndexRecord>): MailboxDigest {
  const sum = new DigestSum();
  for (const record of records) sum.add(record);
  return sum.value();
}

/** The digests of all records of some blocks, from the blocks' own digests. */
export function digestSums(blocks: Iterable<Block>): RecordDigests {
  const sums = new RecordSums();
  for (const { digests } of blocks) sums.change(digests);
  return sums.value();
}

/** The digests of all `records`, live ones and tombstones apart. */
export function digestsOfRecords(records: Iterable<IndexRecord>): RecordDigests {
  const sums = new RecordSums();
  for (const record of records) sums.add(record);
  return sums.value();
}

export function isLive(record: IndexRecord): record is LiveRecord {
  return !record.expunged;
}

/**
 * Cuts batches in UID order at the borders of blocks; each block appears once.
 * @throws TandemError `invalid-change` if the UIDs do not ascend, `bad-frame` if a batch is malformed.
 */
export function* putsByBlock(batches: Iterable<RecordBatch>): Generator<BlockPuts> {
  let last: BlockPuts | undefined;
  for (const piece of pieces(batches)) {
    if (last !== undefined && last.no !== piece.no) yield last;
    last = last?.no === piece.no ? join(last, piece) : piece;
  }
  if (last !== undefined) yield last;
}

function join(a: BlockPuts, b: BlockPuts): BlockPuts {
  return { no: a.no, records: [...a.records, ...b.records], batch: null };
}

function* pieces(batches: Iterable<RecordBatch>): Generator<BlockPuts> {
  let lastUid = 0;
  for (const batch of batches) {
    for (const piece of cutAtBlocks(batch)) {
      if ((piece.records[0] as IndexRecord).uid <= lastUid)
        throw new TandemError("invalid-change", "The records of a change are not in UID order; sort them first.");
      yield piece;
      lastUid = (piece.records.at(-1) as IndexRecord).uid;
    }
  }
}

function cutAtBlocks(batch: RecordBatch): BlockPuts[] {
  const records = decodeBatch(batch.bytes);
  const pieces = splitAtBlocks(records);
  if (pieces.length > 1) return pieces.map((piece) => ({ ...piece, batch: null }));
  return pieces.map((piece) => ({ ...piece, batch: describe(piece.records, batch.bytes) }));
}

/** The range comes from the records themselves: what a batch says of itself is not trusted. */
function describe(records: readonly IndexRecord[], bytes: Uint8Array): RecordBatch {
  const first = records[0] as IndexRecord;
  const last = records.at(-1) as IndexRecord;
  return { count: records.length, firstUid: first.uid, lastUid: last.uid, bytes };
}

function splitAtBlocks(records: readonly IndexRecord[]): { no: number; records: readonly IndexRecord[] }[] {
  const pieces: { no: number; records: readonly IndexRecord[] }[] = [];
  let start = 0;
  for (let i = 1; i <= records.length; i++) {
    const no = blockOf((records[start] as IndexRecord).uid);
    if (i < records.length && blockOf((records[i] as IndexRecord).uid) === no) continue;
    pieces.push({ no, records: start === 0 && i === records.length ? records : records.slice(start, i) });
    start = i;
  }
  return pieces;
}

/** Packs records in UID order into batches of one block each: the form a store takes in fastest. */
export function* packRecords(records: Iterable<IndexRecord>): Generator<RecordBatch> {
  let open: IndexRecord[] = [];
  for (const record of records) {
    if (open[0] !== undefined && blockOf(open[0].uid) !== blockOf(record.uid)) {
      yield encodeBatch(open);
      open = [];
    }
    open.push(record);
  }
  if (open.length > 0) yield encodeBatch(open);
}
