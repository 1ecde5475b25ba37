/**
 * Where a sync or a verify goes: a store directory, or a node behind `ws://host:port`.
 */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { hostname } from "node:os";
import { TandemError } from "../model/errors.ts";
import { openEmbeddedStore } from "../store/embedded/embedded-store.ts";
import type { MailboxStore } from "../store/store.ts";
import { LocalPeer } from "../sync/local-peer.ts";
import type { Peer } from "../sync/peer.ts";
import { RemotePeer } from "../sync/remote-peer.ts";
import { serveReplica } from "../sync/replica.ts";
import { openRemote } from "../sync/session.ts";
import { createPair } from "../transport/pair.ts";
import { connectWebSocket } from "../transport/websocket.ts";

/** Both sides of an exchange, and the connections to whatever is not in this process. */
export interface OpenSides {
  readonly left: Peer;
  readonly right: Peer;
  readonly remotes: readonly RemotePeer[];
  close(): Promise<void>;
}

/** Name of this node in the logs of others. */
export function nodeName(): string {
  return hostname().slice(0, 255) || "tandem";
}

function isNode(location: string): boolean {
  return /^wss?:\/\//i.test(location);
}

/**
 * Opens both locations. Two directories are joined by the same protocol as two machines.
 * @throws TandemError `not-a-store`, `invalid-argument`, `disconnected`.
 */
export async function openSides(from: string, to: string, options: { createTo: boolean }): Promise<OpenSides> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    refuseSame(from, to);
    const left = isNode(from) ? null : await openStore(from, false, closers);
    const right = isNode(to) ? null : await openStore(to, options.createTo, closers);
    return { ...(await join(left ?? from, right ?? to, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Joined = Omit<OpenSides, "close">;

async function join(
  left: MailboxStore | string,
  right: MailboxStore | string,
  closers: (() => Promise<void>)[],
): Promise<Joined> {
  if (typeof left === "string" && typeof right === "string") return joinNodes(left, right, closers);
  if (typeof left === "string") {
    const store = right as MailboxStore;
    const remote = await connect(left, store, closers);
    return { left: remote, right: new LocalPeer(store, remote.storeEpoch), remotes: [remote] };
  }
  const remote = typeof right === "string" ? await connect(right, left, closers) : await pairWith(right, left, closers);
  return { left: new LocalPeer(left, remote.storeEpoch), right: remote, remotes: [remote] };
}

async function openStore(directory: string, create: boolean, closers: (() => Promise<void>)[]): Promise<MailboxStore> {
  const store = await openEmbeddedStore(directory, { create });
  closers.push(() => store.close());
  return store;
}

async function connect(url: string, store: MailboxStore, closers: (() => Promise<void>)[]): Promise<RemotePeer> {
  const remote = await openRemote(store, await connectWebSocket(url), nodeName());
  closers.push(() => remote.close());
  return remote;
}

async function pairWith(
  right: MailboxStore,
  left: MailboxStore,
  closers: (() => Promise<void>)[],
): Promise<RemotePeer> {
  const [master, replica] = createPair();
  const served = serveReplica(right, replica, { node: nodeName() }).catch(() => undefined);
  const remote = await openRemote(left, master, nodeName());
  closers.push(async () => {
    await remote.close();
    await served;
  });
  return remote;
}

/** Two nodes, neither of which is here: each is told the other's store epoch, by which it keeps its cursors. */
async function joinNodes(from: string, to: string, closers: (() => Promise<void>)[]): Promise<Joined> {
  const introduce = (url: string, storeEpoch: string) => openNode(url, storeEpoch);
  const probe = await introduce(from, randomBytes(16).toString("hex"));
  const fromEpoch = probe.storeEpoch;
  await probe.close();
  const right = await introduce(to, fromEpoch);
  closers.push(() => right.close());
  const left = await introduce(from, right.storeEpoch);
  closers.push(() => left.close());
  return { left, right, remotes: [left, right] };
}

async function openNode(url: string, storeEpoch: string): Promise<RemotePeer> {
  const connection = await connectWebSocket(url);
  // Nothing is known here of where else a message may be, so the nodes are always asked what they lack.
  const references = async (guids: readonly string[]) => guids.map(() => 0);
  return RemotePeer.open(connection, { storeEpoch, node: nodeName(), references });
}

function refuseSame(from: string, to: string): void {
  if (isNode(from) || isNode(to) ? from !== to : resolved(from) !== resolved(to)) return;
  throw new TandemError("invalid-argument", `${from} and ${to} are the same; name two different stores.`);
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
