/**
 * `fetch`: the master asks for messages by GUID. Answers: `bodies` and `bodyPart` with this `q`, then `fetched`.
 */
import { z } from "zod";
import { guids, requestNumber } from "../fields.ts";
import { MAX_BODIES_PER_FRAME } from "../limits.ts";

export const fetchSchema = z.object({
  t: z.literal("fetch"),
  q: requestNumber,
  guids: guids(MAX_BODIES_PER_FRAME),
});

export type Fetch = z.output<typeof fetchSchema>;
