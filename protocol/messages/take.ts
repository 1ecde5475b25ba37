/**
 * `take`: the master asks for all records in some ranges of the mailbox that a `compare` opened. Answer: `records`, the
 * next page of which `more` asks for, or `failed`.
 *
 * For a `q` that is not an open comparison it means nothing: its failure crossed it.
 */
import { z } from "zod";
import { rangeBits, rangeRuns, requestNumber } from "../fields.ts";

export const takeSchema = z.object({ t: z.literal("take"), q: requestNumber, bits: rangeBits, runs: rangeRuns });

export type Take = z.output<typeof takeSchema>;
