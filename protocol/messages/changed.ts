/**
 * `changed`: what became of each of the `changes`, in their order.
 */
import { z } from "zod";
import { bin, requestNumber } from "../fields.ts";
import { MAX_FRAME_BYTES } from "../limits.ts";
import { joinResults, type PlainResult, splitResults } from "../plain-changes.ts";

const packedResults = z.codec(
  z.optional(bin("results: kind; of a conflict state, entryModseq, cursor, batches", MAX_FRAME_BYTES)),
  z.custom<readonly PlainResult[]>(),
  {
    decode: (wire) => (wire === undefined ? [] : splitResults(wire)),
    encode: (value) => (value.length === 0 ? undefined : joinResults(value)),
  },
);

export const changedSchema = z.object({
  t: z.literal("changed"),
  q: requestNumber,
  results: packedResults,
});

export type Changed = z.output<typeof changedSchema>;
