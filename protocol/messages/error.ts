/**
 * `error`: from either side, before it closes the connection because of something the other side did or cannot do.
 * No frame follows. An answer is not expected.
 */
import { z } from "zod";
import { text, wireCode } from "../fields.ts";

export const errorSchema = z.object({
  t: z.literal("error"),
  code: wireCode,
  /** One sentence for people. */
  message: text,
});

export type ErrorMessage = z.output<typeof errorSchema>;
