/**
 * `pull`: the master asks for the records of one mailbox, whole or what changed.
 *
 * Answer: `records` with the first page, or `failed`. All pages come from one snapshot, which the replica keeps open
 * until the last page, a `drop`, or the end of the connection.
 */
import { z } from "zod";
import { mailboxId, modseqOrZero, name, orNull, requestNumber } from "../fields.ts";

export const pullSchema = z.object({
  t: z.literal("pull"),
  q: requestNumber,
  account: name,
  mailboxId,
  /** Only records with a modseq above this; null: all. */
  sinceModseq: orNull(modseqOrZero),
});

export type Pull = z.output<typeof pullSchema>;
