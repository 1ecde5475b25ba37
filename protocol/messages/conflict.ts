/**
 * `conflict`: a `change` or `tree` was not applied, because the mailbox or the tree is not as its `before` says. Nothing
 * was changed; the master plans anew.
 */
import { z } from "zod";
import { orNull, requestNumber } from "../fields.ts";
import { surveyedShape } from "../shapes.ts";

export const conflictSchema = z.object({
  t: z.literal("conflict"),
  q: requestNumber,
  /** The mailbox as it is now, so that the master need not ask; null after `tree`, or if it is gone. */
  mailbox: orNull(surveyedShape),
});

export type Conflict = z.output<typeof conflictSchema>;
