/**
 * Ranges of UIDs as a full resync compares them: their sizes, and the 32-bit sum that stands for the records of one.
 */
import { mix32 } from "../src/model/digest.ts";
import type { RecordDigests } from "../src/model/state.ts";

/** Sizes of ranges by their exponents: 2^30 UIDs down to a single one, by way of 2^6, which is what a store sums up. */
export const RANGE_BITS = [0, 3, 6, 10, 14, 18, 22, 26, 30] as const;

export type RangeBits = (typeof RANGE_BITS)[number];

/** Size of the parts that a range is split into. */
export function partBits(bits: RangeBits): RangeBits {
  return RANGE_BITS[Math.max(0, RANGE_BITS.indexOf(bits) - 1)] as RangeBits;
}

/** Number of parts of a range of more than one UID: 16, or 8 below the size of a block. */
export function partCount(bits: RangeBits): number {
  return 2 ** (bits - partBits(bits));
}

/**
 * The sum of a range: 0 if it holds no record, else never 0. Short, since ranges are compared by the thousand: what two
 * equal sums hide, the digests of the whole mailbox show.
 */
export function rangeSum({ live, tombstones }: RecordDigests): number {
  if (live.count + tombstones.count === 0) return 0;
  return mix32(mix32(live.crc + tombstones.crc) + live.crcC + tombstones.crcC) || 1;
}
