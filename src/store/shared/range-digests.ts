/**
 * Digests of many equal ranges of UIDs at once: from the sums of blocks, or below the size of a block from its records.
 */
import type { RecordBatch } from "../../model/batch.ts";
import { decodeBatch } from "../../model/decode-batch.ts";
import type { IndexRecord } from "../../model/record.ts";
import type { RangeDigests } from "../store.ts";
import { BLOCK_UIDS, type Block } from "./blocks.ts";
import { RecordSums } from "./digest-sum.ts";

/** What they are made from. Only blocks that are there count. */
export interface RangeSource {
  /** Digests of blocks from and to included, 2^`shift` neighbours together, numbered by block number >> `shift`. */
  sums(shift: number, fromNo: number, toNo: number): RangeDigests[];
  /** The batches of blocks from and to included, in UID order. */
  batches(fromNo: number, toNo: number): Iterable<RecordBatch>;
}

/** Bits of a UID that its block does not tell. */
export const BLOCK_BITS = Math.log2(BLOCK_UIDS);
const UID_BITS = 32;

/** See `MailboxSnapshot.ranges`. */
export function rangeDigests(source: RangeSource, bits: number, firstNo: number, lastNo: number): RangeDigests[] {
  const [first, last] = [Math.max(0, firstNo), Math.min(lastNo, 2 ** (UID_BITS - bits) - 1)];
  if (first > last) return [];
  const shift = bits - BLOCK_BITS;
  if (shift >= 0) return source.sums(shift, first * 2 ** shift, (last + 1) * 2 ** shift - 1);
  const blocks = [first, last].map((no) => Math.floor(no * 2 ** shift)) as [number, number];
  return smallRanges(source.batches(...blocks), bits, first, last);
}

/** Sums of blocks, 2^`shift` neighbours together. */
export function groupSums(blocks: Iterable<Block>, shift: number): RangeDigests[] {
  return grouped(
    blocks,
    ({ no }) => no >>> shift,
    (sums, { digests }) => sums.change(digests),
  );
}

function smallRanges(batches: Iterable<RecordBatch>, bits: number, first: number, last: number): RangeDigests[] {
  const wanted: IndexRecord[] = [];
  for (const { bytes } of batches)
    for (const record of decodeBatch(bytes)) {
      const no = record.uid >>> bits;
      if (no >= first && no <= last) wanted.push(record);
    }
  return grouped(
    wanted,
    ({ uid }) => uid >>> bits,
    (sums, record) => sums.add(record),
  );
}

/** Neighbours of one number, summed up. */
function grouped<T>(
  items: Iterable<T>,
  noOf: (item: T) => number,
  add: (sums: RecordSums, item: T) => void,
): RangeDigests[] {
  const groups: { readonly no: number; readonly sums: RecordSums }[] = [];
  for (const item of items) {
    const no = noOf(item);
    if (groups.at(-1)?.no !== no) groups.push({ no, sums: new RecordSums() });
    add((groups.at(-1) as (typeof groups)[number]).sums, item);
  }
  return groups.map(({ no, sums }) => ({ no, ...sums.value() }));
}
