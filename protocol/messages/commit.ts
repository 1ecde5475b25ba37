/**
 * `commit`: the end of a `change`: all its records and the bodies asked for were sent.
 *
 * Answer: `applied`, `conflict` or `failed`. For a `q` that is not an open change it means nothing: its answer crossed it.
 */
import { z } from "zod";
import { requestNumber } from "../fields.ts";

export const commitSchema = z.object({ t: z.literal("commit"), q: requestNumber });

export type Commit = z.output<typeof commitSchema>;
