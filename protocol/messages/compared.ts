/**
 * `compared`: the replica's answer to `compare` and to each `split`: which of the ranges differ, and already the sums of
 * their parts, so that one round trip descends two levels. Of single UIDs, the records.
 */
import { z } from "zod";
import { batches, bytes, orNull, rangeSums, requestNumber } from "../fields.ts";
import { MAX_RANGE_SUMS, MAX_RANGES_PER_FRAME } from "../limits.ts";
import { digestShape, entryShape, stateShape } from "../shapes.ts";

const most = MAX_RANGES_PER_FRAME / 8;

export const comparedSchema = z.object({
  t: z.literal("compared"),
  q: requestNumber,
  /** The mailbox as it is in the snapshot; in the answer to `compare` only. */
  mailbox: orNull(z.object({ entry: entryShape, state: stateShape, tombstones: digestShape })),
  /** A bit for each range asked about, in order, lowest bit first: the sums differ. Bits left out at the end are 0. */
  differ: bytes("a bit set", most),
  /** Likewise: it differs, and the replica has no record in it. */
  empty: bytes("a bit set", most),
  /** Of the parts of ranges that differ and hold records on both sides; of the ranges themselves if they came without sums. */
  sums: rangeSums(MAX_RANGE_SUMS),
  /** Of single UIDs that differ: the replica's records, as many of the first ones as fit. */
  batches,
});

export type Compared = z.output<typeof comparedSchema>;
