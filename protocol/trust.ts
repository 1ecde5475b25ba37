/**
 * What a proof in `hello` covers, byte by byte (`protocol/trust.md`).
 */
import { PROTOCOL_VERSION } from "./version.ts";

/** Bytes of the random number in `challenge` and `hello`. */
export const NONCE_BYTES = 32;
/** Bytes of a proof: an HMAC-SHA256. */
export const PROOF_BYTES = 32;

/** Everything a proof vouches for. */
export interface Statement {
  /** Who proves: so the proof of one side is never that of the other. */
  readonly role: "master" | "replica";
  /** The nonce of the replica's `challenge`. */
  readonly challenge: Uint8Array;
  /** The nonce of the master's `hello`. */
  readonly nonce: Uint8Array;
  /** Store epoch of who proves: 32 hex digits. */
  readonly epoch: string;
  /** Name of who proves. */
  readonly node: string;
  /** Name of the other side as far as who proves knows it: "" if a master expects no particular one. */
  readonly peer: string;
}

/** The bytes whose HMAC is the proof: six fields, each after its length in four bytes, the highest first. */
export function proofInput({ role, challenge, nonce, epoch, node, peer }: Statement): Uint8Array {
  const label = `tandem ${PROTOCOL_VERSION} ${role}`;
  const fields = [
    Buffer.from(label),
    challenge,
    nonce,
    Buffer.from(epoch, "hex"),
    Buffer.from(node),
    Buffer.from(peer),
  ];
  return Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
}

function lengthOf(field: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(field.length);
  return bytes;
}
