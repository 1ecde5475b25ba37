/**
 * `hello`: the first frame of both sides of a connection. The side that connected sends its own first, the other side
 * answers with its own; nothing else may come before. `t` and `v` keep their place and meaning in all versions.
 *
 * A second `hello`, or any other message first, is `bad-message`. A `v` other than one's own is `version`.
 */
import { z } from "zod";
import { bytes, flag, shortText, storeEpoch } from "../fields.ts";
import { MAX_LABEL_BYTES, MAX_RECENT_BYTES } from "../limits.ts";
import { PROTOCOL_VERSION } from "../version.ts";

export const helloSchema = z.object({
  t: z.literal("hello"),
  /** Version of the protocol. */
  v: z.literal(PROTOCOL_VERSION),
  /** Store epoch of the sender: cursors are kept by it. */
  epoch: storeEpoch,
  /** Name of the sender for logs. */
  node: shortText(MAX_LABEL_BYTES),
  /** First 4 bytes of the GUIDs of messages the sender got since the last exchange: they need not be sent to it again. */
  recent: bytes("GUID prefixes, 4 bytes each", MAX_RECENT_BYTES).refine((all) => all.length % 4 === 0, "half a prefix"),
  /** True if they are more than `recent` tells, or the sender does not tell: one not in it may be there all the same. */
  many: flag,
});

export type Hello = z.output<typeof helloSchema>;
