/**
 * `compare`: the master asks which ranges of a mailbox's UIDs differ, and begins a full resync by ranges
 * (`protocol/ranges.md`). Answer: `compared`, or `failed`.
 *
 * The replica keeps one snapshot of the mailbox open for this and every `split` and `take` with the same `q`, until a
 * `drop` or the end of the connection.
 */
import { z } from "zod";
import { mailboxId, name, requestNumber } from "../fields.ts";
import { rangesFields } from "../shapes.ts";

export const compareSchema = z.object({
  t: z.literal("compare"),
  q: requestNumber,
  account: name,
  mailboxId,
  ...rangesFields,
});

export type Compare = z.output<typeof compareSchema>;
