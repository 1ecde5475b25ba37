/**
 * The replica: serves one master over one connection, from the greeting to the end.
 *
 * Frames are worked on one after the other, so a master that sends faster than the store writes is held back by the
 * transport, and the replica holds no more than the frames of the open requests, `MAX_IN_FLIGHT` at most.
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { type ErrorCode, isTandemError, TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { FrameConnection } from "../transport/transport.ts";
import { limitedStore, refusalOf } from "./access.ts";
import { type Admission, admitMaster, answerGreeting, type Greeting, type Reception } from "./hello.ts";
import type { OnFault } from "./local-faults.ts";
import { LocalPeer } from "./local-peer.ts";
import type { OpenPlaces } from "./open-places.ts";
import type { Met } from "./push-outcome.ts";
import { ReplicaSession } from "./replica-session.ts";
import { spoken } from "./spoken.ts";
import { type Access, deniedError } from "./trust.ts";

/**
 * How a replica serves. `node` is its name; with `admit` it lets in only whom it trusts, and needs `random`; without, it
 * lets in everybody with full access.
 */
export interface ReplicaOptions extends Reception {
  /** Told once the master has introduced itself and was let in. @param access what it may do. */
  readonly onGreeting?: (greeting: Greeting, access: Access) => void;
  /** Told of faults of the store itself. */
  readonly onFault?: OnFault;
}

/** How the replicator serves: a channel of its own takes over what its peer leaves to it. */
export interface ServeOptions extends ReplicaOptions {
  /** Told of mailboxes that the master of this store epoch leaves to this node, whose store it sees so: see `OnLeft`. */
  readonly onLeft?: (storeEpoch: string, mets: readonly Met[], store: MailboxStore) => Promise<void>;
  /** Where it is noted which mailboxes something comes in for. */
  readonly incoming?: OpenPlaces;
}

/**
 * Serves one connection until the master ends it.
 * @throws TandemError `denied` if the master is not trusted: the name it claims and what did not hold, which it is not told;
 * or if the connection breaks or the master breaks the protocol;
 * the store is as the last answer said.
 */
export function serveReplica(store: MailboxStore, connection: FrameConnection, options: ReplicaOptions): Promise<void> {
  return serveMaster(store, connection, options);
}

/** As `serveReplica`. */
export async function serveMaster(
  store: MailboxStore,
  connection: FrameConnection,
  options: ServeOptions,
): Promise<void> {
  const admission = await admitOrRefuse(connection, options);
  let session: ReplicaSession | null = null;
  try {
    connection.proven();
    options.onGreeting?.(admission.greeting, admission.peer.access);
    const { access } = admission.peer;
    const visible = limitedStore(store, access);
    const peer = new LocalPeer(visible, admission.greeting.storeEpoch, options.onFault);
    await answerGreeting(connection, peer, options.node, admission);
    const { storeEpoch } = admission.greeting;
    session = new ReplicaSession(visible, peer, connection, {
      onLeft: async (mets) => options.onLeft?.(storeEpoch, mets, visible),
      incoming: options.incoming,
    });
    for (let frame = await connection.receive(); frame !== null; frame = await connection.receive())
      await handle(session, connection, access, decodeFrame(frame));
    await session.settled();
    await connection.end();
  } catch (error) {
    await refuse(connection, error);
    throw error;
  } finally {
    await session?.close();
  }
}

/** Answers a message, or says that it asks for what this peer is not allowed. */
async function handle(
  session: ReplicaSession,
  connection: FrameConnection,
  access: Access,
  message: Message,
): Promise<void> {
  // Bodies sent along with a change that was refused: nothing of a peer that only reads is kept.
  if (access.readOnly && (message.t === "bodies" || message.t === "bodyPart")) return;
  const refusal = refusalOf(access, message);
  if (refusal === null || !("q" in message)) return session.handle(message);
  await connection.send(encodeFrame({ t: "failed", q: message.q, ...spoken(refusal) }));
}

/** A master that is not let in is told nothing of what goes on here. */
async function admitOrRefuse(connection: FrameConnection, options: ReplicaOptions): Promise<Admission> {
  try {
    return await admitMaster(connection, options);
  } catch (error) {
    await refuse(connection, faultForStranger(error));
    throw error;
  }
}

/** What a peer that was not let in is told of a fault: nothing, but for what is wrong with its own frames. */
function faultForStranger(error: unknown): TandemError | null {
  if (isTandemError(error, "denied")) return deniedError();
  return error instanceof TandemError && FOR_STRANGERS.includes(error.code) ? error : null;
}

/** What a peer that was not let in may be told: faults of its own frames. */
const FOR_STRANGERS: readonly ErrorCode[] = ["bad-frame", "bad-message", "limit", "version", "timeout"];

/** Tells the peer why, as far as it still listens, and breaks the connection. */
async function refuse(connection: FrameConnection, error: unknown): Promise<void> {
  const known = error instanceof TandemError ? error : new TandemError("internal", "The node failed; see its log.");
  try {
    await connection.send(encodeFrame({ t: "error", ...spoken(known) }));
    await connection.end();
    await Promise.race([drain(connection), new Promise((resolve) => setTimeout(resolve, FAREWELL_MS).unref())]);
  } catch {
    // The line is gone already: nobody is left to be told.
  }
  connection.destroy();
}

/** Reads on until the peer ended: closing on unread data would reset the line before the peer has read why. */
async function drain(connection: FrameConnection): Promise<void> {
  while ((await connection.receive()) !== null);
}

/** How long a refused peer may take to hang up. */
const FAREWELL_MS = 1000;
