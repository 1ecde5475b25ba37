/** Cursors when exchanges overlap, are cut off, meet third nodes, or one node goes back in time. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { digestOfRecords } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { BulkPush } from "../../src/sync/bulk-push.ts";
import { ChannelExchange } from "../../src/sync/channel-exchange.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import type { RemotePeer } from "../../src/sync/remote-peer.ts";
import { DEFAULT_SYNC_OPTIONS, openRemote, syncOver, syncStores } from "../../src/sync/session.ts";
import { dumpOf, expectIdentical, expectPromises, expectSound } from "./support/checks.ts";
import { ACCOUNT, Node } from "./support/node.ts";
import { decorated, MEMORY } from "./support/stores.ts";
import { openWire } from "./support/wire.ts";
import { expectIdle, World } from "./support/world.ts";

let world: World;
let a: Node;
let b: Node;

beforeEach(async () => {
  world = await World.open(MEMORY);
  a = world.a;
  b = world.b;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await world.converge();
});
afterEach(() => world.close());

/** Both sides write, so that a merge writes both. */
async function diverge(): Promise<void> {
  await a.deliver("INBOX", "4 at A", "5 at A");
  await b.deliver("INBOX", "4 at B");
  await a.set("INBOX", 1, "\\Seen");
  await b.expunge("INBOX", 2);
}

const MERGED = ["1", "3", "4 at A", "4 at B", "5 at A"];

async function texts(node: Node): Promise<string[]> {
  return Object.values(await node.messages("INBOX")).sort();
}

describe("applied on one side only", () => {
  test("P7, P9: cut off between the replica's commit and the master's, then repeated", async () => {
    await diverge();
    const left = decorated(a.store, { apply: async () => "conflict" });
    const { issues } = await syncStores(left, b.store, DEFAULT_SYNC_OPTIONS);
    expect(issues).toMatchObject([{ code: "conflict" }]);
    expect(await texts(b)).toEqual(MERGED);
    await world.converge();
    expect(await texts(a)).toEqual(MERGED);
  });

  test("P10: then repeated the other way round gives the same as an uninterrupted exchange", async () => {
    await diverge();
    const [otherA, otherB] = [await world.backup(a), await world.backup(b)];
    await syncStores(decorated(a.store, { apply: async () => "conflict" }), b.store, DEFAULT_SYNC_OPTIONS);
    await syncStores(b.store, a.store, DEFAULT_SYNC_OPTIONS);
    await world.expectConverged();
    await syncStores(otherA, otherB, DEFAULT_SYNC_OPTIONS);
    expect(await texts(new Node("a", otherA))).toEqual(await texts(a));
    expect((await new Node("a", otherA).records("INBOX")).length).toBe((await a.records("INBOX")).length);
  });

  test("P6: what clients do between the half exchange and the next one is kept", async () => {
    await diverge();
    await syncStores(decorated(a.store, { apply: async () => "conflict" }), b.store, DEFAULT_SYNC_OPTIONS);
    await a.deliver("INBOX", "6 at A");
    await a.expunge("INBOX", 3);
    await b.deliver("INBOX", "8 at B");
    await b.set("INBOX", 1, "\\Flagged");
    await world.converge();
    expect(await texts(a)).toEqual(["1", "4 at A", "4 at B", "5 at A", "6 at A", "8 at B"]);
    expect(await a.flags("INBOX")).toMatchObject({ 1: ["\\Flagged", "\\Seen"] });
  });

  test("P9: cursors lost at the end of an exchange cost no record the next time", async () => {
    await diverge();
    const wire = openWire(b.store, {
      onMessage: (message) => {
        if (message.t === "agree") wire.master.destroy();
        return undefined;
      },
    });
    await a.create("So that cursors are agreed on apart from changes");
    await syncOver(a.store, wire.master, DEFAULT_SYNC_OPTIONS).catch(() => undefined);
    await wire.served;
    const { recordsToA, recordsToB } = await world.converge();
    expect({ recordsToA, recordsToB }).toEqual({ recordsToA: 0, recordsToB: 0 });
  });
});

describe("both nodes start at once", () => {
  test.each([1, 2, 3, 4, 5])("P13: on a mailbox both wrote to, round %i", async (round) => {
    for (let i = 0; i < round; i++) await diverge();
    const before = [await dumpOf(a.store), await dumpOf(b.store)];
    await Promise.all([
      syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS),
      syncStores(b.store, a.store, DEFAULT_SYNC_OPTIONS),
    ]);
    expectPromises(before, [await dumpOf(a.store), await dumpOf(b.store)]);
    await expectSound(a.store);
    await expectSound(b.store);
    await world.converge();
    const found = await texts(a);
    expect([...new Set(found)]).toEqual(MERGED);
    expect(found.filter((text) => text === "4 at B").length).toBe(round);
  });

  test("P13: on the same new mailbox and mail, while clients write", async () => {
    await a.create("New");
    await a.deliver("New", "a");
    await b.create("New");
    await b.deliver("New", "b");
    await Promise.all([
      syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS),
      syncStores(b.store, a.store, DEFAULT_SYNC_OPTIONS),
      a.deliver("INBOX", "in between at A"),
      b.deliver("INBOX", "in between at B"),
    ]);
    await world.converge();
    expect(Object.values(await a.messages("New")).sort()).toEqual(["a", "b"]);
    expect(await texts(b)).toEqual(["1", "2", "3", "in between at A", "in between at B"]);
  });
});

describe("a node that goes back in time", () => {
  test("P9: restored, and its cursors with it, catches up whoever starts", async () => {
    const backup = await world.backup(b);
    await diverge();
    await world.converge();
    await a.expunge("INBOX", 1);
    await world.converge();
    b.store = backup;
    await syncStores(b.store, a.store, DEFAULT_SYNC_OPTIONS);
    await world.expectConverged();
    expect(await texts(b)).toEqual(["3", "4 at A", "4 at B", "5 at A"]);
  });

  test("P6: restored and written to under UIDs that the other node has given out since", async () => {
    const backup = await world.backup(b);
    await b.deliver("INBOX", "lost 4", "lost 5");
    await world.converge();
    b.store = backup;
    await b.deliver("INBOX", "after 4");
    await world.converge();
    expect(await texts(a)).toEqual(["1", "2", "3", "after 4", "lost 4", "lost 5"]);
  });

  test("P6: restored and written to under a UID that the other node has purged since, and asked on a wrong guess", async () => {
    await a.create("New");
    await world.converge();
    const backup = await world.backup(b);
    await a.deliver("New", "purged");
    await world.converge();
    await a.expunge("New", 1);
    await a.purge("New");
    b.store = backup;
    await b.deliver("New", "after");
    await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
    expect(Object.values(await a.messages("New"))).toEqual(["after"]);
    await world.expectConverged();
  });

  test("P2: restored to before a purge: what was expunged does not come back", async () => {
    const backup = await world.backup(b);
    await a.expunge("INBOX", 1, 2);
    await world.converge();
    await a.purge("INBOX");
    await world.converge();
    b.store = backup;
    await world.converge();
    expect(await texts(b)).toEqual(["3"]);
  });

  test("P9: wiped, and with another epoch, is filled again and holds cursors anew", async () => {
    b.store = await world.fresh();
    const { bodiesToB } = await world.converge();
    expect(bodiesToB).toBe(3);
    await a.set("INBOX", 1, "\\Seen");
    const { recordsToB, result } = await world.converge();
    expect({ recordsToB, trips: result.roundTrips }).toEqual({ recordsToB: 1, trips: 1 });
  });

  test("P6: a copy with the same epoch never has its cursors believed", async () => {
    const copy = new Node("copy", await world.backup(a));
    await copy.expunge("INBOX", 1);
    await copy.deliver("INBOX", "4 at the copy");
    await a.deliver("INBOX", "4 at A");
    for (let i = 0; i < 2; i++) {
      const { issues } = await syncStores(a.store, copy.store, DEFAULT_SYNC_OPTIONS);
      expect(issues).toEqual([]);
      await expectIdentical(a.store, copy.store);
    }
    expect(await texts(copy)).toEqual(["2", "3", "4 at A", "4 at the copy"]);
    const epochs = await copy.store.peers();
    expect(epochs).not.toContain(copy.store.storeEpoch);
    await expectIdle(a.store, copy.store);
  });
});

describe("full resync", () => {
  /** As after a fault: the store holds a record that no exchange knows of, under counters that say nothing changed. */
  async function damage(store: MailboxStore): Promise<void> {
    const node = new Node("b", store);
    const { entry, state: before } = await node.mailbox("INBOX");
    const kept = await node.records("INBOX");
    const changed = kept.map((record) => (record.uid === 2 ? { ...record, systemFlags: 31 } : record));
    const after = { ...before, digest: digestOfRecords(changed) };
    expect(after.digest).not.toEqual(before.digest);
    const change = { account: "default", mailboxId: entry.mailboxId, before, after, overrule: true };
    expect(await store.apply({ ...change, records: [encodeBatch(changed)] })).toBe("applied");
  }

  test("P9: digests that differ though all counters agree lead to a full resync through the same walker", async () => {
    await damage(b.store);
    const { result } = await world.sync({ issues: true });
    expect(result).toMatchObject({ fullResyncs: 1, flagsMerged: 1, issues: [] });
    await world.expectConverged();
  });

  test("P9: a push whose digest does not come out at the replica is planned anew from whole lists", async () => {
    await damage(b.store);
    await a.deliver("INBOX", "4");
    const { result } = await world.sync({ issues: true });
    expect(result).toMatchObject({ fullResyncs: 1, issues: [] });
    await world.expectConverged();
    expect(await texts(b)).toEqual(["1", "2", "3", "4"]);
  });
});

describe("what a side knows alone", () => {
  test.each(["a", "b"])("P10: counts though it changed nothing, with %s as master", async (master) => {
    await a.deliver("INBOX", "4 at A");
    await b.set("INBOX", 1, "\\Seen");
    await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
    // Only A knows that both were there: B was written first, and an exchange by hand does not tell it.
    const cursor = await b.store.cursor(a.store.storeEpoch, ACCOUNT, await a.id("INBOX"));
    expect(cursor?.agreed).not.toEqual(cursor?.latest);
    await b.expunge("INBOX", 4);
    await b.purge("INBOX");
    const [left, right] = master === "a" ? [a, b] : [b, a];
    await syncStores(left.store, right.store, DEFAULT_SYNC_OPTIONS);
    await world.expectConverged();
    expect(await texts(a)).toEqual(["1", "2", "3"]);
  });
});

describe("exchanges in both directions at once", () => {
  /** One round of both channels. */
  async function withLines(story: (toB: RemotePeer, toA: RemotePeer) => Promise<void>): Promise<void> {
    const wires = [openWire(b.store), openWire(a.store)] as const;
    const remotes = [
      await openRemote(a.store, wires[0].master, "a"),
      await openRemote(b.store, wires[1].master, "b"),
    ] as const;
    await story(...remotes);
    for (const remote of remotes) await remote.close();
    for (const { served } of wires) await served;
  }

  async function push(from: Node, remote: RemotePeer): Promise<string | undefined> {
    const place = { account: ACCOUNT, mailboxId: await a.id("INBOX") };
    const bulk = new BulkPush(from.store, new LocalPeer(from.store, remote.storeEpoch), remote, "both");
    return (await bulk.push([place], async () => undefined))[0]?.kind;
  }

  test("P9: the answer to a push that the other side's next push overtook takes no cursor back", () =>
    withLines(async (toB, toA) => {
      await a.set("INBOX", 1, "\\Seen");
      const late = new Proxy(toB, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (key !== "changeMany") return typeof value === "function" ? value.bind(target) : value;
          return async (...args: Parameters<RemotePeer["changeMany"]>) => {
            const results = await target.changeMany(...args);
            await b.set("INBOX", 1, "\\Flagged");
            expect(await push(b, toA)).toBe("done");
            return results;
          };
        },
      });
      expect(await push(a, late)).toBe("done");
      const { highestModseq } = await a.state("INBOX");
      const cursor = await a.store.cursor(b.store.storeEpoch, ACCOUNT, await a.id("INBOX"));
      expect(cursor?.latest.highestModseq).toBe(highestModseq);
      await a.set("INBOX", 2, "\\Answered");
      expect(await push(a, toB)).toBe("done");
    }));

  test("P9: what the other side left to this one waits there no more once both were written", () =>
    withLines(async (toB) => {
      const place = { account: ACCOUNT, mailboxId: await a.id("INBOX") };
      await b.store.log.addChannel("a");
      await b.store.log.noteChannel({ name: "a", peer: a.store.storeEpoch, note: "" });
      await a.set("INBOX", 1, "\\Seen");
      await b.set("INBOX", 1, "\\Flagged");
      expect(await b.store.log.due("a", Number.MAX_SAFE_INTEGER, 9)).toHaveLength(1);
      const exchange = new ChannelExchange(new LocalPeer(a.store, b.store.storeEpoch), toB, { direction: "both" });
      const wish = { allowed: false, ask: false, leaves: "nothing" } as const;
      expect((await exchange.mailbox(place, wish)).kind).toBe("done");
      expect(await b.store.log.due("a", Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
    }));
});
