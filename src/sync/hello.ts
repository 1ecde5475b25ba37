/**
 * The greeting: how both sides of a connection learn who the other is, and prove who they are.
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { MAX_RECENT_BYTES } from "../../protocol/limits.ts";
import type { Hello } from "../../protocol/messages/index.ts";
import type { Statement } from "../../protocol/trust.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { TandemError } from "../model/errors.ts";
import type { FrameConnection } from "../transport/transport.ts";
import type { LocalPeer } from "./local-peer.ts";
import type { SurveyedMailbox } from "./peer.ts";
import type { MessageOf } from "./requests.ts";
import {
  FULL_ACCESS,
  faultOfClaim,
  freshNonce,
  isProof,
  type MasterTrust,
  NO_CREDENTIAL,
  prove,
  type Random,
  type TrustedPeer,
} from "./trust.ts";

/** What a side learned of the other from its greeting. */
export interface Greeting {
  readonly storeEpoch: string;
  readonly node: string;
  /** First 8 hex digits of the GUIDs of messages it got since the last exchange, or in one that was cut off. */
  readonly recent: ReadonlySet<string>;
  /** There are more than could be told. */
  readonly many: boolean;
}

/** How a master introduces itself. */
export interface Introduction extends MasterTrust {
  readonly storeEpoch: string;
  readonly node: string;
}

/** How a replica receives its masters. */
export interface Reception {
  readonly node: string;
  /** Looks a peer up by the name it gives, for each connection anew; null if it is not known. Without: all are let in. */
  readonly admit?: (node: string) => TrustedPeer | null;
  /** Needed with `admit`. */
  readonly random?: Random;
}

/** A master that was let in, and what the replica's answer takes. */
export interface Admission {
  readonly greeting: Greeting;
  readonly peer: TrustedPeer;
  readonly challenge: Uint8Array;
  readonly nonce: Uint8Array;
}

const PREFIX_BYTES = 4;
const NOTHING = new Uint8Array(0);

/**
 * The master's part: answers the replica's challenge with its greeting and reads the replica's.
 * @throws TandemError `denied` if either side does not trust the other, `version`, `bad-message`, `disconnected`.
 */
export async function greet(connection: FrameConnection, own: Introduction): Promise<Greeting> {
  const { secret, peer } = own.credential ?? NO_CREDENTIAL;
  if (secret !== null) needRandom(own.random);
  const { nonce: challenge } = await readMessage(connection, "challenge");
  const nonce = freshNonce(own.random);
  const { storeEpoch: epoch, node } = own;
  const proof = secret === null ? NOTHING : prove(secret, master({ challenge, nonce, epoch, node, peer: peer ?? "" }));
  await connection.send(hello({ epoch, node, nonce, proof, recent: NOTHING, many: true }));
  const answer = await readMessage(connection, "hello");
  if (!Buffer.from(challenge).equals(answer.nonce))
    throw new TandemError("bad-message", "The peer's greeting does not belong to its challenge; connect again.");
  checkReplica(own, answer, nonce);
  return greetingOf(answer);
}

/**
 * The replica's part up to the decision: challenges the master and reads its greeting. Tells nothing of this node.
 * @throws TandemError `denied`, with the name that the master claims and what did not hold: that is not for the master;
 * `version`, `bad-message`, `disconnected`.
 */
export async function admitMaster(connection: FrameConnection, { node, admit, random }: Reception): Promise<Admission> {
  if (admit !== undefined) needRandom(random);
  const challenge = freshNonce(random);
  await connection.send(encodeFrame({ t: "challenge", v: PROTOCOL_VERSION, nonce: challenge }));
  const said = await readMessage(connection, "hello");
  const { nonce, proof } = said;
  const admission = { greeting: greetingOf(said), challenge, nonce };
  if (admit === undefined) return { ...admission, peer: { ...OPEN, node: said.node } };
  const peer = admit(said.node);
  const { peer: _, ...statement } = master({ challenge, nonce, epoch: said.epoch, node: said.node, peer: "" });
  const fault = faultOfClaim(peer, { proof, statement, certificateNames: connection.peerNames }, node);
  if (fault !== null)
    throw new TandemError("denied", `A peer was not let in: it claims to be ${JSON.stringify(said.node)}, ${fault}.`);
  return { ...admission, peer: peer as TrustedPeer };
}

/** The replica's greeting, which tells what mail it got since the last exchange with this master. */
export async function answerGreeting(
  connection: FrameConnection,
  local: LocalPeer,
  node: string,
  { greeting, peer, challenge, nonce }: Admission,
): Promise<void> {
  const recent = await recentMessages(local);
  const epoch = local.storeEpoch;
  const statement = replica({ challenge, nonce, epoch, node, peer: greeting.node });
  const proof = peer.secret === null ? NOTHING : prove(peer.secret, statement);
  const told = { recent: recent ?? NOTHING, many: recent === null };
  await connection.send(hello({ epoch, node, nonce: challenge, proof, ...told }));
}

const OPEN: Omit<TrustedPeer, "node"> = { secret: null, certificate: null, access: FULL_ACCESS };

type Unsigned = Omit<Statement, "role">;

function master(statement: Unsigned): Statement {
  return { role: "master", ...statement };
}

function replica(statement: Unsigned): Statement {
  return { role: "replica", ...statement };
}

/** A nonce that others can foresee proves nothing. @throws TandemError `invalid-argument`. */
function needRandom(random: Random | undefined): void {
  if (random === undefined)
    throw new TandemError("invalid-argument", "Proofs need a random source; give `randomBytes` of node:crypto.");
}

/** The replica has the secret and the name that the master expects. @throws TandemError `denied`. */
function checkReplica({ node, credential = NO_CREDENTIAL }: Introduction, said: Hello, nonce: Uint8Array): void {
  const { secret, peer } = credential;
  const statement = replica({ challenge: said.nonce, nonce, epoch: said.epoch, node: said.node, peer: node });
  if (secret !== null && !isProof(said.proof, secret, statement))
    throw new TandemError(
      "denied",
      "The node at the other end did not prove that it has the secret; check its address and the secret kept there.",
    );
  if (peer !== null && said.node !== peer)
    throw new TandemError(
      "denied",
      `The node at the other end is ${JSON.stringify(said.node)}, not ${JSON.stringify(peer)}; check its address.`,
    );
}

function hello(fields: Omit<Hello, "t" | "v">): Uint8Array {
  return encodeFrame({ t: "hello", v: PROTOCOL_VERSION, ...fields });
}

/** The next message, which must be of this type. @throws TandemError what the peer said in `error`, or `bad-message`. */
async function readMessage<T extends "challenge" | "hello">(
  connection: FrameConnection,
  type: T,
): Promise<MessageOf<T>> {
  const frame = await connection.receive();
  if (frame === null)
    throw new TandemError("disconnected", "The peer hung up without a greeting; check that it is a Tandem node.");
  const message = decodeFrame(frame);
  if (message.t === "error") throw new TandemError(message.code, `The peer said: ${message.message}`);
  if (message.t === type) return message as MessageOf<T>;
  throw new TandemError(
    "bad-message",
    `The peer sent "${message.t}" where "${type}" was due; check that it is a Tandem node.`,
  );
}

function greetingOf(message: Hello): Greeting {
  const hex = Buffer.from(message.recent).toString("hex");
  const recent = new Set<string>();
  for (let at = 0; at < hex.length; at += 2 * PREFIX_BYTES) recent.add(hex.slice(at, at + 2 * PREFIX_BYTES));
  return { storeEpoch: message.epoch, node: message.node, recent, many: message.many };
}

function prefixOf(guid: string): string {
  return guid.slice(0, 2 * PREFIX_BYTES);
}

/** GUID prefixes of messages that came since the last exchange, or null if they are too many to tell. */
async function recentMessages(peer: LocalPeer): Promise<Uint8Array | null> {
  const { mailboxes } = await peer.survey({
    account: null,
    mailboxId: null,
    base: null,
    complete: false,
    inlineBytes: 0,
  });
  const prefixes = (await peer.unnamedBodies()).map(prefixOf);
  if (prefixes.length * PREFIX_BYTES > MAX_RECENT_BYTES) return null;
  for (const mailbox of mailboxes) {
    if (mailbox.state.digest.count === 0) continue;
    for await (const guid of newMessages(peer, mailbox)) {
      prefixes.push(prefixOf(guid));
      if (prefixes.length * PREFIX_BYTES > MAX_RECENT_BYTES) return null;
    }
  }
  return Buffer.from(prefixes.join(""), "hex");
}

async function* newMessages(peer: LocalPeer, { account, entry, cursor }: SurveyedMailbox): AsyncGenerator<string> {
  const since = cursor?.latest.highestModseq ?? 0;
  const pull = await peer.pull(account, entry.mailboxId, since);
  try {
    for await (const page of pull.pages())
      for (const record of page.flatMap((batch) => decodeBatch(batch.bytes)))
        if (!record.expunged && record.createdModseq > since) yield record.guid;
  } finally {
    await pull.close();
  }
}
