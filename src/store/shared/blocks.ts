/**
 * Blocks: the records of 64 neighbouring UIDs packed into one batch with their sums, the unit every store keeps.
 */
import type { PlainColumns, RecordBatch } from "../../model/batch.ts";
import { decodePlainly, recordsOf, splitDigits } from "../../model/decode-batch.ts";
import { digestOfPlain } from "../../model/digest.ts";
import { encodeBatch } from "../../model/encode-batch.ts";
import { TandemError } from "../../model/errors.ts";
import type { Guid, IndexRecord, LiveRecord } from "../../model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest, type RecordDigests } from "../../model/state.ts";
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
export class BlockPuts {
  readonly no: number;
  /** All of the records, if they came as one batch and nothing is special about any. */
  readonly plain: PlainColumns | null;
  /** The records packed, if they came that way. */
  readonly batch: RecordBatch | null;
  readonly firstUid: number;
  readonly lastUid: number;
  #records: readonly IndexRecord[] | null;

  private constructor(records: readonly IndexRecord[] | null, batch: RecordBatch | null, plain: PlainColumns | null) {
    this.#records = records;
    this.batch = batch;
    this.plain = plain;
    this.firstUid = (plain === null ? records?.[0]?.uid : plain.uid[0]) as number;
    this.lastUid = (plain === null ? records?.at(-1)?.uid : plain.uid[plain.count - 1]) as number;
    this.no = blockOf(this.firstUid);
  }

  /** @param batch these records packed, if they came that way. */
  static of(records: readonly IndexRecord[], batch: RecordBatch | null = null): BlockPuts {
    return new BlockPuts(records, batch, null);
  }

  static ofPlain(bytes: Uint8Array, plain: PlainColumns): BlockPuts {
    const { count, uid } = plain;
    return new BlockPuts(null, { count, firstUid: uid[0] ?? 0, lastUid: uid[count - 1] ?? 0, bytes }, plain);
  }

  /** Of the live ones, in UID order. */
  get guids(): Guid[] {
    return this.plain === null ? guidsOf(this.records) : splitDigits(this.plain.guids.toString("hex"));
  }

  /** Unpacked only where somebody looks at them. */
  get records(): readonly IndexRecord[] {
    this.#records ??= recordsOf(this.plain as PlainColumns);
    return this.#records;
  }
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

/** The block that consists of these, if all is said in their columns. */
export function plainBlock({ no, batch, plain }: BlockPuts): Block | null {
  if (plain === null || batch === null) return null;
  const digests = { live: digestOfPlain(plain), tombstones: EMPTY_DIGEST };
  return { no, batch, digests, highestModseq: plain.modseq.reduce((a, b) => Math.max(a, b)), lowestTombstone: null };
}

/** GUIDs of the live ones. */
export function guidsOf(records: readonly IndexRecord[]): Guid[] {
  const guids: Guid[] = [];
  for (const record of records) if (!record.expunged) guids.push(record.guid);
  return guids;
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
  return BlockPuts.of([...a.records, ...b.records]);
}

function* pieces(batches: Iterable<RecordBatch>): Generator<BlockPuts> {
  let lastUid = 0;
  for (const batch of batches) {
    for (const piece of cutAtBlocks(batch)) {
      if (piece.firstUid <= lastUid)
        throw new TandemError("invalid-change", "The records of a change are not in UID order; sort them first.");
      yield piece;
      lastUid = piece.lastUid;
    }
  }
}

/** The range of UIDs comes from the records themselves: what a batch says of itself is not trusted. */
function cutAtBlocks({ bytes }: RecordBatch): BlockPuts[] {
  const decoded = decodePlainly(bytes);
  if (
    !Array.isArray(decoded) &&
    blockOf(decoded.uid[0] as number) === blockOf(decoded.uid[decoded.count - 1] as number)
  )
    return [BlockPuts.ofPlain(bytes, decoded)];
  const records = Array.isArray(decoded) ? decoded : recordsOf(decoded);
  const pieces = splitAtBlocks(records);
  if (pieces.length > 1) return pieces.map((piece) => BlockPuts.of(piece));
  const range = { firstUid: (records[0] as IndexRecord).uid, lastUid: (records.at(-1) as IndexRecord).uid };
  return [BlockPuts.of(records, { ...range, count: records.length, bytes })];
}

function splitAtBlocks(records: readonly IndexRecord[]): (readonly IndexRecord[])[] {
  const pieces: (readonly IndexRecord[])[] = [];
  let start = 0;
  for (let i = 1; i <= records.length; i++) {
    const no = blockOf((records[start] as IndexRecord).uid);
    if (i < records.length && blockOf((records[i] as IndexRecord).uid) === no) continue;
    pieces.push(records.slice(start, i));
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
