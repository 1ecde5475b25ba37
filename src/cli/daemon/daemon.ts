/**
 * The daemon: a store that listens, a channel to each peer, and a port for monitoring, from the start to an orderly end.
 */
import { randomBytes } from "node:crypto";
import { isTandemError } from "../../model/errors.ts";
import type { ReplicatorEvent } from "../../replicator/events.ts";
import { Replicator } from "../../replicator/replicator.ts";
import { openEmbeddedStore } from "../../store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../store/store.ts";
import type { ListenTls } from "../../transport/tls.ts";
import type { FrameConnection, FrameListener } from "../../transport/transport.ts";
import { type ListenOptions, listenWebSocket } from "../../transport/websocket.ts";
import { Compaction } from "./compaction.ts";
import type { Configured } from "./configure.ts";
import { type Log, openLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Monitor } from "./monitor.ts";
import { admission, channelPeers } from "./peers.ts";
import { Rereading } from "./rereading.ts";
import { type Address, DAY_MS, type Settings } from "./schema.ts";
import type { Path } from "./source.ts";

/** Milliseconds in which what is in flight may end once the daemon was told to end. */
export const GRACE_MS = 5000;

/** Where a daemon listens. */
export interface Addresses {
  /** For peers, e.g. `ws://127.0.0.1:4190`. */
  readonly listening: string;
  /** For monitoring, e.g. `http://127.0.0.1:9190`. */
  readonly metrics?: string;
}

/** A fault that shows only when the daemon starts, at one of its settings. */
export interface StartFault {
  readonly path: Path;
  readonly sentence: string;
}

/** Parts that run, closed in the reverse order. */
type Closers = (() => Promise<void>)[];

export class Daemon {
  readonly addresses: Addresses;
  readonly #log: Log;
  readonly #closers: Closers;

  private constructor(addresses: Addresses, log: Log, closers: Closers) {
    this.addresses = addresses;
    this.#log = log;
    this.#closers = closers;
  }

  /**
   * Starts everything; once this resolves, peers are answered and the channels are made.
   * @returns what is wrong, with everything closed again, if the store cannot be opened or an address not listened on.
   * @throws TandemError for all other faults.
   */
  static async start(configured: Configured, options: { readonly rereads: boolean }): Promise<Daemon | StartFault> {
    const closers: Closers = [];
    let path: Path = ["listen"];
    try {
      const { listen, metrics } = configured.settings;
      await checkFree(listen);
      path = ["metrics"];
      if (metrics !== undefined) await checkFree(metrics);
      path = ["store"];
      const log = await openLog(configured.log);
      const rereading = options.rereads ? new Rereading(configured, log) : null;
      if (rereading !== null) closers.push(async () => rereading.end());
      const store = await openEmbeddedStore(configured.store, { create: true });
      closers.push(() => store.close());
      path = ["metrics"];
      const monitoring = await openMonitoring(store, configured, closers);
      path = ["listen"];
      const listener = await openEngine(store, configured, { log, metrics: monitoring?.metrics ?? null }, closers);
      rereading?.listensBy(listener);
      keepCompact(store, log, closers);
      const addresses = { listening: listener.address };
      const all = monitoring === null ? addresses : { ...addresses, metrics: monitoring.monitor.address };
      log({ event: "started", node: configured.settings.node, ...all });
      return new Daemon(all, log, closers);
    } catch (error) {
      await closeAll(closers);
      if (!isTandemError(error)) throw error;
      return { path, sentence: error.message };
    }
  }

  /** Ends in order: begins nothing new, lets what is in flight end for a while, closes everything. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#log({ event: "stopping", signal });
    await closeAll(this.#closers);
    this.#log({ event: "stopped" });
  }
}

/** A port in use is told before a store is made for nothing. @throws TandemError `invalid-argument`. */
async function checkFree(address: Address): Promise<void> {
  const listener = await listenWebSocket({ ...address, onConnection: (connection) => connection.destroy() });
  await listener.close();
}

interface Observers {
  readonly log: Log;
  readonly metrics: Metrics | null;
}

/** Listens and runs the channels. @throws TandemError `invalid-argument` if it cannot listen there. */
async function openEngine(
  store: MailboxStore,
  { settings, credentials }: Configured,
  { log, metrics }: Observers,
  closers: Closers,
): Promise<FrameListener> {
  const { node, limits, listen } = settings;
  const peers = channelPeers(settings, credentials);
  const admit = admission(settings, credentials);
  const onEvent = (event: ReplicatorEvent) => {
    log({ ...event });
    metrics?.count(event);
  };
  const replica = { random: randomBytes, ...(admit === undefined ? {} : { admit }) };
  const scrub = { bytesPerSecond: settings.scrub.rate * 1024, roundMs: settings.scrub.days * DAY_MS };
  const paces = { parallel: limits.parallel, surveyMs: limits.survey * 1000, scrub };
  const replicator = new Replicator({ store, node, peers, ...paces, replica, onEvent });
  const served = new Set<Promise<void>>();
  const onConnection = (connection: FrameConnection) => {
    metrics?.connection(1);
    const serving = replicator.serve(connection).finally(() => {
      metrics?.connection(-1);
      served.delete(serving);
    });
    served.add(serving);
  };
  const listener = await listenWebSocket({ ...listen, ...listenOptions(limits, credentials.listenTls), onConnection });
  closers.push(async () => {
    await Promise.all([replicator.stop(GRACE_MS), listener.close(GRACE_MS)]);
    // What the store is in the middle of is finished before it is closed.
    await Promise.all(served);
  });
  await replicator.start();
  return listener;
}

function keepCompact(store: MailboxStore, log: Log, closers: Closers): void {
  const compaction = new Compaction(store, log);
  const running = compaction.run();
  closers.push(() => {
    compaction.stop();
    return running;
  });
}

/** Limits that are not set are left to the transport. */
function listenOptions(
  limits: Settings["limits"],
  tls: ListenTls | null,
): Omit<ListenOptions, "host" | "port" | "onConnection"> {
  const { connections, unprovenConnections, unprovenSeconds, framesPerSecond } = limits;
  return {
    ...(connections === undefined ? {} : { maxConnections: connections }),
    ...(unprovenConnections === undefined ? {} : { maxUnproven: unprovenConnections }),
    ...(unprovenSeconds === undefined ? {} : { proofMs: unprovenSeconds * 1000 }),
    ...(framesPerSecond === undefined ? {} : { framesPerSecond }),
    ...(tls === null ? {} : { tls }),
  };
}

async function openMonitoring(
  store: MailboxStore,
  { settings }: Configured,
  closers: Closers,
): Promise<{ readonly metrics: Metrics; readonly monitor: Monitor } | null> {
  if (settings.metrics === undefined) return null;
  const { Metrics } = await import("./metrics.ts");
  const { openMonitor } = await import("./monitor.ts");
  const metrics = await Metrics.open();
  const monitor = await openMonitor(store, metrics, settings.metrics);
  closers.push(() => monitor.close());
  return { metrics, monitor };
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}
