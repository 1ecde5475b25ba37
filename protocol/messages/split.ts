/**
 * `split`: the master goes on comparing, with smaller ranges of the mailbox that a `compare` opened. Answer: `compared`, or
 * `failed`.
 *
 * For a `q` that is not an open comparison it means nothing: its failure crossed it.
 */
import { z } from "zod";
import { requestNumber } from "../fields.ts";
import { rangesFields } from "../shapes.ts";

export const splitSchema = z.object({ t: z.literal("split"), q: requestNumber, ...rangesFields });

export type Split = z.output<typeof splitSchema>;
