/**
 * `audited`: the replica's answer to `audit`. All of it is of one snapshot.
 */
import { z } from "zod";
import { guids, requestNumber, uint32 } from "../fields.ts";
import { MAX_BODIES_PER_FRAME } from "../limits.ts";
import { digestShape, stateShape } from "../shapes.ts";

export const auditedSchema = z.object({
  t: z.literal("audited"),
  q: requestNumber,
  /** The counters and the digest as they are stored. */
  state: stateShape,
  /** The digest recomputed from the records: another than the stored one is a fault of that store. */
  digest: digestShape,
  /** Messages that cannot be read or do not fit their GUID; the first `MAX_BODIES_PER_FRAME` of them. */
  unreadable: guids(MAX_BODIES_PER_FRAME),
  /** How many such messages there are. */
  unreadableCount: uint32,
});

export type Audited = z.output<typeof auditedSchema>;
