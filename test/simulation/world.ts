/**
 * A world of whole nodes in one process, in virtual time: real replicators, real sessions and real frames between real
 * stores, while clients write and everything goes wrong that the plan says.
 */
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import type { StoreKind, TestStore } from "../sync/support/stores.ts";
import { copyOfLog } from "./backup.ts";
import { SimulatedClient } from "./client.ts";
import { Clients } from "./clients.ts";
import { SimulatedClock } from "./clock.ts";
import { boxName, type ClientEvent, type Event, type LineEvent, type NodeEvent, type Plan } from "./event.ts";
import { Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import { nobodyListens, SimulatedNode } from "./node.ts";
import { newViews } from "./view.ts";

const CLIENTS = 4;
/** Virtual time in which nodes that are left alone must have come to rest: the longest pause there is, several times. */
const REST_MS = 2 * 3_600_000;
/** And timers that may ring meanwhile: those of the nodes' signs of life, and of no more failures than there can be. */
const REST_TIMERS = 6_000;

export class SimulatedWorld {
  readonly plan: Plan;
  readonly kind: StoreKind;
  readonly clock = new SimulatedClock();
  readonly ledger = new Ledger();
  readonly nodes: SimulatedNode[] = [];
  readonly clients = Array.from({ length: CLIENTS }, (_, i) => new SimulatedClient(i % 2 === 1));
  readonly #network: Network;
  readonly #hands = new Clients(this.ledger);
  readonly #opened: TestStore[] = [];
  /** What clients are still at, each with the run of the process that does it. */
  readonly #pending = new Map<Promise<void>, { readonly node: SimulatedNode; readonly run: number }>();
  #looks = 0;
  #fault: unknown = null;

  private constructor(plan: Plan, kind: StoreKind) {
    this.plan = plan;
    this.kind = kind;
    this.#network = new Network(this.clock, plan.seed, plan.frameMs);
  }

  static async open(plan: Plan, kind: StoreKind): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(plan, kind);
    for (let at = 0; at < plan.nodes; at++)
      world.nodes.push(new SimulatedNode(world.#nodeWorld(), at, await world.#newStore(at)));
    for (const node of world.nodes) node.start();
    return world;
  }

  /** Everything the plan says. @throws Violation, or what else went wrong, after the event where it showed. */
  async play(): Promise<void> {
    for (const event of this.plan.events) {
      await this.clock.run(event.after);
      await this.#do(event);
      this.#check();
    }
    while (this.#isBusy()) await this.clock.run(this.plan.commitMs);
    this.#check();
  }

  /** Clients have stopped, links and disks work, all nodes run: until every peer has everything. Null if that never is. */
  async rest(): Promise<boolean> {
    this.#network.repair();
    for (const node of this.nodes) node.mend();
    const end = this.clock.now + REST_MS;
    for (let timers = 0; this.clock.now < end && timers < REST_TIMERS; timers++) {
      if (!this.#isBusy() && (await this.#isQuiet())) return true;
      if (!this.clock.advance()) return false;
      await this.clock.calm();
      this.#check();
    }
    return false;
  }

  /** All processes die, all stores are closed. */
  async close(): Promise<void> {
    for (const node of this.nodes) node.die(0);
    await this.clock.calm();
    for (const { cleanup } of this.#opened) await cleanup();
  }

  /** Number of the next look of a client. */
  nextLook(): number {
    return ++this.#looks;
  }

  /** What a process that has died was asked for never comes back, and nobody waits for it. */
  #isBusy(): boolean {
    return [...this.#pending.values()].some(({ node, run }) => node.run === run);
  }

  async #isQuiet(): Promise<boolean> {
    for (const node of this.nodes) if (!(await node.isQuiet())) return false;
    return true;
  }

  #check(): void {
    if (this.#fault !== null) throw this.#fault;
  }

  #nodeWorld() {
    const { seed, nodes, commitMs } = this.plan;
    return {
      clock: this.clock,
      seed,
      nodes,
      commitMs,
      connect: (from: number, to: number) => {
        return this.#network.connect(from, to, (end) => {
          const node = this.nodes[to] as SimulatedNode;
          if (!node.isUp) throw nobodyListens(to);
          node.accept(end);
        });
      },
      cutAll: (at: number) => this.#network.cutAll(at),
      allowance: (name: string, guid: string) => this.ledger.expunged(name, guid),
      onFault: (error: unknown) => {
        this.#fault ??= error;
      },
    };
  }

  async #do(event: Event): Promise<void> {
    if ("box" in event) return event.do === "look" ? this.#look(event) : this.#write(event);
    if ("a" in event || "from" in event || "other" in event) return this.#network.do(event as LineEvent);
    await this.#doToNode(event as NodeEvent, this.nodes[event.at] as SimulatedNode);
  }

  /** Clients that are slow go on while other things happen. */
  async #write(event: Exclude<ClientEvent, { readonly do: "look" }>): Promise<void> {
    const node = this.nodes[event.at] as SimulatedNode;
    if (!node.isUp) return;
    const work = this.#hands
      .do(node, event)
      .catch((error: unknown) => {
        this.#fault ??= error;
      })
      .finally(() => this.#pending.delete(work));
    this.#pending.set(work, { node, run: node.run });
    await this.clock.calm();
  }

  async #look({ client, at, box }: Extract<ClientEvent, { readonly do: "look" }>): Promise<void> {
    const node = this.nodes[at] as SimulatedNode;
    if (!node.isUp) return;
    const view = await node.seeOne(boxName(box));
    this.clients[client]?.look(at, boxName(box), view, this.nextLook());
  }

  async #doToNode(event: NodeEvent, node: SimulatedNode): Promise<void> {
    switch (event.do) {
      case "crash":
        return node.crashAt(event);
      case "restart":
        return node.restart(event.downMs);
      case "backup":
        return node.keepBackup(await this.#copyOf(node.opened, node), this.#looks);
      case "restore":
        return this.#restore(node, event.downMs);
      case "jump":
        node.offset += event.ms;
        return;
      case "full":
        node.fullUntil = this.clock.now + event.ms;
        return;
    }
  }

  async #restore(node: SimulatedNode, downMs: number): Promise<void> {
    const { backup } = node;
    node.die(downMs);
    await this.clock.calm();
    for (const client of this.clients) client.forget(node.at, backup?.look ?? 0);
    const opened = backup === null ? await this.#newStore(node.at) : await this.#copyOf(backup.opened, node);
    node.replaceStore(opened, backup?.views ?? newViews(), downMs);
  }

  async #newStore(at: number): Promise<TestStore> {
    const epoch = Buffer.from(`${at}.${this.#opened.length}`.padEnd(16, "-")).toString("hex");
    const opened = await this.kind.open(epoch, () => this.nodes[at]?.now() ?? this.clock.now);
    this.#opened.push(opened);
    return opened;
  }

  /** A copy of a store with its change log, for a node. */
  async #copyOf(original: TestStore, node: SimulatedNode): Promise<TestStore> {
    const opened = await this.kind.copy(original, () => node.now());
    this.#opened.push(opened);
    if (opened.store instanceof MemoryStore) await copyOfLog(original.store, opened.store);
    return opened;
  }

  /** Copies of all stores as they are, for trials that the world does not notice. */
  async copies(): Promise<MailboxStore[]> {
    const copies: MailboxStore[] = [];
    for (const node of this.nodes) copies.push((await this.#copyOf(node.opened, node)).store);
    return copies;
  }
}
