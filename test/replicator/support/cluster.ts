/** Nodes in one process whose replicators talk over in-process lines that can be cut, and the moment when all is quiet. */
import { expect } from "vitest";
import { TandemError } from "../../../src/model/errors.ts";
import { SYSTEM } from "../../../src/replicator/environment.ts";
import type { ReplicatorEvent } from "../../../src/replicator/events.ts";
import type { PeerOptions } from "../../../src/replicator/peer-options.ts";
import { Replicator, type ReplicatorOptions } from "../../../src/replicator/replicator.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { FULL_ACCESS } from "../../../src/sync/trust.ts";
import { createPair } from "../../../src/transport/pair.ts";
import type { FrameConnection } from "../../../src/transport/transport.ts";
import { dumpOf, expectSound } from "../../sync/support/checks.ts";
import { Node } from "../../sync/support/node.ts";
import type { StoreKind, TestStore } from "../../sync/support/stores.ts";

export interface MemberOptions extends Partial<Pick<ReplicatorOptions, "parallel" | "surveyMs" | "environment">> {
  /** Names of the members it has channels to; all others by default. */
  readonly peers?: readonly string[];
  readonly peer?: Partial<PeerOptions>;
  /** The store its replicator works on, in place of the node's own. */
  readonly wrap?: (store: MailboxStore) => MailboxStore;
}

/** Frames that crossed the lines of a member's channels. */
interface Traffic {
  frames: number;
}

/** One server: its store, its clients, its replicator. */
export class Member {
  readonly name: string;
  readonly opened: TestStore;
  readonly node: Node;
  readonly events: ReplicatorEvent[] = [];
  readonly traffic: Traffic = { frames: 0 };
  readonly cluster: Cluster;
  #options: MemberOptions;
  #replicator: Replicator | null = null;
  readonly #lines = new Set<FrameConnection>();
  #served: Promise<void>[] = [];
  #starting: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, name: string, opened: TestStore, options: MemberOptions) {
    this.cluster = cluster;
    this.name = name;
    this.opened = opened;
    this.node = new Node(name, opened.store);
    this.#options = options;
  }

  get store(): MailboxStore {
    return this.opened.store;
  }

  get isUp(): boolean {
    return this.#replicator !== null;
  }

  /** Names of the members it has channels to. */
  get peers(): readonly string[] {
    return this.#options.peers ?? this.cluster.names.filter((name) => name !== this.name);
  }

  start(options: MemberOptions = this.#options): void {
    this.#options = options;
    const { parallel, surveyMs = 3_600_000, environment = SYSTEM, wrap = (store) => store } = options;
    this.#replicator = new Replicator({
      store: wrap(this.store),
      node: this.name,
      peers: this.peers.map((name) => this.#peer(name)),
      surveyMs,
      environment,
      ...(parallel === undefined ? {} : { parallel }),
      onEvent: (event) => {
        this.events.push(event);
        this.cluster.tell();
      },
    });
    this.#starting = this.#replicator.start();
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    await this.#starting;
    await this.#replicator?.stop(10_000);
    this.#replicator = null;
    this.cutLines();
    await Promise.all(this.#served);
    this.#served = [];
  }

  /** Breaks every connection it has at this moment, in both directions. */
  cutLines(): void {
    for (const line of this.#lines) line.destroy();
    this.#lines.clear();
  }

  /** Another member connects here. @throws TandemError if it is down or the link is cut. */
  accept(from: Member): FrameConnection {
    const replicator = this.#replicator;
    if (replicator === null || this.cluster.isCut(this.name, from.name))
      throw new TandemError("disconnected", `Nothing listens at ${this.name}.`);
    const [master, replica] = createPair();
    this.#lines.add(replica);
    this.#served.push(replicator.serve(replica));
    return master;
  }

  #peer(name: string): PeerOptions {
    return {
      name,
      access: FULL_ACCESS,
      connect: async () => {
        const line = this.cluster.member(name).accept(this);
        this.#lines.add(line);
        return counted(line, this.traffic);
      },
      ...this.#options.peer,
    };
  }
}

function counted(line: FrameConnection, traffic: Traffic): FrameConnection {
  return new Proxy(line, {
    get(target, key) {
      if (key === "send") {
        return (frame: Uint8Array) => {
          traffic.frames++;
          return target.send(frame);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export class Cluster {
  readonly #members = new Map<string, Member>();
  readonly #cut = new Set<string>();
  readonly #opened: TestStore[] = [];
  #wake: (() => void)[] = [];

  /** Members that are not started yet. */
  static async open(kind: StoreKind, names: readonly string[], options: MemberOptions = {}): Promise<Cluster> {
    const cluster = new Cluster();
    for (const name of names) await cluster.add(kind, name, options);
    return cluster;
  }

  /** A member with a new store, also in place of one of this name. */
  async add(kind: StoreKind, name: string, options: MemberOptions = {}): Promise<Member> {
    const epoch = Buffer.from(`${name}${this.#opened.length}`.padEnd(16, "-")).toString("hex");
    const opened = await kind.open(epoch, options.environment?.now);
    this.#opened.push(opened);
    const member = new Member(this, name, opened, options);
    member.store.log.watch(() => this.tell());
    this.#members.set(name, member);
    return member;
  }

  get names(): string[] {
    return [...this.#members.keys()];
  }

  get members(): Member[] {
    return [...this.#members.values()];
  }

  member(name: string): Member {
    const found = this.#members.get(name);
    if (found === undefined) throw new Error(`There is no member ${name}.`);
    return found;
  }

  start(): void {
    for (const member of this.members) member.start();
  }

  /** Cuts the link between two members, or mends it. */
  cut(a: string, b: string): void {
    this.#cut.add([a, b].sort().join(" "));
    this.member(a).cutLines();
    this.member(b).cutLines();
  }

  mend(a: string, b: string): void {
    this.#cut.delete([a, b].sort().join(" "));
  }

  isCut(a: string, b: string): boolean {
    return this.#cut.has([a, b].sort().join(" "));
  }

  tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves once `isSo` says true; asked whenever anything was told or a log changed. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (;;) {
      const told = new Promise<void>((resolve) => this.#wake.push(resolve));
      if (await isSo()) return;
      await told;
    }
  }

  /** Every channel of a member that runs has reached its peer and has nothing left to bring. */
  async quiet(): Promise<void> {
    await this.until(async () => {
      for (const member of this.members.filter(({ isUp }) => isUp)) {
        const channels = await member.store.log.channels();
        if (!member.peers.every((peer) => channels.some(({ name }) => name === peer))) return false;
        for (const { name, note } of channels) {
          if (!note.includes('"connected"')) return false;
          if ((await member.store.log.backlog(name)).some(({ waiting }) => waiting > 0)) return false;
          if (!member.events.some(({ event, peer }) => event === "survey-done" && peer === name)) return false;
        }
      }
      return true;
    });
  }

  /** All members hold the same mailboxes, records and bodies. */
  async expectIdentical(): Promise<void> {
    const [first, ...others] = await Promise.all(this.members.map(async ({ store }) => contents(store)));
    for (const other of others) expect(other).toEqual(first);
    for (const { store } of this.members) await expectSound(store);
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    for (const { cleanup } of this.#opened) await cleanup();
  }
}

/**
 * What clients can see of a store, and tombstones; without cursors, the counter of the tree, and what is left of mailboxes
 * that became one with another here and were never two elsewhere.
 */
export async function contents(store: MailboxStore): Promise<unknown> {
  const { accounts } = await dumpOf(store);
  return accounts.map(({ account, tree, records }) => {
    const aliases = new Set(tree.mailboxes.flatMap(({ entry }) => entry.aliases));
    const shown = tree.mailboxes.filter(({ entry }) => !(entry.deleted && aliases.has(entry.mailboxId)));
    const ids = new Set(shown.map(({ entry }) => entry.mailboxId));
    return { account, mailboxes: shown, records: Object.entries(records).filter(([id]) => ids.has(id)) };
  });
}
