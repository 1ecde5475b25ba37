/**
 * `sift`: the master got sums of the replica's list of mailboxes in answer to a `survey`, and says which buckets differ, with
 * its own sums of their parts. Answer: `surveyed` with what falls into the parts that differ, or `failed`.
 *
 * For a `q` whose survey did not end with sums it is `bad-message`.
 */
import { z } from "zod";
import { bytes, rangeSums, requestNumber } from "../fields.ts";
import { BUCKET_PARTS, LIST_BUCKETS } from "../mailbox-list.ts";

export const siftSchema = z.object({
  t: z.literal("sift"),
  q: requestNumber,
  /** A bit for each bucket, lowest bit first, bits left out at the end are 0. */
  buckets: bytes("a bit set", LIST_BUCKETS / 8),
  /** Of the parts of these buckets, 16 each. */
  sums: rangeSums(LIST_BUCKETS * BUCKET_PARTS),
});

export type Sift = z.output<typeof siftSchema>;
