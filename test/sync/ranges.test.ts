/** What a full resync by ranges costs on the wire; and peers that lie in one, or ask for what there cannot be (P12). */
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../protocol/frame.ts";
import { MAX_IN_FLIGHT, MAX_RANGES_PER_FRAME } from "../../protocol/limits.ts";
import type { Message, MessageOf } from "../../protocol/messages/index.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { type IndexRecord, type LiveRecord, tombstoneOf } from "../../src/model/record.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver, syncStores } from "../../src/sync/session.ts";
import { expectIdentical } from "./support/checks.ts";
import { fill } from "./support/filled.ts";
import { ACCOUNT, Node, recordsOf } from "./support/node.ts";
import { HELLO, Speaker } from "./support/speaker.ts";
import { openWire, type WireCounts, type WireOptions } from "./support/wire.ts";

type Edit = (record: LiveRecord) => IndexRecord | null;

const COUNT = 100_000;
const FEW = 20_000;

/** Two INBOXes that were never synced, and differ in what `edit` did on the right side. */
async function twins(count: number, left: Edit, right: Edit): Promise<[MailboxStore, MailboxStore]> {
  const stores = [new MemoryStore(), new MemoryStore()] as const;
  await fill(stores[0], count, 10, left);
  await fill(stores[1], count, 10, right);
  return [...stores];
}

interface Measured {
  readonly counts: WireCounts;
  readonly result: SyncResult;
  readonly seen: readonly Message["t"][];
  /** In both directions, the greeting included. */
  readonly bytes: number;
}

async function measure(left: MailboxStore, right: MailboxStore, options: WireOptions = {}): Promise<Measured> {
  const seen: Message["t"][] = [];
  const wire = openWire(right, {
    onMessage: (message, direction) => {
      seen.push(message.t);
      return options.onMessage?.(message, direction);
    },
  });
  const result = await syncOver(left, wire.master, DEFAULT_SYNC_OPTIONS);
  await wire.served;
  const { counts } = wire;
  return { counts, result, seen, bytes: counts.greetingBytes + counts.bytesToReplica + counts.bytesToMaster };
}

const asItIs: Edit = (record) => record;
const flagged: Edit = (record) => ({ ...record, systemFlags: record.systemFlags ^ 4, modseq: COUNT + 2 });

/** Bytes that some records need by themselves. */
function bytesOf(records: readonly IndexRecord[]): number {
  let sum = 0;
  for (let i = 0; i < records.length; i += 1000) sum += encodeBatch(records.slice(i, i + 1000)).bytes.length;
  return sum;
}

async function recordsIn(store: MailboxStore, wanted: (record: IndexRecord) => boolean): Promise<IndexRecord[]> {
  return (await recordsOf(store, ACCOUNT, "a1")).filter(wanted);
}

describe("a full resync without a cursor", () => {
  test("of 100,000 messages of which one flag differs: below 4 KB in all, five round trips", async () => {
    const [a, b] = await twins(COUNT, asItIs, (record) => (record.uid === 54_321 ? flagged(record) : record));
    const { bytes, result } = await measure(a, b);
    expect(result).toMatchObject({ issues: [], fullResyncs: 1, roundTrips: 5, recordsSent: 0, recordsReceived: 1 });
    expect(bytes).toBeLessThan(4096);
    await expectIdentical(a, b);
  });

  test.each<[string, number, Edit]>([
    ["one flag differs", 5, (record) => (record.uid === 4321 ? flagged(record) : record)],
    ["one message is lacking, and is given a new UID", 6, (record) => (record.uid === 4321 ? null : record)],
    [
      "one tombstone stands on one side",
      5,
      (record) => (record.uid === 4321 ? tombstoneOf(record, COUNT + 2) : record),
    ],
  ])("%s: below 4 KB in all, at most %d round trips, no list pulled", async (_, roundTrips, edit) => {
    const [a, b] = await twins(FEW, asItIs, edit);
    const { bytes, result, seen } = await measure(a, b);
    expect(result).toMatchObject({ issues: [], fullResyncs: 1 });
    expect(bytes).toBeLessThan(4096);
    expect(result.roundTrips).toBeLessThanOrEqual(roundTrips);
    expect(seen).not.toContain("pull");
    await expectIdentical(a, b);
  });

  test("P9: two tombstones under one UID that differ, all else equal, states too", async () => {
    const grave = (modseq: number) => (record: LiveRecord) => {
      if (record.uid === 5) return tombstoneOf(record, modseq);
      return record.uid === 6 ? { ...record, modseq: COUNT + 3 } : record;
    };
    const [a, b] = await twins(FEW, grave(COUNT + 1), grave(COUNT + 2));
    const { bytes, result } = await measure(a, b);
    expect(result.fullResyncs).toBe(1);
    expect(bytes).toBeLessThan(4096);
    await expectIdentical(a, b);
  });

  test("one of a hundred differs, scattered: besides the records within four times of what these need", async () => {
    const [a, b] = await twins(FEW, asItIs, (record) => (record.uid % 101 === 0 ? flagged(record) : record));
    const floor = bytesOf(await recordsIn(b, ({ uid }) => uid % 101 === 0));
    const { bytes, result } = await measure(a, b);
    expect(bytes).toBeLessThan(5 * floor);
    expect(result.roundTrips).toBeLessThanOrEqual(5);
    await expectIdentical(a, b);
  });

  test.each(["master", "replica"])(
    "the last 10,000 are missing at the %s: little more than the records",
    async (side) => {
      const older: Edit = (record) => (record.uid > COUNT - 10_000 ? null : record);
      const [a, b] = side === "master" ? await twins(COUNT, older, asItIs) : await twins(COUNT, asItIs, older);
      const floor = bytesOf(await recordsIn(side === "master" ? b : a, ({ uid }) => uid > COUNT - 10_000));
      const { bytes, result } = await measure(a, b);
      expect(bytes).toBeLessThan(1.1 * floor);
      expect(result.issues).toEqual([]);
      await expectIdentical(a, b);
    },
  );

  test("all differ: a tenth more than the whole lists", async () => {
    const [a, b] = await twins(FEW, asItIs, (record) => ({ ...record, internalDate: record.internalDate + 1000 }));
    const lists = 2 * bytesOf(await recordsIn(b, () => true));
    const { bytes } = await measure(a, b);
    expect(bytes).toBeLessThan(1.2 * lists);
    await expectIdentical(a, b);
  });
});

test("mail that comes in at the replica while ranges are compared is not lost: the change meets a conflict", async () => {
  const [a, b] = await twins(5000, asItIs, (record) => (record.uid === 77 ? flagged(record) : record));
  let isDelivered: Promise<unknown> | null = null;
  const { result } = await measure(a, b, {
    onMessage: (message) => {
      if (message.t === "compared") isDelivered ??= new Node("b", b).deliver("INBOX", "meanwhile");
      return undefined;
    },
  });
  await isDelivered;
  expect(result.issues).toEqual([]);
  await syncStores(a, b, DEFAULT_SYNC_OPTIONS);
  await expectIdentical(a, b);
});

describe("a replica that lies about ranges", () => {
  const twisted = async (twist: (answer: MessageOf<"compared">) => Message) => {
    const stores = await twins(5000, asItIs, (record) => (record.uid % 700 === 0 ? flagged(record) : record));
    const measured = await measure(...stores, {
      onMessage: (message) => (message.t === "compared" ? encodeFrame(twist(message)) : undefined),
    });
    return { ...measured, stores };
  };

  test.each<[string, (answer: MessageOf<"compared">) => Message]>([
    [
      "nothing differs",
      (answer) => ({
        ...answer,
        differ: new Uint8Array(),
        empty: new Uint8Array(),
        sums: new Uint32Array(),
        batches: [],
      }),
    ],
    [
      "digests that do not fit",
      (answer) => {
        const { mailbox } = answer;
        return mailbox === null
          ? answer
          : { ...answer, mailbox: { ...mailbox, tombstones: { count: 1, crc: 1, crcC: 1 } } };
      },
    ],
  ])("P9: %s: what was found does not account for the digests, so whole lists are walked", async (_, twist) => {
    const { result, seen, stores } = await twisted(twist);
    expect(result.issues).toEqual([]);
    expect(seen).toContain("pull");
    await expectIdentical(...stores);
  });

  test("records that did not fit into its answers are taken afterwards", async () => {
    const { result, seen, stores } = await twisted((answer) => ({ ...answer, batches: [] }));
    expect(result.issues).toEqual([]);
    expect(seen).toContain("take");
    expect(seen).not.toContain("pull");
    await expectIdentical(...stores);
  });

  test.each<[string, (answer: MessageOf<"compared">) => Message]>([
    ["bits for ranges that were not asked about", (answer) => ({ ...answer, differ: new Uint8Array(1000).fill(255) })],
    ["sums of other parts", (answer) => ({ ...answer, sums: new Uint32Array(3) })],
    [
      "an empty range that does not differ",
      (answer) => ({ ...answer, differ: new Uint8Array(), empty: Uint8Array.of(1), sums: new Uint32Array() }),
    ],
    ["nothing of the mailbox", (answer) => ({ ...answer, mailbox: null })],
  ])("P12: %s: an issue of that mailbox alone, nothing is written", async (_, twist) => {
    const { result, seen, stores } = await twisted(twist);
    expect(result.issues).toMatchObject([{ code: "bad-message" }]);
    expect(seen).not.toContain("change");
    await syncStores(...stores, DEFAULT_SYNC_OPTIONS);
    await expectIdentical(...stores);
  });

  test("P12: records under UIDs that it was not asked about are an issue of that mailbox alone", async () => {
    const record = (await recordsIn((await twins(10, asItIs, asItIs))[0], ({ uid }) => uid === 3))[0] as IndexRecord;
    const { result, stores } = await twisted((answer) =>
      answer.batches.length === 0 ? answer : { ...answer, batches: [encodeBatch([record]).bytes] },
    );
    expect(result.issues).toMatchObject([{ code: "bad-message" }]);
    await syncStores(...stores, DEFAULT_SYNC_OPTIONS);
    await expectIdentical(...stores);
  });
});

describe("a master that compares what it must not", () => {
  const sums = new Uint32Array();
  const compare = (over: Partial<MessageOf<"compare">> = {}): Message => ({
    t: "compare",
    q: 1,
    account: ACCOUNT,
    mailboxId: "a1",
    bits: 6,
    runs: [0, 1],
    sums,
    ...over,
  });

  async function speaker(...messages: Message[]): Promise<Speaker> {
    const store = new MemoryStore();
    await fill(store, 100, 1);
    const one = new Speaker(store);
    await one.say(HELLO, ...messages);
    return one;
  }

  test.each<[string, Message[], string]>([
    ["ranges beyond the last UID", [compare({ bits: 30, runs: [4, 1] })], "bad-message"],
    ["a run of no range", [compare({ runs: [3, 0] })], "bad-message"],
    ["half a run", [compare({ runs: [3] })], "bad-message"],
    ["more ranges than the limit", [compare({ bits: 0, runs: [1, MAX_RANGES_PER_FRAME + 1] })], "limit"],
    ["sums of other ranges", [compare({ sums: new Uint32Array(2) })], "bad-message"],
    ["one request number twice", [compare(), compare()], "bad-message"],
    ["more where nothing is left", [compare(), { t: "more", q: 1 }], "bad-message"],
    ["too many at once", Array.from({ length: MAX_IN_FLIGHT + 1 }, (_, i) => compare({ q: i + 1 })), "limit"],
  ])("P12: %s", async (_, messages, code) => {
    await (await speaker(...messages)).expectRefusal(code);
  });

  test("P12: a mailbox that is not there ends the request alone, and what was sent ahead means nothing", async () => {
    const split: Message = { t: "split", q: 1, bits: 3, runs: [0, 8], sums };
    const take: Message = { t: "take", q: 1, bits: 3, runs: [0, 8] };
    const one = await speaker(compare({ mailboxId: "none" }), split, take);
    expect([(await one.hear()).t, (await one.hear()).t]).toEqual(["challenge", "hello"]);
    await one.expectFailure(1, "not-found");
  });
});
