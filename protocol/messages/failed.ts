/**
 * `failed`: a request could not be done. It says nothing about other requests, which go on.
 */
import { z } from "zod";
import { requestNumber, text, wireCode } from "../fields.ts";

export const failedSchema = z.object({
  t: z.literal("failed"),
  q: requestNumber,
  code: wireCode,
  /** One sentence for people. */
  message: text,
});

export type Failed = z.output<typeof failedSchema>;
