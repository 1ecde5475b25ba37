/** Two nodes and their exchanges, each followed by the checks that hold for all of them. */
import { expect } from "vitest";
import type { MailboxStore } from "../../../src/store/store.ts";
import type { SyncOptions } from "../../../src/sync/report.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncStores } from "../../../src/sync/session.ts";
import { dumpOf, expectIdentical, expectPromises } from "./checks.ts";
import { Node } from "./node.ts";
import type { StoreKind, TestStore } from "./stores.ts";

/** What an exchange moved, whoever was master. */
export interface Moved {
  readonly recordsToA: number;
  readonly recordsToB: number;
  readonly bodiesToA: number;
  readonly bodiesToB: number;
  readonly result: SyncResult;
}

export interface SyncSettings extends Partial<SyncOptions> {
  /** Decorated stores in place of the nodes' own. */
  readonly stores?: { readonly a?: MailboxStore; readonly b?: MailboxStore };
  /** True if some mailbox or message may be reported. */
  readonly issues?: boolean;
}

export class World {
  readonly a: Node;
  readonly b: Node;
  /** Which node starts the exchanges. */
  readonly master: "a" | "b";
  readonly #kind: StoreKind;
  readonly #opened: TestStore[];

  private constructor(kind: StoreKind, master: "a" | "b", stores: [TestStore, TestStore]) {
    this.a = new Node("a", stores[0].store);
    this.b = new Node("b", stores[1].store);
    this.master = master;
    this.#kind = kind;
    this.#opened = stores;
  }

  /** Two empty nodes. */
  static async open(kind: StoreKind, master: "a" | "b" = "a"): Promise<World> {
    return new World(kind, master, [await kind.open("a".repeat(32)), await kind.open("b".repeat(32))]);
  }

  /** The nodes' first stores. */
  get stores(): { readonly a: TestStore; readonly b: TestStore } {
    const [a, b] = this.#opened as [TestStore, TestStore];
    return { a, b };
  }

  async close(): Promise<void> {
    for (const { cleanup } of this.#opened) await cleanup();
  }

  /** A backup of a node as it is now. */
  readonly backup = async (node: Node): Promise<MailboxStore> => {
    const original = this.#opened.find(({ store }) => store === node.store) as TestStore;
    return this.#keep(await this.#kind.copy(original));
  };

  /** An empty store, as after an accident. */
  readonly fresh = async (): Promise<MailboxStore> => this.#keep(await this.#kind.open("c".repeat(32)));

  /** One exchange. P1 to P5 are checked on both nodes. */
  readonly sync = async (settings: SyncSettings = {}): Promise<Moved> => {
    const { stores = {}, issues = false, ...options } = settings;
    const before = [await dumpOf(this.a.store), await dumpOf(this.b.store)];
    const [a, b] = [stores.a ?? this.a.store, stores.b ?? this.b.store];
    const [left, right] = this.master === "a" ? [a, b] : [b, a];
    const result = await syncStores(left, right, { ...DEFAULT_SYNC_OPTIONS, ...options });
    const after = [await dumpOf(this.a.store), await dumpOf(this.b.store)];
    const isWhole = !issues && options.dryRun !== true && (options.direction ?? "both") === "both";
    expectPromises(before, after, isWhole ? "both" : "own");
    if (!issues) expect(result.issues).toEqual([]);
    return movedBy(result, this.master);
  };

  /** One exchange, after which both nodes are identical and a second one, from either side, does nothing (P9). */
  readonly converge = async (settings: SyncSettings = {}): Promise<Moved> => {
    const moved = await this.sync(settings);
    await this.expectConverged();
    return moved;
  };

  readonly expectConverged = async (): Promise<void> => {
    await expectIdentical(this.a.store, this.b.store);
    await expectIdle(this.a.store, this.b.store);
    await expectIdle(this.b.store, this.a.store);
  };

  #keep(opened: TestStore): MailboxStore {
    this.#opened.push(opened);
    return opened.store;
  }
}

/** An exchange that finds nothing to do: one round trip, no record, nothing written, cursors included. */
export async function expectIdle(left: MailboxStore, right: MailboxStore): Promise<void> {
  const before = [await dumpOf(left), await dumpOf(right)];
  const { recordsSent, recordsReceived, bodiesSent, bodiesReceived, roundTrips, issues } = await syncStores(
    left,
    right,
    DEFAULT_SYNC_OPTIONS,
  );
  expect({ recordsSent, recordsReceived, bodiesSent, bodiesReceived, roundTrips, issues }).toEqual({
    recordsSent: 0,
    recordsReceived: 0,
    bodiesSent: 0,
    bodiesReceived: 0,
    roundTrips: 1,
    issues: [],
  });
  expect([await dumpOf(left), await dumpOf(right)]).toEqual(before);
}

function movedBy(result: SyncResult, master: "a" | "b"): Moved {
  const { recordsSent, recordsReceived, bodiesSent, bodiesReceived } = result;
  return master === "a"
    ? { recordsToA: recordsReceived, recordsToB: recordsSent, bodiesToA: bodiesReceived, bodiesToB: bodiesSent, result }
    : {
        recordsToA: recordsSent,
        recordsToB: recordsReceived,
        bodiesToA: bodiesSent,
        bodiesToB: bodiesReceived,
        result,
      };
}
