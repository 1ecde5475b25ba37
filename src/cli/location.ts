/**
 * Where a sync or a verify goes: a store directory, or a node behind `ws://host:port` or `wss://host:port`.
 */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { TandemError } from "../model/errors.ts";
import { isStoreMissing, openEmbeddedStore } from "../store/embedded/embedded-store.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { MailboxStore } from "../store/store.ts";
import type { OnFault } from "../sync/local-faults.ts";
import { LocalPeer } from "../sync/local-peer.ts";
import type { Peer } from "../sync/peer.ts";
import { RemotePeer } from "../sync/remote-peer.ts";
import { serveReplica } from "../sync/replica.ts";
import { openRemote } from "../sync/session.ts";
import { createPair } from "../transport/pair.ts";
import { connectWebSocket } from "../transport/websocket.ts";
import { type Introducing, introductionFrom, nodeName } from "./introduction.ts";
import type { TrustOptions } from "./options.ts";
import { checkedStorePath } from "./store-path.ts";

export { nodeName } from "./introduction.ts";

/** Both sides of an exchange, and the connections to whatever is not in this process. */
export interface OpenSides {
  readonly left: Peer;
  readonly right: Peer;
  readonly remotes: readonly RemotePeer[];
  /** The stores in this process; null for a node. */
  readonly stores: { readonly left: MailboxStore | null; readonly right: MailboxStore | null };
  /** TO is not there yet, and a store in memory stands for it. */
  readonly isImagined: boolean;
  close(): Promise<void>;
}

function isNode(location: string): boolean {
  return /^wss?:\/\//i.test(location);
}

/** What becomes of a TO that is not there yet. `imagined`: an empty store in memory stands for it, and nothing is made. */
export type MissingTo = "refused" | "made" | "imagined";

/** How locations are opened: `onFault` is told of faults of stores in this process; `trust` says how this node introduces itself to those that are nodes. */
export interface OpenOptions {
  readonly missingTo: MissingTo;
  readonly trust: TrustOptions;
  readonly onFault?: OnFault;
}

/**
 * Opens both locations. Two directories are joined by the same protocol as two machines.
 * @throws TandemError `not-a-store`, `invalid-argument`, `denied`, `disconnected`.
 */
export async function openSides(from: string, to: string, options: OpenOptions): Promise<OpenSides> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    for (const location of [from, to]) if (!isNode(location)) checkedStorePath(location);
    refuseSame(from, to);
    const own = isNode(from) || isNode(to) ? introductionFrom(options.trust) : null;
    const left = isNode(from) ? null : await openStore(from, "refused", closers);
    const right = isNode(to) ? null : await openStore(to, options.missingTo, closers);
    const joined = await join(left ?? from, right ?? to, {
      own,
      closers,
      onFault: options.onFault ?? (() => undefined),
    });
    return { ...joined, stores: { left, right }, isImagined: right instanceof MemoryStore, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Joined = Pick<OpenSides, "left" | "right" | "remotes">;

interface Joining {
  /** Null if both are directories. */
  readonly own: Introducing | null;
  readonly closers: (() => Promise<void>)[];
  readonly onFault: OnFault;
}

async function join(left: MailboxStore | string, right: MailboxStore | string, joining: Joining): Promise<Joined> {
  const { own, closers, onFault } = joining;
  if (own === null) return joinStores(left as MailboxStore, right as MailboxStore, joining);
  if (typeof left !== "string") {
    const remote = await connect(right as string, left, own, closers);
    return { left: new LocalPeer(left, remote.storeEpoch, onFault), right: remote, remotes: [remote] };
  }
  if (typeof right === "string") return joinNodes(left, right, own, closers);
  const remote = await connect(left, right, own, closers);
  return { left: remote, right: new LocalPeer(right, remote.storeEpoch, onFault), remotes: [remote] };
}

async function openStore(
  directory: string,
  missing: MissingTo,
  closers: (() => Promise<void>)[],
): Promise<MailboxStore> {
  const isImagined = missing === "imagined" && (await isStoreMissing(directory));
  const store = isImagined ? new MemoryStore() : await openEmbeddedStore(directory, { create: missing === "made" });
  closers.push(() => store.close());
  return store;
}

async function connect(
  url: string,
  store: MailboxStore,
  own: Introducing,
  closers: (() => Promise<void>)[],
): Promise<RemotePeer> {
  const remote = await openRemote(store, await connectWebSocket(url, own.connect), own.node, own);
  closers.push(() => remote.close());
  return remote;
}

async function joinStores(left: MailboxStore, right: MailboxStore, { closers, onFault }: Joining): Promise<Joined> {
  const [master, replica] = createPair();
  const served = serveReplica(right, replica, { node: nodeName(), onFault }).catch(() => undefined);
  const remote = await openRemote(left, master, nodeName());
  closers.push(async () => {
    await remote.close();
    await served;
  });
  return { left: new LocalPeer(left, remote.storeEpoch, onFault), right: remote, remotes: [remote] };
}

/** Two nodes, neither of which is here: each is told the other's store epoch, by which it keeps its cursors. */
async function joinNodes(
  from: string,
  to: string,
  own: Introducing,
  closers: (() => Promise<void>)[],
): Promise<Joined> {
  const introduce = (url: string, storeEpoch: string) => openNode(url, storeEpoch, own);
  const probe = await introduce(from, randomBytes(16).toString("hex"));
  const fromEpoch = probe.storeEpoch;
  await probe.close();
  const right = await introduce(to, fromEpoch);
  closers.push(() => right.close());
  const left = await introduce(from, right.storeEpoch);
  closers.push(() => left.close());
  return { left, right, remotes: [left, right] };
}

async function openNode(url: string, storeEpoch: string, own: Introducing): Promise<RemotePeer> {
  const connection = await connectWebSocket(url, own.connect);
  // Nothing is known here of where else a message may be, so the nodes are always asked what they lack.
  const references = async (guids: readonly string[]) => guids.map(() => 0);
  const { node, credential, random } = own;
  return RemotePeer.open(connection, { storeEpoch, node, credential, random, references });
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
