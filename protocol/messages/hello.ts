/**
 * `hello`: how both sides introduce themselves. The master answers the replica's `challenge` with its own, and the replica
 * answers that with its own once it has let the master in; nothing else may come before. `t` and `v` keep their place and
 * meaning in all versions.
 *
 * A second `hello`, or any other message first, is `bad-message`. A `v` other than one's own is `version`.
 */
import { z } from "zod";
import { bin, bytes, flag, shortText, storeEpoch } from "../fields.ts";
import { MAX_LABEL_BYTES, MAX_RECENT_BYTES } from "../limits.ts";
import { NONCE_BYTES, PROOF_BYTES } from "../trust.ts";
import { PROTOCOL_VERSION } from "../version.ts";

export const helloSchema = z.object({
  t: z.literal("hello"),
  /** Version of the protocol. */
  v: z.literal(PROTOCOL_VERSION),
  /** Store epoch of the sender: cursors are kept by it. */
  epoch: storeEpoch,
  /** Name of the sender: the other side looks its credential up by it. */
  node: shortText(MAX_LABEL_BYTES),
  /** Random bytes of the sender, new for each connection; the replica's are those of its `challenge`. */
  nonce: bin("a nonce", NONCE_BYTES, NONCE_BYTES),
  /** Proof that the sender has the secret that both share (`protocol/trust.md`); empty if it has none. */
  proof: bytes("a proof", PROOF_BYTES, PROOF_BYTES),
  /** First 4 bytes of the GUIDs of messages the sender got since the last exchange: they need not be sent to it again. */
  recent: bytes("GUID prefixes, 4 bytes each", MAX_RECENT_BYTES).refine((all) => all.length % 4 === 0, "half a prefix"),
  /** True if they are more than `recent` tells, or the sender does not tell: one not in it may be there all the same. */
  many: flag,
});

export type Hello = z.output<typeof helloSchema>;
