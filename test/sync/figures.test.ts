/** What an exchange costs on the wire: round trips, and bytes after the greeting. */

import { beforeAll, describe, expect, test } from "vitest";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver, syncStores } from "../../src/sync/session.ts";
import { expectIdentical } from "./support/checks.ts";
import { fill } from "./support/filled.ts";
import { Node } from "./support/node.ts";
import { openWire, type WireCounts } from "./support/wire.ts";

async function measure(left: MailboxStore, right: MailboxStore): Promise<{ counts: WireCounts; result: SyncResult }> {
  const wire = openWire(right);
  const result = await syncOver(left, wire.master, DEFAULT_SYNC_OPTIONS);
  await wire.served;
  expect(result.issues).toEqual([]);
  return { counts: wire.counts, result };
}

describe("a mailbox of 100,000 on both nodes", () => {
  let a: Node;
  let b: Node;

  beforeAll(async () => {
    a = new Node("a", new MemoryStore());
    b = new Node("b", new MemoryStore());
    await fill(a.store, 100_000, 10);
    await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
    await a.deliver("INBOX", "the last");
    await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
  });

  test("nothing to do: one round trip, at most 300 bytes each way after the greeting", async () => {
    const { counts, result } = await measure(a.store, b.store);
    expect(result.roundTrips).toBe(1);
    expect(counts.bytesToReplica).toBeLessThanOrEqual(300);
    expect(counts.bytesToMaster).toBeLessThanOrEqual(300);
  });

  test("one flag changed at the master: one round trip, at most 400 bytes each way", async () => {
    await a.set("INBOX", 50_000, "\\Flagged");
    const { counts, result } = await measure(a.store, b.store);
    expect(result).toMatchObject({ roundTrips: 1, recordsSent: 1 });
    expect(counts.bytesToReplica).toBeLessThanOrEqual(400);
    expect(counts.bytesToMaster).toBeLessThanOrEqual(400);
    expect(await b.state("INBOX")).toEqual(await a.state("INBOX"));
  });

  test("one flag changed at the replica: at most 700 bytes each way and one trip to agree on it", async () => {
    await b.set("INBOX", 60_000, "\\Answered");
    const { counts, result } = await measure(a.store, b.store);
    expect(result).toMatchObject({ roundTrips: 2, recordsReceived: 1 });
    expect(counts.bytesToReplica).toBeLessThanOrEqual(400);
    expect(counts.bytesToMaster).toBeLessThanOrEqual(700);
    expect(await a.state("INBOX")).toEqual(await b.state("INBOX"));
  });

  test("one small mail at the master: one round trip", async () => {
    await a.deliver("INBOX", "new and small");
    const { counts, result } = await measure(a.store, b.store);
    expect(result).toMatchObject({ roundTrips: 1, bodiesSent: 1 });
    expect(counts.bytesToReplica - counts.bodyBytesToReplica).toBeLessThanOrEqual(500);
    expect(await b.state("INBOX")).toEqual(await a.state("INBOX"));
  });

  test("both sides changed flags: two round trips", async () => {
    await a.set("INBOX", 10, "\\Seen", "$Label");
    await b.set("INBOX", 10, "\\Flagged");
    await b.set("INBOX", 99_999, "\\Deleted");
    const { counts, result } = await measure(a.store, b.store);
    expect(result).toMatchObject({ roundTrips: 2, fullResyncs: 0, bodiesSent: 0 });
    expect(counts.bytesToReplica + counts.bytesToMaster).toBeLessThanOrEqual(2500);
    expect(await a.state("INBOX")).toEqual(await b.state("INBOX"));
  });

  test("both sides got mail under one UID: two round trips", async () => {
    await a.deliver("INBOX", "at A");
    await b.deliver("INBOX", "at B");
    const { result } = await measure(a.store, b.store);
    expect(result).toMatchObject({ roundTrips: 2, fullResyncs: 0, renumbered: 2, bodiesSent: 1, bodiesReceived: 1 });
    expect(await a.state("INBOX")).toEqual(await b.state("INBOX"));
  });
});

test("first copy of 10,000 messages: at most 64 bytes there and 8 back for each, besides the bodies", async () => {
  const [a, b] = [new MemoryStore(), new MemoryStore()];
  await fill(a, 10_000, 10_000);
  const { counts, result } = await measure(a, b);
  expect(result).toMatchObject({ recordsSent: 10_000, bodiesSent: 10_000 });
  expect((counts.bytesToReplica - counts.bodyBytesToReplica) / 10_000).toBeLessThanOrEqual(64);
  expect(counts.bytesToMaster / 10_000).toBeLessThanOrEqual(8);
  await expectIdentical(a, b);
});

test("a thousand mailboxes with nothing to do: one round trip, at most 300 bytes each way after the greeting", async () => {
  const [a, b] = [new Node("a", new MemoryStore()), new Node("b", new MemoryStore())];
  for (let i = 0; i < 1000; i++) await a.create(`mailbox ${i}`);
  await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
  const { counts, result } = await measure(a.store, b.store);
  expect(result.roundTrips).toBe(1);
  expect(counts.bytesToReplica).toBeLessThanOrEqual(300);
  expect(counts.bytesToMaster).toBeLessThanOrEqual(300);
});
