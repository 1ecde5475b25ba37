/** Real nodes: each a store directory and daemons that are started, ended and killed, and the moment when all is quiet. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { createMailbox } from "../../../../src/operations/index.ts";
import type { ReplicatorEvent } from "../../../../src/replicator/events.ts";
import { readStatus } from "../../../../src/replicator/status.ts";
import { openEmbeddedStore } from "../../../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../../../src/store/store.ts";
import { freePorts } from "../../../transport/free-ports.ts";
import { contents } from "../../support/cluster.ts";
import { ACCOUNT, type Ledger } from "./ledger.ts";
import { killAll, Process } from "./process.ts";

/** One node. */
export class RealNode {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  /** Where its daemons call their peers, by name. */
  readonly peers: Readonly<Record<string, string>>;

  constructor(name: string, directory: string, port: number, peers: Readonly<Record<string, string>>) {
    this.name = name;
    this.directory = directory;
    this.port = port;
    this.peers = peers;
  }

  /** Starts a daemon and does not wait for it. */
  startDaemon(port = this.port, peers = this.peers): Process {
    const urls = Object.entries(peers).flatMap(([name, url]) => ["--peer", `${name}=${url}`]);
    const listen = ["--listen", `127.0.0.1:${port}`, "--node", this.name];
    return Process.tandem(["serve", this.directory, ...listen, ...urls], { TANDEM_LOG: "debug" });
  }

  /** Starts a writer, see `children/writer.mjs`. */
  startWriter(options: Partial<WriterOptions> & Pick<WriterOptions, "tag" | "seed" | "mailboxes">): Process {
    const all: WriterOptions = { count: 1_000_000, atOnce: 1, edits: false, size: 500, ...options };
    return Process.child("writer", [JSON.stringify({ directory: this.directory, ...all })]);
  }
}

export interface WriterOptions {
  /** Stands in each message, so that it is like no other's. */
  readonly tag: string;
  readonly seed: number;
  readonly mailboxes: readonly string[];
  /** Messages to append. */
  readonly count: number;
  /** Most messages in one change. */
  readonly atOnce: number;
  /** Flag and expunge some, too. */
  readonly edits: boolean;
  /** Most bytes of a message. */
  readonly size: number;
}

/** Runs a story with nodes that know each other, each other's ports included; nothing is started yet. */
export async function withNodes(
  names: readonly string[],
  story: (...nodes: RealNode[]) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tandem-races-"));
  const ports = await freePorts(names.length);
  const urls = names.map((name, i) => [name, `ws://127.0.0.1:${ports[i]}`] as const);
  const nodes = names.map((name, i) => {
    const peers = Object.fromEntries(urls.filter(([other]) => other !== name));
    return new RealNode(name, join(directory, name), ports[i] as number, peers);
  });
  try {
    await story(...nodes);
  } finally {
    await killAll();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Opens a store beside its daemons, as an IMAP server does. */
export async function withStore<T>(node: RealNode, use: (store: MailboxStore) => Promise<T>): Promise<T> {
  const store = await openEmbeddedStore(node.directory, { create: true });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** As `withStore`, with the stores of several nodes. */
export async function withStores<T>(
  nodes: readonly RealNode[],
  use: (stores: readonly MailboxStore[]) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = nodes;
  if (first === undefined) return use([]);
  return withStore(first, (store) => withStores(rest, (others) => use([store, ...others])));
}

/** For tests that start many processes: as long as it takes where many others run beside them. */
export const PATIENCE_MS = 600_000;
/** After so long without an end a test says what it waits for, rather than that its time is up. */
const GIVEN_UP_MS = 240_000;

/** Resolves once `isSo` says true; asked whenever the change log of a store may have changed. */
export async function until(stores: readonly MailboxStore[], isSo: () => Promise<boolean>): Promise<void> {
  let wake = () => {};
  const unwatch = stores.map(({ log }) => log.watch(() => wake()));
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    wake();
  }, GIVEN_UP_MS);
  try {
    while (!isLate) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (await isSo()) return;
      await changed;
    }
    const statuses = await Promise.all(stores.map((store) => readStatus(store, Date.now())));
    throw new Error(`The nodes do not come to rest: ${JSON.stringify(statuses)}`);
  } finally {
    clearTimeout(late);
    for (const end of unwatch) end();
  }
}

/** Nobody has anything to bring to anybody, all at one moment: no log grew between the first look and the last. */
export async function isQuiet(stores: readonly MailboxStore[], channels: number): Promise<boolean> {
  const numbers = () => Promise.all(stores.map(({ log }) => log.lastSeq()));
  const before = await numbers();
  for (const { log } of stores) {
    const all = await log.channels();
    if (all.length < channels || all.some(({ peer }) => peer === null)) return false;
    for (const { name } of all) if ((await log.backlog(name)).some(({ waiting }) => waiting > 0)) return false;
  }
  return JSON.stringify(await numbers()) === JSON.stringify(before);
}

/** Waits until all nodes have brought everything to all others. Their daemons must run. */
export function quiet(nodes: readonly RealNode[]): Promise<void> {
  return withStores(nodes, (stores) => until(stores, () => isQuiet(stores, nodes.length - 1)));
}

/**
 * All nodes hold the same, tombstones and modseqs included, what writers were told is so on all of them, and
 * `tandem verify --deep`, which reads every message, agrees.
 */
export async function expectInStep(nodes: readonly RealNode[], ledger: Ledger): Promise<void> {
  const [first, ...others] = nodes;
  await withStores(nodes, async (stores) => {
    const [expected, ...rest] = await Promise.all(stores.map(contents));
    for (const store of stores) expect((await ledger.faultsOf(store)).slice(0, 10)).toEqual([]);
    // Only a difference is worth the time of a comparison that shows it.
    for (const one of rest) if (!isDeepStrictEqual(one, expected)) expect(one).toEqual(expected);
  });
  for (const other of others) {
    const verify = Process.tandem(["verify", first?.directory ?? "", other.directory, "--deep"]);
    expect({ status: await verify.ended, lines: verify.lines, errors: verify.errors }).toEqual({
      status: 0,
      lines: [expect.stringMatching(/^equal: /)],
      errors: "",
    });
  }
}

/** Makes the mailboxes that writers write to. */
export async function createMailboxes(node: RealNode, names: readonly string[]): Promise<void> {
  await withStore(node, async (store) => {
    for (const name of names) await createMailbox(store, ACCOUNT, name);
  });
}

/** Ends daemons as an administrator does. */
export async function endAll(daemons: readonly Process[]): Promise<void> {
  for (const daemon of daemons)
    expect({ status: await daemon.terminate(), errors: daemon.errors }).toEqual({ status: 0, errors: "" });
}

/** The events a daemon has told of, the first `skip` left out. */
export function eventsOf(daemon: Process, skip = 0): ReplicatorEvent[] {
  return daemon.lines
    .slice(skip)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as ReplicatorEvent);
}

/** Resolves once a daemon has told of such an event after the first `skip` lines, or has ended. */
export async function told(daemon: Process, isIt: (event: ReplicatorEvent) => boolean, skip = 0): Promise<void> {
  while (!daemon.isOver && !eventsOf(daemon, skip).some(isIt)) await daemon.printed(daemon.lines.length + 1);
}
