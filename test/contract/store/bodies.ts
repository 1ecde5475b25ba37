/**
 * Store contract: the bytes of messages.
 */
import { describe, expect, test } from "vitest";
import { tombstoneOf } from "../../../src/model/record.ts";
import {
  codeOf,
  guidOf,
  live,
  makeMailbox,
  messageBytes,
  put,
  range,
  recordsOf,
  type StoreFactory,
  withStore,
} from "./fixtures.ts";

const NOTHING = "00".repeat(32);

export function bodyContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await body(store);
    });

  describe("bodies", () => {
    test(
      "scenario 9: bytes come back as they were, of any size and kind",
      on(async (store) => {
        const bodies = [
          new Uint8Array(0),
          Buffer.from("\0\r\n\n\r\xff", "latin1"),
          Buffer.alloc(19, 7),
          Buffer.alloc(1_000_003, "ab"),
        ];
        const guids = await store.stage(bodies);
        expect(guids).toEqual(bodies.map(guidOf));
        for (const [i, bytes] of bodies.entries()) {
          const read = await store.readBody(guids[i] as string, 0, 2_000_000);
          expect(Buffer.from(read).equals(bytes)).toBe(true);
        }
        expect(await store.bodySizes([...guids, NOTHING])).toEqual([0, 6, 19, 1_000_003, -1]);
        const whole = await store.readBodies([NOTHING, ...guids]);
        expect(whole.map((bytes) => bytes && guidOf(bytes))).toEqual([null, ...guids]);
        expect(await store.stage([])).toEqual([]);
      }),
    );

    test(
      "any part of a message is read",
      on(async (store) => {
        const bytes = Buffer.from(range(0, 255));
        const [guid] = (await store.stage([bytes])) as [string];
        for (const [offset, length] of [
          [0, 0],
          [0, 10],
          [100, 50],
          [250, 100],
          [256, 5],
          [1000, 5],
        ] as const) {
          const part = await store.readBody(guid, offset, length);
          expect([...part]).toEqual([...bytes.subarray(offset, offset + length)]);
        }
        expect(await codeOf(() => store.readBody(NOTHING, 0, 1))).toBe("body-missing");
      }),
    );

    test(
      "what was staged is not tied to the caller's buffer",
      on(async (store) => {
        const bytes = Buffer.from(messageBytes(1));
        const staging = store.stage([bytes]);
        const [guid] = (await staging) as [string];
        bytes.fill(0);
        expect(guidOf(await store.readBody(guid, 0, 1000))).toBe(guid);
      }),
    );

    test(
      "scenario 19: staged messages are there when an interrupted exchange goes on",
      on(async (store) => {
        const all = range(1, 300).map((n) => messageBytes(n));
        const guids = all.map(guidOf);
        expect(await store.missingBodies(guids)).toEqual(range(0, 299));
        await store.stage(all.slice(100, 200));
        expect(await store.missingBodies(guids)).toEqual([...range(0, 99), ...range(200, 299)]);
        await Promise.all([store.stage(all), store.stage(all)]);
        expect(await store.missingBodies(guids)).toEqual([]);
        expect(await store.missingBodies([])).toEqual([]);
      }),
    );

    test(
      "calls of stage at the same time, some with the same messages, each come back with their own",
      on(async (store) => {
        const bodies = range(1, 60).map(messageBytes);
        const calls = range(0, 19).map((n) => bodies.slice(2 * n, 2 * n + 20));
        expect(await Promise.all(calls.map((some) => store.stage(some)))).toEqual(
          calls.map((some) => some.map(guidOf)),
        );
        for (const bytes of bodies.slice(0, 58))
          expect(guidOf(await store.readBody(guidOf(bytes), 0, 1000))).toBe(guidOf(bytes));
      }),
    );

    test(
      "the same message twice in one batch is one",
      on(async (store) => {
        const bytes = messageBytes(1);
        expect(await store.stage([bytes, bytes])).toEqual([guidOf(bytes), guidOf(bytes)]);
        expect(guidOf(await store.readBody(guidOf(bytes), 0, 1000))).toBe(guidOf(bytes));
      }),
    );

    test(
      "a large message is written piece by piece",
      on(async (store) => {
        const chunks = range(1, 70).map((n) => Buffer.alloc(50_001, n));
        for (const some of [chunks, chunks.slice(0, 2), []]) {
          const writer = await store.stageLarge();
          for (const chunk of some) await writer.write(chunk);
          const whole = Buffer.concat(some);
          const guid = await writer.finish();
          expect(guid).toBe(guidOf(whole));
          expect(Buffer.from(await store.readBody(guid, 0, whole.length)).equals(whole)).toBe(true);
        }
      }),
    );

    test(
      "a large message that is given up leaves nothing",
      on(async (store) => {
        const writer = await store.stageLarge();
        const chunk = Buffer.alloc(3_000_000, 1);
        await writer.write(chunk);
        await writer.abort();
        expect(await store.missingBodies([guidOf(chunk)])).toEqual([0]);
      }),
    );

    test(
      "P7: references are counted per live record, over all mailboxes",
      on(async (store) => {
        await makeMailbox(store, "second", "Second");
        const copies = [live(1, 2, { n: 5 }), live(2, 2, { n: 5 }), live(3, 2, { n: 6 })];
        await put(store, copies);
        await put(store, [live(1, 2, { n: 5 })], { mailboxId: "second" });
        const count = () => store.bodyReferences([5, 6, 7].map((n) => guidOf(messageBytes(n))));
        expect(await count()).toEqual([3, 1, 0]);
        await put(store, [live(2, 3, { n: 5, createdModseq: 2, systemFlags: 1 })]);
        expect(await count()).toEqual([3, 1, 0]);
        await put(store, [
          tombstoneOf(copies[0] as never, 4),
          tombstoneOf(copies[2] as never, 4),
          live(4, 4, { n: 5 }),
        ]);
        expect(await count()).toEqual([3, 0, 0]);
      }),
    );

    test(
      "P11: what was staged and is named by no record is known, so that an exchange cut off need not send it again",
      on(async (store) => {
        await store.stage([messageBytes(1), messageBytes(2), messageBytes(3)]);
        expect((await store.unnamedBodies()).sort()).toEqual([1, 2, 3].map((n) => guidOf(messageBytes(n))).sort());
        await put(store, [live(1, 2, { n: 1 }), live(2, 2, { n: 3 })]);
        expect(await store.unnamedBodies()).toEqual([guidOf(messageBytes(2))]);
      }),
    );

    test(
      "compact frees what no record names any more, and nothing else",
      on(async (store) => {
        const records = range(1, 200).map((uid) => live(uid, 2));
        await put(store, records);
        await store.stage([messageBytes(1000)]);
        await put(
          store,
          records.slice(0, 150).map((record) => tombstoneOf(record, 3)),
        );
        const { bodiesDropped, bytesFreed } = await store.compact();
        expect(bodiesDropped).toBe(150);
        expect(bytesFreed).toBeGreaterThanOrEqual(150 * 40);
        const gone = records.slice(0, 150).map((record) => record.guid);
        expect(await store.missingBodies(gone)).toHaveLength(150);
        for (const { guid } of [...records.slice(150), { guid: guidOf(messageBytes(1000)) }])
          expect(guidOf(await store.readBody(guid, 0, 1000))).toBe(guid);
        expect(await store.compact()).toEqual({ bodiesDropped: 0, bytesFreed: 0 });
        await put(store, [live(201, 4, { n: 1 })]);
        expect(await recordsOf(store)).toHaveLength(201);
      }),
    );

    test(
      "a message dropped before its record was written is asked for again",
      on(async (store) => {
        const [record] = [live(1, 2)];
        await put(store, [record]);
        await put(store, [tombstoneOf(record, 3)]);
        await store.compact();
        expect(await store.missingBodies([record.guid])).toEqual([0]);
        await put(store, [live(2, 4, { n: 1 })]);
        expect(guidOf(await store.readBody(record.guid, 0, 100))).toBe(record.guid);
      }),
    );
  });
}
