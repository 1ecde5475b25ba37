/**
 * A whole node in a simulated world: its store, its replicator, and the process they run in, which can die at any commit and
 * is started again.
 */
import { TandemError } from "../../src/model/errors.ts";
import { Replicator } from "../../src/replicator/replicator.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { FULL_ACCESS } from "../../src/sync/trust.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { generator } from "../merge/model/random.ts";
import { recordsOf } from "../sync/support/node.ts";
import type { TestStore } from "../sync/support/stores.ts";
import type { SimulatedClock } from "./clock.ts";
import { type Commit, nodeName } from "./event.ts";
import { LightCommits } from "./light-commits.ts";
import { processStore } from "./process-store.ts";
import { type Allowance, copyOfViews, look, type NodeViews, newViews, type View } from "./view.ts";

export const ACCOUNT = "default";
/** Milliseconds between two attempts to start a process. */
const START_AGAIN_MS = 1_000;
const GRACE_MS = 10_000;

/** What a node needs of its world. */
export interface NodeWorld {
  readonly clock: SimulatedClock;
  readonly seed: number;
  readonly nodes: number;
  readonly commitMs: number;
  readonly connect: (from: number, to: number) => Promise<FrameConnection>;
  /** Breaks all lines of a node. */
  readonly cutAll: (at: number) => void;
  readonly allowance: Allowance;
  /** Told of the first promise that was broken, and of whatever else went wrong. */
  readonly onFault: (error: unknown) => void;
}

/** One run of the node's process. */
interface Process {
  isAlive: boolean;
  readonly store: MailboxStore;
  readonly replicator: Replicator;
  /** Peers that were asked what differs since they were last reached. */
  readonly surveyed: Set<string>;
}

interface Crash {
  readonly commit: Commit;
  readonly when: "before" | "after";
  skip: number;
  readonly downMs: number;
  readonly power?: boolean;
}

/** A backup: the store, and what clients had seen of it. */
interface Backup {
  readonly opened: TestStore;
  readonly views: NodeViews;
  /** Number of the last look of a client before it. */
  readonly look: number;
}

export class SimulatedNode {
  readonly at: number;
  readonly name: string;
  opened: TestStore;
  views: NodeViews = newViews();
  backup: Backup | null = null;
  /** Number of the run of its process. */
  run = 0;
  /** How far the node's clock is off, in milliseconds. */
  offset = 0;
  fullUntil = 0;
  readonly #world: NodeWorld;
  readonly #below: (n: number) => number;
  #light: LightCommits;
  #process: Process | null = null;
  #crash: Crash | null = null;

  constructor(world: NodeWorld, at: number, opened: TestStore) {
    this.#world = world;
    this.at = at;
    this.name = nodeName(at);
    this.opened = opened;
    this.#light = new LightCommits(opened.store);
    this.#below = generator(world.seed * 10 + at);
  }

  get isUp(): boolean {
    return this.#process !== null;
  }

  /** The store as it is, whoever is down. */
  get store(): MailboxStore {
    return this.opened.store;
  }

  /** The store as its clients have it: with others in the same process, or `alone`, without a delay. @throws Error if it is down. */
  storeFor(clients: "alone" | "slow"): MailboxStore {
    const running = this.#process;
    if (running === null) throw new Error(`${this.name} is down`);
    return clients === "slow"
      ? running.store
      : this.#processStore(
          () => running.isAlive,
          () => 0,
        );
  }

  now(): number {
    return this.#world.clock.now + this.offset;
  }

  start(): void {
    if (this.#process !== null) return;
    const { clock, commitMs } = this.#world;
    const surveyed = new Set<string>();
    const isAlive = () => running.isAlive;
    const store = this.#processStore(isAlive, () => 1 + this.#below(commitMs));
    const replicator = new Replicator({
      store,
      node: this.name,
      peers: this.#peers(),
      surveyMs: 3_600_000,
      environment: clock.environment(this.#below, () => this.offset, isAlive),
      onEvent: ({ event, peer = "" }) => {
        if (event === "survey-done") surveyed.add(peer);
        if (event === "peer-connected" || event === "peer-disconnected") surveyed.delete(peer);
      },
    });
    const running: Process = { isAlive: true, store, replicator, surveyed };
    this.#process = running;
    replicator.start().catch(() => {
      if (running.isAlive) this.die(START_AGAIN_MS);
    });
  }

  /** The process is gone, in the middle of whatever it did. */
  die(downMs: number): void {
    if (this.#process === null) return;
    this.#process.isAlive = false;
    this.run++;
    this.#process = null;
    this.#crash = null;
    this.#world.cutAll(this.at);
    this.#startAfter(downMs);
  }

  /** Ends in order, then starts again. */
  restart(downMs: number): void {
    const running = this.#process;
    void running?.replicator.stop(GRACE_MS).then(() => {
      if (this.#process === running) this.die(downMs);
    });
  }

  crashAt(crash: Crash): void {
    if (this.#process !== null) this.#crash = { ...crash };
  }

  /** Nothing goes wrong any more. */
  mend(): void {
    this.#crash = null;
    this.fullUntil = 0;
    this.start();
  }

  keepBackup(opened: TestStore, lastLook: number): void {
    this.backup = { opened, views: copyOfViews(this.views), look: lastLook };
  }

  /** Takes another store in place of its own; its clients have seen no more than `views`. */
  replaceStore(opened: TestStore, views: NodeViews, downMs: number): void {
    this.die(downMs);
    this.opened = opened;
    this.#light = new LightCommits(opened.store);
    this.views = copyOfViews(views);
  }

  /** Another node connects here. */
  accept(end: FrameConnection): void {
    const running = this.#process;
    if (running === null) end.destroy();
    else void running.replicator.serve(end);
  }

  /** Every peer was reached and has all of it. */
  async isQuiet(): Promise<boolean> {
    const running = this.#process;
    if (running === null || running.surveyed.size < this.#world.nodes - 1) return false;
    for (const { name } of await this.store.log.channels())
      if ((await this.store.log.backlog(name)).some(({ waiting }) => waiting > 0)) return false;
    return true;
  }

  /** The mailboxes that clients see. */
  async see(): Promise<View[]> {
    const views: View[] = [];
    for (const { entry } of (await this.store.tree(ACCOUNT)).mailboxes) {
      if (entry.deleted) continue;
      const view = await this.seeOne(entry.name);
      if (view !== null) views.push(view);
    }
    return views;
  }

  async seeOne(name: string): Promise<View | null> {
    const mailbox = await this.store.mailboxNamed(ACCOUNT, name);
    if (mailbox === null) return null;
    const { mailboxId, aliases } = mailbox.entry;
    const records = await recordsOf(this.store, ACCOUNT, mailboxId);
    const { state } = (await this.store.mailbox(ACCOUNT, mailboxId)) ?? mailbox;
    return { name, ids: [mailboxId, ...aliases], state, records };
  }

  /** A client that watches all the time looks again. */
  async #observe(): Promise<void> {
    const { store } = this;
    try {
      const seen = await this.see();
      if (store === this.store) for (const view of seen) look(this.views, view, this.#world.allowance);
    } catch (error) {
      this.#world.onFault(error);
    }
  }

  #processStore(isAlive: () => boolean, delay: () => number): MailboxStore {
    return processStore(this.store, {
      clock: this.#world.clock,
      isAlive,
      delay,
      isFull: () => this.#world.clock.now < this.fullUntil,
      diesAt: (commit, when) => isAlive() && this.#diesAt(commit, when),
      onCommit: () => this.#observe(),
      light: this.#light,
    });
  }

  #diesAt(commit: Commit, when: "before" | "after"): boolean {
    const crash = this.#crash;
    if (crash === null || crash.commit !== commit || crash.when !== when || crash.skip-- > 0) return false;
    this.die(crash.downMs);
    if (crash.power) void this.#world.clock.during(() => this.#light.powerCut()).catch(this.#world.onFault);
    return true;
  }

  #startAfter(ms: number): void {
    this.#world.clock.after(ms, () => this.start());
  }

  #peers() {
    const others = Array.from({ length: this.#world.nodes }, (_, at) => at).filter((at) => at !== this.at);
    return others.map((at) => ({
      name: nodeName(at),
      access: FULL_ACCESS,
      connect: async () => this.#world.connect(this.at, at),
    }));
  }
}

/** @throws TandemError; what a call to a node that is down ends in. */
export function nobodyListens(at: number): TandemError {
  return new TandemError("disconnected", `Nothing listens at ${nodeName(at)}.`);
}
