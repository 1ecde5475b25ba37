/**
 * Both servers together: two stores, opened beside the two daemons as delivery agents and IMAP servers do, and the
 * daemons themselves.
 */
import { type Comparison, compareStores, type MailboxStore, openEmbeddedStore, waitForPeer } from "../../src/index.ts";
import { DaemonProcess, type End, type LogLine } from "./daemon.ts";
import { NODES, type NodeName, noteEnded, noteRunning, otherNode, pathsOf, prepareData } from "./data.ts";

/** A daemon that ended though nobody told it to. */
export interface Death {
  readonly node: NodeName;
  readonly end: End;
  readonly daemon: DaemonProcess;
}

/** The same in words. */
export function describeDeath({ node, end, daemon }: Death): string {
  const how = end.signal === null ? `with status ${end.code}` : `by ${end.signal}`;
  const said = daemon.lastWords === "" ? "" : `\nWhat it said last:\n${daemon.lastWords}`;
  return `The daemon of ${node} (process ${daemon.pid}) ended ${how}, though nobody here told it to.${said}`;
}

export type Stores = Readonly<Record<NodeName, MailboxStore>>;

export class Pair {
  readonly data: string;
  readonly stores: Stores;
  /** Resolves if a daemon dies. */
  readonly died: Promise<Death>;
  readonly #onEvent: (node: NodeName, line: LogLine) => void;
  readonly #daemons = new Map<NodeName, DaemonProcess>();
  #tellDeath: (death: Death) => void = () => undefined;

  private constructor(data: string, stores: Stores, onEvent: (node: NodeName, line: LogLine) => void) {
    this.data = data;
    this.stores = stores;
    this.#onEvent = onEvent;
    this.died = new Promise((resolve) => {
      this.#tellDeath = resolve;
    });
    // Whatever ends this process, no daemon is left behind.
    process.once("exit", () => {
      for (const daemon of this.#daemons.values()) daemon.tell("SIGTERM");
    });
  }

  /**
   * Prepares the directory and opens both stores; no daemon runs yet.
   * @param onEvent called for each line of the daemons' logs.
   * @throws TandemError if the directory is not one of ours, or the stores cannot be opened.
   */
  static async open(data: string, onEvent: (node: NodeName, line: LogLine) => void): Promise<Pair> {
    await prepareData(data);
    const [a, b] = NODES.map((node) => openEmbeddedStore(pathsOf(data, node).store, { create: true }));
    return new Pair(data, { a: await (a as Promise<MailboxStore>), b: await (b as Promise<MailboxStore>) }, onEvent);
  }

  /** The daemon of a server, if it runs. */
  daemon(node: NodeName): DaemonProcess | undefined {
    return this.#daemons.get(node);
  }

  /** True while both daemons run. */
  get isRunning(): boolean {
    return this.#daemons.size === NODES.length;
  }

  /** @throws TandemError if it does not come up. */
  async start(node: NodeName): Promise<DaemonProcess> {
    const { config } = pathsOf(this.data, node);
    const daemon = await DaemonProcess.start(config, (line) => this.#onEvent(node, line));
    this.#daemons.set(node, daemon);
    void daemon.ended.then((end) => {
      if (this.#daemons.get(node) === daemon) this.#tellDeath({ node, end, daemon });
    });
    await this.#note();
    return daemon;
  }

  /** Ends one daemon, which then does not count as dead. */
  async end(node: NodeName, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const daemon = this.#daemons.get(node);
    this.#daemons.delete(node);
    await daemon?.end(signal);
    await this.#note();
  }

  /**
   * Waits until each server has what the other has.
   * @returns false if it was given up by `signal`.
   */
  async untilInStep(signal?: AbortSignal): Promise<boolean> {
    const options = signal === undefined ? {} : { signal };
    for (;;) {
      for (const node of NODES) await waitForPeer(this.stores[node], otherNode(node), options);
      if (signal?.aborted) return false;
      if ((await Promise.all(NODES.map((node) => this.#waiting(node)))).every((count) => count === 0)) return true;
    }
  }

  /** Compares both stores. @param deep every record, and every message read and hashed. */
  compare(deep: boolean): Promise<Comparison> {
    return compareStores(this.stores.a, this.stores.b, { account: null, deep });
  }

  /** Ends both daemons in order, one after the other, and closes the stores. */
  async close(): Promise<void> {
    for (const node of [...this.#daemons.keys()]) await this.end(node);
    for (const node of NODES) await this.stores[node].close();
    await noteEnded(this.data);
  }

  /** How many mailboxes wait to be brought to the other server. */
  async #waiting(node: NodeName): Promise<number> {
    const { log } = this.stores[node];
    return log.countUpTo(otherNode(node), await log.lastSeq());
  }

  #note(): Promise<void> {
    return noteRunning(this.data, [process.pid, ...[...this.#daemons.values()].map(({ pid }) => pid)]);
  }
}
