/**
 * `survey`: the master asks what the replica has. It sends one at the start of an exchange.
 *
 * Answer: `surveyed`, once or more. It changes nothing and may come at any time after `hello`.
 */
import { z } from "zod";
import { bin, flag, name, orNull, requestNumber } from "../fields.ts";

const DIGEST_BYTES = 16;

export const surveySchema = z.object({
  t: z.literal("survey"),
  q: requestNumber,
  /** Only this account; null: all. */
  account: orNull(name),
  /** Digest of the cursors the master holds for the replica (`cursor-digest.ts`), or zeros if it has none. */
  base: bin("a digest of cursors", DIGEST_BYTES, DIGEST_BYTES),
  /** Tell about every mailbox, not only about those that changed since their cursor. */
  complete: flag,
});

export type Survey = z.output<typeof surveySchema>;
