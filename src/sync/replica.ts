/**
 * The replica: serves one master over one connection, from the greeting to the end.
 *
 * Frames are worked on one after the other, so a master that sends faster than the store writes is held back by the
 * transport, and the replica holds no more than one frame and the open requests.
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { FrameConnection } from "../transport/transport.ts";
import { answerGreeting, awaitGreeting, type Greeting } from "./hello.ts";
import { LocalPeer } from "./local-peer.ts";
import { ReplicaSession } from "./replica-session.ts";

export interface ReplicaOptions {
  /** Name for the master's logs. */
  readonly node: string;
  /** Told once the master has introduced itself. */
  readonly onGreeting?: (greeting: Greeting) => void;
}

/**
 * Serves one connection until the master ends it.
 * @throws TandemError if the connection breaks or the master breaks the protocol; the store is as the last answer said.
 */
export async function serveReplica(
  store: MailboxStore,
  connection: FrameConnection,
  options: ReplicaOptions,
): Promise<void> {
  let replica: ReplicaSession | null = null;
  try {
    const greeting = await awaitGreeting(connection);
    options.onGreeting?.(greeting);
    const peer = new LocalPeer(store, greeting.storeEpoch);
    await answerGreeting(connection, peer, options.node);
    replica = new ReplicaSession(store, peer, connection);
    for (let frame = await connection.receive(); frame !== null; frame = await connection.receive())
      await replica.handle(decodeFrame(frame));
    await connection.end();
  } catch (error) {
    await refuse(connection, error);
    throw error;
  } finally {
    await replica?.close();
  }
}

/** Tells the peer why, as far as it still listens, and breaks the connection. */
async function refuse(connection: FrameConnection, error: unknown): Promise<void> {
  const known = error instanceof TandemError ? error : new TandemError("internal", "The node failed; see its log.");
  try {
    await connection.send(encodeFrame({ t: "error", code: known.code, message: known.message.slice(0, 1000) }));
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
