/** Surveys by comparing lists of mailboxes: what they cost, that nothing is missed, and masters that break the rules (P12). */
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../protocol/frame.ts";
import type { Message, MessageOf } from "../../protocol/messages/index.ts";
import { setMailboxAttribute } from "../../src/operations/index.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import { surveyKey } from "../../src/sync/peer.ts";
import { DEFAULT_SYNC_OPTIONS, openRemote, type SyncResult, syncOver, syncStores } from "../../src/sync/session.ts";
import { expectIdentical } from "./support/checks.ts";
import { ACCOUNT, Node } from "./support/node.ts";
import { HELLO, Speaker } from "./support/speaker.ts";
import { decorated } from "./support/stores.ts";
import { openWire, type WireCounts, type WireOptions } from "./support/wire.ts";

const MANY = 200;

/** Two nodes with the same mailboxes that know nothing of each other. */
async function twins(count: number): Promise<[Node, Node]> {
  const a = new Node("a", new MemoryStore());
  for (let i = 0; i < count; i++)
    await a.create(`box ${i}`, { account: i % 7 === 0 ? "other" : ACCOUNT, mailboxId: `b${i}` });
  for (let i = 1; i < Math.min(7, count); i++) await a.deliver(`box ${i}`, "one", "two");
  await a.expunge("box 1", 1);
  return [await copyOf(a, "b"), await copyOf(a, "c")];
}

/** Another node that has the same, and knows this one alone. */
async function copyOf({ store }: Node, name: string): Promise<Node> {
  const copy = new Node(name, new MemoryStore());
  await syncStores(store, copy.store, DEFAULT_SYNC_OPTIONS);
  return copy;
}

async function measure(
  left: MailboxStore,
  right: MailboxStore,
  options: WireOptions = {},
): Promise<{ counts: WireCounts; result: SyncResult }> {
  const wire = openWire(right, options);
  const result = await syncOver(left, wire.master, DEFAULT_SYNC_OPTIONS);
  await wire.served;
  expect(result.issues).toEqual([]);
  return { counts: wire.counts, result };
}

describe("many mailboxes without cursors", () => {
  test("all equal: one message tells, a second one saves all cursors, the next exchange has nothing to ask", async () => {
    const [a, b] = await twins(MANY);
    const { counts, result } = await measure(a.store, b.store);
    expect(result).toMatchObject({
      roundTrips: 2,
      mailboxes: MANY,
      recordsSent: 0,
      recordsReceived: 0,
      fullResyncs: 0,
    });
    expect(counts.bytesToReplica).toBeLessThan(300);
    expect(counts.bytesToMaster).toBeLessThan(300);
    const next = await measure(a.store, b.store);
    expect(next.result).toMatchObject({ roundTrips: 1, mailboxes: 0 });
    expect(next.counts.bytesToMaster).toBeLessThan(100);
    const back = await measure(b.store, a.store);
    expect(back.result.roundTrips).toBe(1);
  });

  test.each<[string, (a: Node, b: Node) => Promise<unknown>]>([
    ["a message is new at the master", (a) => a.deliver("box 3", "new")],
    ["a message is new at the replica", (_, b) => b.deliver("box 3", "new")],
    ["a mailbox is new at the replica", (_, b) => b.create("new")],
    ["a mailbox is renamed at the master", (a) => a.rename("box 5", "renamed")],
    ["a mailbox is deleted at the replica", (_, b) => b.delete("box 8")],
    ["an attribute differs", (a) => setMailboxAttribute(a.store, ACCOUNT, "box 9", "quota", "one")],
    ["a tombstone was purged at the replica", (_, b) => b.purge("box 1")],
  ])("%s: less than 8 KB, and both are identical", async (_, change) => {
    const [a, b] = await twins(MANY);
    await change(a, b);
    const { counts } = await measure(a.store, b.store);
    expect(counts.bytesToReplica + counts.bytesToMaster).toBeLessThan(8192);
    await expectIdentical(a.store, b.store);
    expect((await measure(a.store, b.store)).result).toMatchObject({ roundTrips: 1, mailboxes: 0 });
  });

  test("everything differs: all is told, and both become identical", async () => {
    const [a, b] = [new Node("a", new MemoryStore()), new Node("b", new MemoryStore())];
    for (let i = 0; i < 40; i++) {
      await a.create(`at a ${i}`);
      await b.create(`at b ${i}`);
    }
    await measure(a.store, b.store);
    await expectIdentical(a.store, b.store);
  });
});

test("a survey by lists gives what a complete one gives", async () => {
  const [a, b] = await twins(60);
  await a.deliver("box 1", "at a");
  await b.delete("box 2");
  await b.create("new at b");
  await a.create("new at a");
  const wire = openWire(b.store);
  const remote = await openRemote(a.store, wire.master, "m");
  const question = { account: null, mailboxId: null, base: null, complete: true, inlineBytes: 0 };
  const known = await new LocalPeer(a.store, b.store.storeEpoch).survey(question);
  const [sifted, whole] = [await remote.survey({ ...question, known }), await remote.survey(question)];
  await remote.close();
  const byKey = <T extends { account: string }>(all: readonly T[], key: (one: T) => string) =>
    [...all].sort((x, y) => (key(x) < key(y) ? -1 : 1));
  const plain = ({ mailboxes }: typeof whole) =>
    byKey(mailboxes, surveyKey).map(({ account, entry, state, tombstones }) => ({ account, entry, state, tombstones }));
  expect(plain(sifted)).toEqual(plain(whole));
  expect(byKey(sifted.trees, ({ account }) => account)).toEqual(byKey(whole.trees, ({ account }) => account));
  expect(sifted.same.size).toBeGreaterThan(50);
  expect(whole.same.size).toBe(0);
});

test("a replica whose sums hide a difference is asked again for everything", async () => {
  const [a, b] = await twins(60);
  await b.deliver("box 3", "hidden");
  const seen: Message["t"][] = [];
  await measure(a.store, b.store, {
    onMessage: (message) => {
      seen.push(message.t);
      if (message.t !== "surveyed" || message.differ.length === 0) return undefined;
      return encodeFrame({ ...message, differ: new Uint8Array(), mailboxes: [], trees: [] });
    },
  });
  expect(seen.filter((type) => type === "survey")).toHaveLength(2);
  await expectIdentical(a.store, b.store);
});

test("mail that comes in between the sums and the sift does not make all be told", async () => {
  const [a, b] = await twins(60);
  await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
  const rows = await b.store.cursors(a.store.storeEpoch);
  const [row] = rows.filter(({ mailboxId }) => mailboxId === "b9");
  if (row === undefined) throw new Error("no cursor for b9");
  const latest = { ...row.cursor.latest, entryModseq: 0 };
  await b.store.saveCursors(a.store.storeEpoch, [{ ...row, cursor: { latest, agreed: null } }]);
  await b.deliver("box 3", "before");
  const seen: Message["t"][] = [];
  let isDelivered = false;
  const busy = decorated(b.store, {
    news: async (...asked) => {
      if (seen.includes("sift") && !isDelivered) {
        isDelivered = true;
        await b.deliver("box 3", "meanwhile");
      }
      return b.store.news(...asked);
    },
  });
  await measure(a.store, busy, {
    onMessage: (message) => {
      seen.push(message.t);
      return undefined;
    },
  });
  expect(seen).toContain("sift");
  expect(seen.filter((type) => type === "survey")).toHaveLength(1);
  await measure(a.store, b.store);
  await expectIdentical(a.store, b.store);
});

describe("a master that sifts what it must not", () => {
  const survey: MessageOf<"survey"> = {
    t: "survey",
    q: 1,
    account: null,
    mailboxId: null,
    base: new Uint8Array(16),
    list: new Uint8Array(16),
    complete: true,
  };
  const sift = (q: number, sums: number): Message => ({
    t: "sift",
    q,
    buckets: Uint8Array.of(1),
    sums: new Uint32Array(sums),
  });

  test.each<[string, number, Message[]]>([
    ["without a survey", 40, [sift(1, 16)]],
    ["under another number", 40, [survey, sift(2, 16)]],
    ["twice", 40, [survey, sift(1, 16), sift(1, 16)]],
    ["with sums of other parts", 40, [survey, sift(1, 15)]],
    ["where all was told", 3, [survey, sift(1, 16)]],
  ])("P12: %s", async (_, count, messages) => {
    const [a] = await twins(count);
    const speaker = new Speaker(a.store);
    await speaker.say(HELLO, ...messages);
    await speaker.expectRefusal("bad-message");
  });

  test("cursors for a survey that is not there are not saved", async () => {
    const [a] = await twins(40);
    const speaker = new Speaker(a.store);
    await speaker.say(HELLO, { t: "agree", q: 3, rows: [], survey: 1 });
    expect([await speaker.hear(), await speaker.hear(), await speaker.hear()].at(-1)).toMatchObject({
      t: "agreed",
      saved: 0,
    });
    await speaker.expectServed();
  });
});
