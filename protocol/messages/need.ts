/**
 * `need`: the replica says which messages it lacks of those that the records of a `change` or `part` name. One for each
 * such frame, in their order, also if none is lacking. The master sends them as `bodies` or `bodyPart` with this `q`.
 */
import { z } from "zod";
import { bin, orNull, requestNumber } from "../fields.ts";
import { MAX_NEED_BYTES } from "../limits.ts";

export const needSchema = z.object({
  t: z.literal("need"),
  q: requestNumber,
  /** A bit for each live record of that frame's batches in order, lowest bit first, bits left out at the end are 0; null: all lack. */
  missing: orNull(bin("a bit set", MAX_NEED_BYTES)),
});

export type Need = z.output<typeof needSchema>;
