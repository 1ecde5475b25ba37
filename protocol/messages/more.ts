/**
 * `more`: the master asks for the next page of a `pull` or a `take`. Answer: `records`, or `failed`.
 *
 * For a `q` that is not one of these it is `bad-message`.
 */
import { z } from "zod";
import { requestNumber } from "../fields.ts";

export const moreSchema = z.object({ t: z.literal("more"), q: requestNumber });

export type More = z.output<typeof moreSchema>;
