/**
 * `records`: one page of records, the replica's answer to `pull`, `take` and each `more`.
 *
 * Records come in UID order over all pages. Where the pages are cut means nothing. After a page without `more` the
 * pull is over, or the take: what `compare` opened stays open.
 */
import { z } from "zod";
import { batches, flag, orNull, requestNumber } from "../fields.ts";
import { entryShape, stateShape } from "../shapes.ts";

export const recordsSchema = z.object({
  t: z.literal("records"),
  q: requestNumber,
  /** The mailbox the records are of, as it was in that moment; in the first page of a pull only. */
  mailbox: orNull(z.object({ entry: entryShape, state: stateShape })),
  batches,
  /** There is another page. */
  more: flag,
});

export type Records = z.output<typeof recordsSchema>;
