/**
 * `changes`: small changes of many mailboxes at once, with the messages they bring. Each leads one
 * mailbox from a state to another, and is applied by itself or not at all. Answer: `changed`, or `failed`.
 *
 * What live replication sends nearly always: a frame for each mailbox would cost both sides more than the change itself.
 */
import { z } from "zod";
import { addUp, bin, messageFields, requestNumber } from "../fields.ts";
import { MAX_FRAME_BYTES } from "../limits.ts";
import { joinChanges, type PlainChange, splitChanges } from "../plain-changes.ts";

const packedChanges = z.codec(
  z.optional(bin("changes: account, id, two states, entryModseq, kind, base, batches", MAX_FRAME_BYTES)),
  z.custom<readonly PlainChange[]>(),
  {
    decode: (wire) => (wire === undefined ? [] : splitChanges(wire)),
    encode: (value) => (value.length === 0 ? undefined : joinChanges(value)),
  },
);

export const changesSchema = z
  .object({
    t: z.literal("changes"),
    q: requestNumber,
    /** At most one for each mailbox. */
    items: packedChanges,
    /** The messages that the replica surely lacks. */
    ...messageFields,
  })
  .refine(addUp, "sizes do not add up to the data");

export type Changes = z.output<typeof changesSchema>;
