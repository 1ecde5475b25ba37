/**
 * `fetched`: the end of the replica's answer to `fetch`.
 */
import { z } from "zod";
import { numbers, requestNumber } from "../fields.ts";
import { MAX_BODIES_PER_FRAME } from "../limits.ts";

export const fetchedSchema = z.object({
  t: z.literal("fetched"),
  q: requestNumber,
  /** Indexes into the fetch's GUIDs of messages that are not there or could not be read. */
  missing: numbers("indexes", MAX_BODIES_PER_FRAME, MAX_BODIES_PER_FRAME - 1),
});

export type Fetched = z.output<typeof fetchedSchema>;
