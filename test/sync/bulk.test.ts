/** Pushes and merges of many mailboxes at once: what they do, what they cost, and what they leave to single exchanges. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { flagNames } from "../../src/model/flags.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import type { MailboxPlace } from "../../src/store/store.ts";
import { BulkMerge } from "../../src/sync/bulk-merge.ts";
import { BulkPush } from "../../src/sync/bulk-push.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import type { Met, PushOutcome } from "../../src/sync/push-outcome.ts";
import type { RemotePeer } from "../../src/sync/remote-peer.ts";
import { openRemote } from "../../src/sync/session.ts";
import { change } from "./support/lies.ts";
import { ACCOUNT, type Node } from "./support/node.ts";
import { Speaker } from "./support/speaker.ts";
import { decorated, STORE_KINDS } from "./support/stores.ts";
import { openWire, type Wire } from "./support/wire.ts";
import { World } from "./support/world.ts";

const BOXES = Array.from({ length: 20 }, (_, i) => `box ${i}`);
const nothing = async () => undefined;

function metsIn(outcomes: readonly PushOutcome[]): Met[] {
  return outcomes.flatMap((outcome) => (outcome.kind === "conflict" && outcome.met ? [outcome.met] : []));
}

describe.each(STORE_KINDS)("on the $kind store", (kind) => {
  let world: World;
  let a: Node;
  let b: Node;
  let wire: Wire;
  let remote: RemotePeer;

  beforeEach(async () => {
    world = await World.open(kind);
    ({ a, b } = world);
    for (const name of BOXES) {
      await a.create(name);
      await a.deliver(name, `the first in ${name}`);
    }
    await world.converge();
    wire = openWire(b.store);
    remote = await openRemote(a.store, wire.master, "a");
  });
  afterEach(async () => {
    await remote.close();
    await wire.served;
    await world.close();
  });

  async function places(): Promise<MailboxPlace[]> {
    return Promise.all(BOXES.map(async (name) => ({ account: ACCOUNT, mailboxId: await a.id(name) })));
  }

  async function push(settle: (outcomes: readonly PushOutcome[]) => Promise<void> = nothing): Promise<PushOutcome[]> {
    const bulk = new BulkPush(a.store, new LocalPeer(a.store, remote.storeEpoch), remote, "both");
    return bulk.push(await places(), settle);
  }

  function merge(outcomes: readonly PushOutcome[]) {
    return new BulkMerge(a.store, new LocalPeer(a.store, remote.storeEpoch), remote).merge(metsIn(outcomes), nothing);
  }

  test("P9: changes of twenty mailboxes go out in one round trip, and nothing is left to do", async () => {
    for (const [i, name] of BOXES.entries()) {
      if (i % 2 === 0) await a.deliver(name, `new in ${name}`);
      else await a.set(name, 1, "\\Seen");
    }
    const sent = wire.counts.framesToReplica;
    expect((await push()).map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    expect(wire.counts.framesToReplica - sent).toBe(1);
    expect(remote.stats.roundTrips).toBe(1);
    expect((await push()).map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    expect(wire.counts.framesToReplica - sent).toBe(1);
    await world.expectConverged();
  });

  test("P6, P7, P9: what both sides changed is merged in two more round trips, each message once", async () => {
    for (const name of BOXES) {
      await b.deliver(name, `from b in ${name}`);
      await a.set(name, 1, "\\Seen");
      await b.set(name, 1, "\\Flagged");
    }
    const outcomes = await push();
    expect(outcomes.map(({ kind: what }) => what)).toEqual(BOXES.map(() => "conflict"));
    const sent = wire.counts.framesToReplica;
    expect((await merge(outcomes)).map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    // The messages, and the records.
    expect(wire.counts.framesToReplica - sent).toBe(2);
    await world.expectConverged();
    for (const name of BOXES) {
      expect(await a.live(name)).toHaveLength(2);
      expect(flagNames((await b.live(name))[0] as LiveRecord)).toEqual(["\\Flagged", "\\Seen"]);
    }
  });

  test("P6, P9: what needs new UIDs is written there first, then here, and then both know that they met", async () => {
    for (const name of BOXES) {
      await a.deliver(name, `from a in ${name}`);
      await b.deliver(name, `from b in ${name}`);
    }
    const outcomes = await push();
    const sent = wire.counts.framesToReplica;
    expect((await merge(outcomes)).map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    // The messages, the records, and that both are there.
    expect(wire.counts.framesToReplica - sent).toBe(3);
    await world.expectConverged();
    for (const name of BOXES) expect(await b.live(name)).toHaveLength(3);
    const held = [...(await a.store.cursors(b.store.storeEpoch)), ...(await b.store.cursors(a.store.storeEpoch))];
    expect(held).toHaveLength(2 * BOXES.length);
    for (const { cursor } of held) expect(cursor.agreed).toEqual(cursor.latest);
  });

  test("scenario 21, P9: new UIDs that the other side refuses are not given here either", async () => {
    for (const name of BOXES) {
      await a.deliver(name, `from a in ${name}`);
      await b.deliver(name, `from b in ${name}`);
    }
    const outcomes = await push();
    await b.deliver("box 7", "just now");
    const before = await a.live("box 7");
    const again = await merge(outcomes);
    expect(again.map(({ kind: what }) => what)).toEqual(BOXES.map((name) => (name === "box 7" ? "conflict" : "done")));
    expect(await a.live("box 7")).toEqual(before);
    expect((await merge(again)).map(({ kind: what }) => what)).toEqual(["done"]);
    await world.expectConverged();
    expect(await b.live("box 7")).toHaveLength(4);
  });

  test("scenario 21, P9, P11: what is delivered here after the other side took its new UIDs is merged with them", async () => {
    for (const name of BOXES) {
      await a.deliver(name, `from a in ${name}`);
      await b.deliver(name, `from b in ${name}`);
    }
    const outcomes = await push();
    const id = await a.id("box 7");
    let isFirst = true;
    const store = decorated(a.store, {
      apply: async (change) => {
        const isNow = isFirst && change.mailboxId === id;
        if (isNow) isFirst = false;
        if (isNow) await a.deliver("box 7", "just now");
        return a.store.apply(change);
      },
    });
    const merger = new BulkMerge(store, new LocalPeer(store, remote.storeEpoch), remote);
    const again = await merger.merge(metsIn(outcomes), nothing);
    expect(again.map(({ kind: what }) => what)).toEqual(BOXES.map((name) => (name === "box 7" ? "conflict" : "done")));
    expect((await merger.merge(metsIn(again), nothing)).map(({ kind: what }) => what)).toEqual(["done"]);
    await world.expectConverged();
    expect(await b.live("box 7")).toHaveLength(4);
  });

  test("P9: what the master leaves to the replica is brought together there with what it sent, before it is answered", async () => {
    const back = openWire(a.store);
    const there = await openRemote(b.store, back.master, "b");
    const merged: PushOutcome[] = [];
    const line = openWire(b.store, {
      onLeft: async (storeEpoch, mets) => {
        expect(storeEpoch).toBe(a.store.storeEpoch);
        const merger = new BulkMerge(b.store, new LocalPeer(b.store, there.storeEpoch), there);
        merged.push(...(await merger.merge(mets, nothing)));
      },
    });
    const here = await openRemote(a.store, line.master, "a");
    for (const name of BOXES) {
      await a.deliver(name, `from a in ${name}`);
      await b.set(name, 1, "\\Flagged");
    }
    await b.deliver("box 3", "from b in box 3");
    const bulk = new BulkPush(a.store, new LocalPeer(a.store, here.storeEpoch), here, "both");
    const outcomes = await bulk.push(await places(), nothing, true);
    expect(outcomes.map(({ kind: what }) => what)).toEqual(BOXES.map(() => "conflict"));
    expect(merged.map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    expect(metsIn(outcomes).map(({ right }) => right.changes)).toEqual(BOXES.map(() => null));
    // The greeting; the records, with the one message that is new to the master; and, for new UIDs, that both are there.
    expect(back.counts).toMatchObject({ framesToReplica: 3, bodiesToMaster: 0 });
    await world.expectConverged();
    expect(await a.live("box 3")).toHaveLength(3);
    for (const [remoteThere, { served }] of [
      [here, line],
      [there, back],
    ] as const) {
      await remoteThere.close();
      await served;
    }
  });

  test("P10: who pushes does not matter", async () => {
    for (const name of BOXES) await b.deliver(name, `from b in ${name}`);
    for (const name of BOXES.slice(0, 10)) await a.expunge(name, 1);
    const outcomes = await push();
    await merge(outcomes);
    await world.sync();
    await world.expectConverged();
    for (const name of BOXES) expect(await b.live(name)).toHaveLength(BOXES.indexOf(name) < 10 ? 1 : 2);
  });

  test("scenario 21: what is changed here while it is merged is kept, and goes along", async () => {
    for (const name of BOXES) {
      await a.set(name, 1, "\\Seen");
      await b.deliver(name, `from b in ${name}`);
    }
    const outcomes = await push();
    let isFirst = true;
    const store = decorated(a.store, {
      apply: async (change) => {
        const isNow = isFirst;
        isFirst = false;
        if (isNow) await a.set("box 7", 1, "\\Seen", "\\Answered");
        return a.store.apply(change);
      },
    });
    const merger = new BulkMerge(store, new LocalPeer(store, remote.storeEpoch), remote);
    const merged = await merger.merge(metsIn(outcomes), nothing);
    expect(merged.map(({ kind: what }) => what)).toEqual(BOXES.map(() => "done"));
    await world.converge();
    expect(flagNames((await b.live("box 7"))[0] as LiveRecord)).toEqual(["\\Answered", "\\Seen"]);
  });

  test("scenario 21, P11: what is delivered at the other side meanwhile is kept; this side has taken over what was there", async () => {
    for (const name of BOXES) {
      await a.set(name, 1, "\\Seen");
      await b.deliver(name, `from b in ${name}`);
    }
    const outcomes = await push();
    await b.deliver("box 7", "just now");
    const again = await merge(outcomes);
    const kinds = BOXES.map((name) => (name === "box 7" ? "conflict" : "done"));
    expect(again.map(({ kind: what }) => what)).toEqual(kinds);
    expect(await a.live("box 7")).toHaveLength(2);
    expect((await merge(again)).map(({ kind: what }) => what)).toEqual(["done"]);
    await world.expectConverged();
    expect(await b.live("box 7")).toHaveLength(3);
  });

  test("a mailbox that was renamed, one that never met, and one that is gone are no case for a push", async () => {
    await a.rename("box 1", "renamed");
    await a.create("new");
    const bulk = new BulkPush(a.store, new LocalPeer(a.store, remote.storeEpoch), remote, "both");
    const ids = [await a.id("renamed"), await a.id("new"), "gone"];
    const outcomes = await bulk.push(
      ids.map((mailboxId) => ({ account: ACCOUNT, mailboxId })),
      nothing,
    );
    expect(outcomes).toEqual([{ kind: "other" }, { kind: "other" }, { kind: "other" }]);
    expect(wire.counts.framesToReplica).toBe(1);
  });

  test("messages that do not fit into one push wait for the next one", async () => {
    for (const name of BOXES) await a.deliver(name, `${name} ${"x".repeat(90_000)}`);
    const first = await push();
    const waiting = first.filter(({ kind: what }) => what === "full").length;
    expect(waiting).toBeGreaterThan(8);
    expect(first.filter(({ kind: what }) => what === "done")).toHaveLength(BOXES.length - waiting);
    expect((await push()).filter(({ kind: what }) => what === "done").length).toBeGreaterThan(15);
    await push();
    await push();
    await world.expectConverged();
  });

  test("what does not fit into one frame of a merge is left as it was, and goes with the next one", async () => {
    for (const name of BOXES) {
      await a.set(name, 1, "\\Seen");
      await b.set(name, 1, "\\Flagged");
    }
    const outcomes = await push();
    for (const name of BOXES) await a.deliver(name, `${name} ${"x".repeat(90_000)}`);
    const before = await a.live("box 19");
    const kinds = (await merge(outcomes)).map(({ kind: what }) => what);
    expect(kinds.filter((what) => what === "done")).toHaveLength(8);
    expect(kinds.filter((what) => what === "full")).toHaveLength(12);
    expect(kinds[19]).toBe("full");
    expect(await a.live("box 19")).toEqual(before);
    for (const done of [8, 4]) {
      const met = await push();
      expect(metsIn(met)).toHaveLength(done);
      expect((await merge(met)).map(({ kind: what }) => what)).toEqual(Array(done).fill("done"));
    }
    expect(wire.counts.bodiesToReplica).toBe(BOXES.length);
    await world.expectConverged();
  });

  test("records that find no room in a push, or in the answer to it, wait for the next one", async () => {
    const many = (from: string) => Array.from({ length: 200 }, (_, i) => `${from} ${i}`);
    const kindsOf = (outcomes: readonly PushOutcome[]) => new Set(outcomes.map(({ kind: what }) => what));
    for (const name of BOXES) await a.deliverAll(name, many(`a ${name}`));
    expect(kindsOf(await push())).toEqual(new Set(["done", "full"]));
    expect(kindsOf(await push())).toEqual(new Set(["done"]));
    for (const name of BOXES) {
      await a.set(name, 1, "\\Seen");
      await b.deliverAll(name, many(`b ${name}`));
    }
    expect(kindsOf(await merge(await push()))).toEqual(new Set(["done", "full"]));
    expect(kindsOf(await merge(await push()))).toEqual(new Set(["done"]));
    await world.expectConverged();
  });

  test("P11: what settles shares the moment with the cursors, and its failure is the push's", async () => {
    await a.deliver("box 3", "new");
    const failing = push(async (outcomes) => {
      expect(outcomes[3]).toEqual({ kind: "done", records: 1, bodies: 1 });
      throw new Error("the log cannot be written");
    });
    await expect(failing).rejects.toThrow("the log cannot be written");
    await world.converge();
  });

  test("P12: of changes that lie each is refused by itself, and the others are applied", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    const items = [];
    for (const name of ["box 0", "box 1", "box 2"]) {
      const [first] = await b.live(name);
      const records = [{ ...(first as LiveRecord), modseq: (await b.state(name)).highestModseq + 1, systemFlags: 1 }];
      const { account, before, after, batches } = await change(b, { mailbox: name, records });
      items.push({
        account,
        mailboxId: await b.id(name),
        before,
        after,
        entryModseq: 1,
        base: null,
        yields: false,
        batches,
      });
    }
    const [first, second, third] = items as [(typeof items)[0], (typeof items)[0], (typeof items)[0]];
    const lies = [
      { ...first, after: { ...first.after, digest: second.before.digest } },
      { ...second, before: { ...second.before, uidNext: 9 } },
      { ...third, account: "nobody" },
      { ...third, batches: [] },
    ];
    await speaker.say({ t: "changes", q: 1, items: lies, sizes: [], data: new Uint8Array() });
    const heard = await speaker.hear();
    expect(heard).toMatchObject({ t: "changed", q: 1 });
    const kinds = heard.t === "changed" ? heard.results.map(({ kind: what }) => what) : [];
    expect(kinds).toEqual(["not-done", "conflict", "not-done", "not-done"]);
    await speaker.expectServed();
    await world.converge();
  });
});
