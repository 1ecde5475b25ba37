/**
 * `drop`: the master gives a `pull`, a comparison or a `change` up. The replica forgets it; there is no answer, but one that was under
 * way may still arrive. For a `q` that is not open it means nothing: the answer crossed it.
 */
import { z } from "zod";
import { requestNumber } from "../fields.ts";

export const dropSchema = z.object({ t: z.literal("drop"), q: requestNumber });

export type Drop = z.output<typeof dropSchema>;
