/**
 * `bodyPart`: a piece of one large message, for the same ends as `bodies`.
 *
 * The pieces of a message come in order, the first with offset 0, and complete it when `size` bytes are there. A piece
 * that does not continue where the last one ended is `bad-message`.
 */
import { z } from "zod";
import { bytes, guid, requestNumber, size } from "../fields.ts";
import { BODY_PART_BYTES } from "../limits.ts";

export const bodyPartSchema = z
  .object({
    t: z.literal("bodyPart"),
    /** That of the change or the fetch. */
    q: requestNumber,
    guid,
    /** Bytes of the whole message. */
    size,
    /** Where this piece begins. */
    offset: size,
    data: bytes("a piece of a message", BODY_PART_BYTES),
  })
  .refine((part) => part.offset + part.data.length <= part.size, "a piece behind the end of its message");

export type BodyPart = z.output<typeof bodyPartSchema>;
