/**
 * `agreed`: the replica's answer to `agree`.
 */
import { z } from "zod";
import { requestNumber, uint32 } from "../fields.ts";

export const agreedSchema = z.object({
  t: z.literal("agreed"),
  q: requestNumber,
  /** How many rows were saved; fewer than were asked for if a mailbox is gone, has got a new numbering, or is not as far. */
  saved: uint32,
});

export type Agreed = z.output<typeof agreedSchema>;
