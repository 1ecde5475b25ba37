/**
 * Store contract: snapshots, scans and digests of UID ranges.
 */
import { describe, expect, test } from "vitest";
import { decodeColumns } from "../../../src/model/batch.ts";
import { type IndexRecord, MAX_UID, tombstoneOf } from "../../../src/model/record.ts";
import { EMPTY_DIGEST } from "../../../src/model/state.ts";
import { digestOfRecords } from "../../../src/store/shared/blocks.ts";
import {
  ACCOUNT,
  batchesOf,
  getMailbox,
  live,
  makeMailbox,
  put,
  range,
  recordsOf,
  type StoreFactory,
  withStore,
} from "./fixtures.ts";

export function readContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await body(store);
    });

  describe("reading", () => {
    test(
      "a snapshot does not change, whatever is written meanwhile",
      on(async (store) => {
        const records = range(1, 3000).map((uid) => live(uid, 2));
        await put(store, records);
        const snapshot = await store.snapshot(ACCOUNT, "box");
        const { state, entry } = await getMailbox(store);
        const before = await snapshot.digest(1, MAX_UID);
        const seen: number[] = [];
        for await (const batches of snapshot.scan()) {
          if (seen.length === 0)
            await put(store, [...records.slice(0, 2999).map((one) => tombstoneOf(one, 3)), live(3000, 3)]);
          for (const batch of batches) seen.push(...decodeColumns(batch.bytes).modseq);
        }
        expect(seen).toEqual(records.map(() => 2));
        expect(await snapshot.digest(1, MAX_UID)).toEqual(before);
        expect({ state: snapshot.state, entry: snapshot.entry }).toEqual({ state, entry });
        await snapshot.close();
        expect((await getMailbox(store)).state.digest.count).toBe(1);
      }),
    );

    test(
      "several snapshots are open at once, each at its own moment",
      on(async (store) => {
        const opened = [];
        for (const uid of range(1, 12)) {
          await put(store, [live(uid, uid + 1)]);
          opened.push(await store.snapshot(ACCOUNT, "box"));
        }
        for (const [i, snapshot] of opened.entries()) {
          expect((await snapshot.digest(1, MAX_UID)).count).toBe(i + 1);
          await snapshot.close();
        }
      }),
    );

    test(
      "a whole scan hands on one block a batch",
      on(async (store) => {
        const uids = [1, 63, 64, 65, 128, 1000, 1001];
        await put(
          store,
          uids.map((uid) => live(uid, 2)),
        );
        const batches = await batchesOf(store);
        const described = batches.map(({ count, firstUid, lastUid }) => [count, firstUid, lastUid]);
        expect(described).toEqual([
          [2, 1, 63],
          [2, 64, 65],
          [1, 128, 128],
          [2, 1000, 1001],
        ]);
      }),
    );

    test(
      "P5: a scan since a modseq gives exactly what changed, tombstones too",
      on(async (store) => {
        const records = range(1, 1000).map((uid) => live(uid, 2));
        await put(store, records);
        const changed = [1, 64, 500, 501, 1000].map((uid) => live(uid, 3, { createdModseq: 2, systemFlags: 1 }));
        await put(store, changed);
        await put(store, [tombstoneOf(live(500, 3), 4), live(1001, 4)]);
        const since = (sinceModseq: number) => recordsOf(store, "box", { sinceModseq });
        const expected = [...changed.filter(({ uid }) => uid !== 500), tombstoneOf(live(500, 3), 4), live(1001, 4)];
        expect(await since(2)).toEqual(expected.sort((a, b) => a.uid - b.uid));
        expect(await since(3)).toEqual([tombstoneOf(live(500, 3), 4), live(1001, 4)]);
        expect(await since(4)).toEqual([]);
        expect(await since(0)).toHaveLength(1001);
      }),
    );

    test(
      "a scan of a UID range gives exactly that range",
      on(async (store) => {
        const records = range(1, 1000).map((uid) => live(uid * 3, 2));
        await put(store, records);
        for (const [fromUid, toUid] of [
          [1, MAX_UID],
          [3, 3],
          [4, 5],
          [63, 64],
          [190, 1000],
          [2999, 5000],
          [9, 3],
        ] as const) {
          const expected = records.filter(({ uid }) => uid >= fromUid && uid <= toUid);
          expect(await recordsOf(store, "box", { fromUid, toUid })).toEqual(expected);
        }
        expect(await recordsOf(store, "box", { fromUid: 2990, sinceModseq: 1 })).toHaveLength(4);
      }),
    );

    test(
      "the highest UID can be used",
      on(async (store) => {
        await put(store, [live(MAX_UID, 2, { n: 1 })]);
        expect((await getMailbox(store)).state.uidNext).toBe(2 ** 32);
        expect(await recordsOf(store, "box", { fromUid: MAX_UID })).toHaveLength(1);
      }),
    );

    test(
      "section 4: the digest of any UID range is the sum over its live records",
      on(async (store) => {
        const records: IndexRecord[] = range(1, 700).map((uid) => live(uid * 2, 2));
        await put(store, records);
        await put(
          store,
          records.filter((_, i) => i % 5 === 0).map((record) => tombstoneOf(record as never, 3)),
        );
        const now = await recordsOf(store);
        const snapshot = await store.snapshot(ACCOUNT, "box");
        const edges = [0, 1, 2, 63, 64, 65, 127, 128, 700, 1343, 1344, 1400, 1401, MAX_UID];
        for (const from of edges) {
          for (const to of edges) {
            const naive = digestOfRecords(now.filter(({ uid }) => uid >= from && uid <= to));
            expect(await snapshot.digest(from, to), `UIDs ${from} to ${to}`).toEqual(naive);
          }
        }
        expect(await snapshot.digest(1, MAX_UID)).toEqual(snapshot.state.digest);
        await snapshot.close();
      }),
    );

    test(
      "an empty mailbox has nothing to scan and its own digest",
      on(async (store) => {
        const snapshot = await store.snapshot(ACCOUNT, "box");
        expect(await snapshot.digest(1, MAX_UID)).toEqual(EMPTY_DIGEST);
        await snapshot.close();
        expect(await batchesOf(store)).toEqual([]);
      }),
    );

    test(
      "mailboxes and accounts do not see each other's records",
      on(async (store) => {
        await makeMailbox(store, "second", "Second");
        await makeMailbox(store, "box", "INBOX", "other");
        await put(store, [live(1, 2), live(100, 2)]);
        await put(store, [live(2, 2)], { mailboxId: "second" });
        expect((await recordsOf(store)).map(({ uid }) => uid)).toEqual([1, 100]);
        expect((await recordsOf(store, "second")).map(({ uid }) => uid)).toEqual([2]);
        expect((await getMailbox(store, "box", "other")).state.digest).toEqual(EMPTY_DIGEST);
      }),
    );
  });
}
