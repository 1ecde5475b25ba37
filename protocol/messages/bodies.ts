/**
 * `bodies`: whole small messages: from the master for a `change` it began, from the replica for a `fetch`.
 *
 * The receiver hashes each and knows it by its GUID, so their order means nothing. The master may send some before it
 * was asked, if it knows that they lack. For a change that is over they mean nothing.
 */
import { z } from "zod";
import { bytes, numbers, requestNumber } from "../fields.ts";
import { MAX_BODIES_PER_FRAME, MAX_BODY_BYTES, MAX_FRAME_BYTES } from "../limits.ts";

export const bodiesSchema = z
  .object({
    t: z.literal("bodies"),
    /** That of the change or the fetch. */
    q: requestNumber,
    /** Bytes of each message. */
    sizes: numbers("sizes", MAX_BODIES_PER_FRAME, MAX_BODY_BYTES),
    /** The messages, one after the other; a sender stops at `FRAME_FILL_BYTES`. */
    data: bytes("messages", MAX_FRAME_BYTES),
  })
  .refine((all) => sum(all.sizes) === all.data.length, "sizes do not add up to the data");

export type Bodies = z.output<typeof bodiesSchema>;

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
