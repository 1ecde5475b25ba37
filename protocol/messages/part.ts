/**
 * `part`: more records of a `change`, in UID order after those before. Answer: `need`, if messages are lacking.
 *
 * For a `q` that is not an open change it means nothing: its answer crossed it.
 */
import { z } from "zod";
import { batches, requestNumber } from "../fields.ts";

export const partSchema = z.object({ t: z.literal("part"), q: requestNumber, batches });

export type Part = z.output<typeof partSchema>;
