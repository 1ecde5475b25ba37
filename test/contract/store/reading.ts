/**
 * Store contract: snapshots, scans and digests of UID ranges.
 */
import { describe, expect, test } from "vitest";
import { decodeBatch, decodeColumns } from "../../../src/model/decode-batch.ts";
import { type IndexRecord, MAX_UID, tombstoneOf } from "../../../src/model/record.ts";
import { EMPTY_DIGEST } from "../../../src/model/state.ts";
import { digestOfRecords, digestsOfRecords } from "../../../src/store/shared/blocks.ts";
import {
  ACCOUNT,
  agreed,
  batchesOf,
  getMailbox,
  live,
  makeMailbox,
  PEER,
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
      "news: many mailboxes at once, each with what is new for a peer",
      on(async (store) => {
        for (const name of ["second", "third"]) await makeMailbox(store, name, name);
        await put(store, [live(1, 2), live(2, 2)]);
        const cursor = agreed((await getMailbox(store)).state);
        await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor }]);
        await put(store, [live(1, 3, { createdModseq: 2, systemFlags: 1 }), live(3, 3)]);
        const ids = ["third", "box", "nowhere", "second"];
        const places = ids.map((mailboxId) => ({ account: ACCOUNT, mailboxId }));
        const [third, box, nowhere, second] = await store.news(PEER, places, 1000);
        expect(nowhere).toBeNull();
        expect(third).toEqual({ ...(await getMailbox(store, "third")), cursor: null, changes: null });
        expect(second?.entry.mailboxId).toBe("second");
        expect(box).toMatchObject({ ...(await getMailbox(store)), cursor });
        expect(box?.changes?.flatMap((bytes) => decodeBatch(bytes)).map(({ uid }) => uid)).toEqual([1, 3]);
        const [other] = await store.news("ff".repeat(16), [{ account: ACCOUNT, mailboxId: "box" }], 1000);
        expect(other).toMatchObject({ cursor: null, changes: null });
        const [anyone] = await store.news(null, [{ account: ACCOUNT, mailboxId: "box" }], 1000);
        expect(anyone).toMatchObject({ cursor: null, changes: null });
      }),
    );

    test(
      "news: changed records only as far as there is room, of all mailboxes together",
      on(async (store) => {
        await makeMailbox(store, "second", "second");
        const places = ["box", "second"].map((mailboxId) => ({ account: ACCOUNT, mailboxId }));
        const rows = await Promise.all(
          places.map(async (place) => ({ ...place, cursor: agreed((await getMailbox(store, place.mailboxId)).state) })),
        );
        await store.saveCursors(PEER, rows);
        for (const { mailboxId } of places) await put(store, [live(1, 2)], { mailboxId });
        const sizes = async (room: number) =>
          (await store.news(PEER, places, room)).map((one) => one?.changes?.map(({ length }) => length) ?? null);
        const [whole] = (await sizes(10_000)) as [[number], [number]];
        expect(await sizes(10_000)).toEqual([whole, whole]);
        expect(await sizes(2 * whole[0])).toEqual([whole, whole]);
        expect(await sizes(2 * whole[0] - 1)).toEqual([whole, null]);
        expect(await sizes(whole[0] - 1)).toEqual([null, null]);
        expect(await sizes(0)).toEqual([null, null]);
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
      "section 4: digests of equal ranges are the sums over their records, tombstones apart",
      on(async (store) => {
        const records: IndexRecord[] = range(1, 700).map((uid) => live(uid * 7, 2));
        await put(store, [...records, live(MAX_UID, 2, { n: 1 })]);
        await put(
          store,
          records.filter((_, i) => i % 5 === 0).map((record) => tombstoneOf(record as never, 3)),
        );
        await put(store, [{ expunged: true, uid: 14, modseq: 4, graves: [] }]);
        const now = await recordsOf(store);
        const snapshot = await store.snapshot(ACCOUNT, "box");
        for (const bits of [0, 1, 3, 5, 6, 7, 10, 14, 22, 30, 31]) {
          const nos = [...new Set(now.map(({ uid }) => uid >>> bits))];
          const naive = nos.map((no) => ({ no, ...digestsOfRecords(now.filter(({ uid }) => uid >>> bits === no)) }));
          const last = MAX_UID >>> bits;
          expect(await snapshot.ranges(bits, 0, last), `ranges of 2^${bits}`).toEqual(naive);
          const [from, to] = [Math.min(2, last), Math.min(40, last)];
          const some = naive.filter(({ no }) => no >= from && no <= to);
          expect(await snapshot.ranges(bits, from, to), `some ranges of 2^${bits}`).toEqual(some);
        }
        expect(await snapshot.ranges(3, 5, 4)).toEqual([]);
        await snapshot.close();
      }),
    );

    test(
      "section 4: the digest of a mailbox's tombstones follows every change: expunges, purges, a new numbering",
      on(async (store) => {
        const expectFits = async () => {
          const { tombstones } = digestsOfRecords(await recordsOf(store));
          expect((await getMailbox(store)).tombstones).toEqual(tombstones);
          expect((await store.tree(ACCOUNT)).mailboxes[0]?.tombstones).toEqual(tombstones);
        };
        const records = range(1, 200).map((uid) => live(uid, 2));
        await put(store, records);
        await expectFits();
        for (const [from, modseq] of [
          [0, 3],
          [50, 4],
          [100, 5],
        ] as const) {
          await put(
            store,
            records.slice(from, from + 50).map((record) => tombstoneOf(record, modseq)),
          );
          await expectFits();
        }
        expect((await getMailbox(store)).tombstones.count).toBe(150);
        await put(store, [], { after: { purgedModseq: 4 } });
        await expectFits();
        expect((await getMailbox(store)).tombstones.count).toBe(50);
        await put(store, [live(1, 6)], { reset: true, after: { uidValidity: 101, uidNext: 2 } });
        await expectFits();
        expect((await getMailbox(store)).tombstones).toEqual(EMPTY_DIGEST);
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
