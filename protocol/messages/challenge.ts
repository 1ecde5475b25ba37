/**
 * `challenge`: the first frame of a connection, from the side that accepted it. The other side answers with its `hello`.
 * `t` and `v` keep their place and meaning in all versions.
 *
 * It tells nothing of the node but the version it speaks: who is at the other end is not known yet.
 */
import { z } from "zod";
import { bin } from "../fields.ts";
import { NONCE_BYTES } from "../trust.ts";
import { PROTOCOL_VERSION } from "../version.ts";

export const challengeSchema = z.object({
  t: z.literal("challenge"),
  /** Version of the protocol. */
  v: z.literal(PROTOCOL_VERSION),
  /** Random bytes, new for each connection: a proof that covers them cannot have been made before. */
  nonce: bin("a nonce", NONCE_BYTES, NONCE_BYTES),
});

export type Challenge = z.output<typeof challengeSchema>;
