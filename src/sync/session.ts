/**
 * Sides of an exchange, opened and closed: a store here, a store behind an in-process pair, a node behind a connection.
 */

import type { MailboxStore } from "../store/store.ts";
import { createPair } from "../transport/pair.ts";
import type { FrameConnection } from "../transport/transport.ts";
import { type CompareOptions, type Comparison, compareSides } from "./compare.ts";
import { exchange } from "./exchange.ts";
import { LocalPeer } from "./local-peer.ts";
import { RemotePeer } from "./remote-peer.ts";
import { serveReplica } from "./replica.ts";
import type { SyncCounts, SyncIssue, SyncOptions } from "./report.ts";
import type { MasterTrust } from "./trust.ts";

/** What a whole sync did; bytes are counted on the transport, the greeting and framing included. */
export interface SyncResult extends SyncCounts {
  readonly issues: readonly SyncIssue[];
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Flights one after the other that it took after the greeting: how often the master had to wait. */
  readonly roundTrips: number;
}

export const DEFAULT_SYNC_OPTIONS: SyncOptions = {
  account: null,
  mailbox: null,
  direction: "both",
  dryRun: false,
  full: false,
  allowMassDeletion: false,
};

/**
 * Syncs a store with the node at the other end of a connection, which is closed afterwards.
 * @param node the name this node introduces itself by.
 * @throws TandemError if the whole sync could not be done; what failed for one mailbox is in `issues`.
 */
export async function syncOver(
  store: MailboxStore,
  connection: FrameConnection,
  options: SyncOptions,
  node = "tandem",
  trust: MasterTrust = {},
): Promise<SyncResult> {
  return withRemote(store, connection, node, trust, async (left, right) =>
    resultOf(await exchange(left, right, options), right),
  );
}

/** Syncs two stores of this process through the same protocol. */
export async function syncStores(left: MailboxStore, right: MailboxStore, options: SyncOptions): Promise<SyncResult> {
  const [master, replica] = createPair();
  const served = serveReplica(right, replica, { node: "tandem" }).catch((error: unknown) => error);
  try {
    return await syncOver(left, master, options);
  } finally {
    await served;
  }
}

/**
 * Compares a store (A) with the node at the other end of a connection (B), which is closed afterwards.
 * @param node the name this node introduces itself by.
 * @throws TandemError if a side cannot be read.
 */
export async function compareOver(
  store: MailboxStore,
  connection: FrameConnection,
  options: CompareOptions,
  node = "tandem",
  trust: MasterTrust = {},
): Promise<Comparison> {
  return withRemote(store, connection, node, trust, (left, right) => compareSides(left, right, options));
}

/** Compares two stores of this process. @throws TandemError if one cannot be read. */
export function compareStores(a: MailboxStore, b: MailboxStore, options: CompareOptions): Promise<Comparison> {
  return compareSides(new LocalPeer(a, b.storeEpoch), new LocalPeer(b, a.storeEpoch), options);
}

/** Both sides of a connection, which is closed afterwards. */
async function withRemote<T>(
  store: MailboxStore,
  connection: FrameConnection,
  node: string,
  trust: MasterTrust,
  use: (left: LocalPeer, right: RemotePeer) => Promise<T>,
): Promise<T> {
  const remote = await openRemote(store, connection, node, trust);
  try {
    return await use(new LocalPeer(store, remote.storeEpoch), remote);
  } finally {
    await remote.close();
  }
}

/** A master's side of a connection, for a store of this process. */
export function openRemote(
  store: MailboxStore,
  connection: FrameConnection,
  node: string,
  trust: MasterTrust = {},
): Promise<RemotePeer> {
  const references = (guids: readonly string[]) => store.bodyReferences(guids);
  return RemotePeer.open(connection, { storeEpoch: store.storeEpoch, node, references, ...trust });
}

export function resultOf(
  report: { readonly counts: SyncCounts; readonly issues: readonly SyncIssue[] },
  remote: RemotePeer,
): SyncResult {
  const { bytesSent, bytesReceived, roundTrips } = remote.stats;
  return { ...report.counts, issues: report.issues, bytesSent, bytesReceived, roundTrips };
}
