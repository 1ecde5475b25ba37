/**
 * `applied`: a `change` or `tree` is done and durable at the replica.
 */
import { z } from "zod";
import { requestNumber } from "../fields.ts";

export const appliedSchema = z.object({ t: z.literal("applied"), q: requestNumber });

export type Applied = z.output<typeof appliedSchema>;
