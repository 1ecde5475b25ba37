/**
 * Who is trusted, and with what: the proof of a shared secret, and what a peer may see and write.
 *
 * The names under which credentials are kept, and where, are the caller's; random bytes come from it too.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { NONCE_BYTES, proofInput, type Statement } from "../../protocol/trust.ts";
import { TandemError } from "../model/errors.ts";

/** What a peer may see and write. */
export interface Access {
  /** Accounts it may see: exact names, or patterns in which `*` stands for any characters; null for all. */
  readonly accounts: readonly string[] | null;
  /** True if it may write nothing but its own cursors. */
  readonly readOnly: boolean;
}

export const FULL_ACCESS: Access = { accounts: null, readOnly: false };

/**
 * A node that is let in. With a secret and a certificate both must hold; with neither it is let in by its name alone, which
 * proves nothing and is meant for listeners that only this machine can reach.
 */
export interface TrustedPeer {
  /** The name it introduces itself by. */
  readonly node: string;
  /** The secret both sides share, at least `MIN_SECRET_BYTES`. */
  readonly secret: Uint8Array | null;
  /** The name that its verified TLS client certificate must carry. */
  readonly certificate: string | null;
  readonly access: Access;
}

/** What a master proves itself with. */
export interface Credential {
  /** The secret both sides share, at least `MIN_SECRET_BYTES`; the replica must prove it, too. Null to prove nothing. */
  readonly secret: Uint8Array | null;
  /** The name that the node at the other end must have; null for any. */
  readonly peer: string | null;
}

export const NO_CREDENTIAL: Credential = { secret: null, peer: null };

/** Gives as many random bytes as asked for, unpredictable to others; `randomBytes` of `node:crypto` does. */
export type Random = (bytes: number) => Uint8Array;

/** What a master proves itself with, and the random source that takes: `{ credential, random: randomBytes }`. */
export interface MasterTrust {
  readonly credential?: Credential;
  /** Needed with a secret. */
  readonly random?: Random;
}

/** Whatever is shorter can be guessed from one overheard proof. */
export const MIN_SECRET_BYTES = 16;

/** In place of the secret of a peer that has none or is not known, so that refusing it takes the same work. */
const STAND_IN = new Uint8Array(32);

/** The nonce of one side for one connection; without a random source zeros, for sides that verify nothing. */
export function freshNonce(random: Random | undefined): Uint8Array {
  return random === undefined ? new Uint8Array(NONCE_BYTES) : random(NONCE_BYTES);
}

/** The proof of a statement. @throws TandemError `invalid-argument` if the secret is too short. */
export function prove(secret: Uint8Array, statement: Statement): Uint8Array {
  if (secret.length < MIN_SECRET_BYTES)
    throw new TandemError("invalid-argument", `A secret needs at least ${MIN_SECRET_BYTES} bytes; make a longer one.`);
  return createHmac("sha256", secret).update(proofInput(statement)).digest();
}

/** Whether `proof` is that of the statement, compared in constant time. @throws TandemError as `prove`. */
export function isProof(proof: Uint8Array, secret: Uint8Array, statement: Statement): boolean {
  const due = prove(secret, statement);
  return proof.length === due.length && timingSafeEqual(proof, due);
}

/** What a master brought along to be let in. */
export interface Claim {
  readonly proof: Uint8Array;
  /** What the proof must cover but for the name of the replica. */
  readonly statement: Omit<Statement, "peer">;
  /** Names in its verified client certificate. */
  readonly certificateNames: readonly string[];
}

/**
 * Why a master is not who it says, for this node's own eyes; null if it is. One that is not known (`peer` null), or has the
 * wrong proof, costs the same work.
 * @param node name of this node: the master may have meant it, or anybody, but nobody else.
 * @throws TandemError `invalid-argument` if the secret kept for it is too short.
 */
export function faultOfClaim(peer: TrustedPeer | null, claim: Claim, node: string): string | null {
  const secret = peer?.secret ?? STAND_IN;
  const matches = [node, ""].map((name) => isProof(claim.proof, secret, { ...claim.statement, peer: name }));
  const isCertified = claim.certificateNames.includes(peer?.certificate?.toLowerCase() ?? "");
  if (peer === null) return "which is none of this node's peers";
  if (peer.secret !== null && !matches.includes(true)) return "but did not prove the secret that is kept for it here";
  if (peer.certificate === null || isCertified) return null;
  const shown = claim.certificateNames.join(", ") || "none";
  return `but showed no verified client certificate with the name ${JSON.stringify(peer.certificate)}; it showed ${shown}`;
}

/** What every peer is told that is not let in, whatever the reason. */
export function deniedError(): TandemError {
  return new TandemError(
    "denied",
    "The node does not let this peer in; check on both nodes the name, the secret and the certificate of the peer.",
  );
}
