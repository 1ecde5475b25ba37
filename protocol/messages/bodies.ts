/**
 * `bodies`: whole small messages: from the master for a `change` it began, from the replica for a `fetch`.
 *
 * The receiver hashes each and knows it by its GUID, so their order means nothing. The master may send some before it
 * was asked, if it knows that they lack. For a change that is over they mean nothing.
 */
import { z } from "zod";
import { addUp, messageFields, requestNumber } from "../fields.ts";

export const bodiesSchema = z
  .object({
    t: z.literal("bodies"),
    /** That of the change or the fetch. */
    q: requestNumber,
    /** A sender stops at `BODIES_FILL_BYTES`. */
    ...messageFields,
  })
  .refine(addUp, "sizes do not add up to the data");

export type Bodies = z.output<typeof bodiesSchema>;
