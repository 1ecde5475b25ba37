/**
 * `failed`: a request could not be done. It says nothing about other requests, which go on.
 */
import { z } from "zod";
import { ERROR_CODES } from "../../src/model/errors.ts";
import { requestNumber, text } from "../fields.ts";

export const failedSchema = z.object({
  t: z.literal("failed"),
  q: requestNumber,
  code: z.enum(ERROR_CODES),
  /** One sentence for people. */
  message: text,
});

export type Failed = z.output<typeof failedSchema>;
