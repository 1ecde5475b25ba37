/**
 * Store contract: looking for damage, and repairs that are no changes. A store that is sound finds nothing to repair.
 */
import { describe, expect, test } from "vitest";
import { packRecords } from "../../../src/store/shared/blocks.ts";
import {
  ACCOUNT,
  batchesOf,
  codeOf,
  getMailbox,
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

export function faultContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await put(
        store,
        range(1, 200).map((uid) => live(uid, 2)),
      );
      await body(store);
    });

  describe("faults", () => {
    test(
      "the records of a sound mailbox fit everything that is kept of them",
      on(async (store) => {
        const { state } = await getMailbox(store);
        const snapshot = await store.snapshot(ACCOUNT, "box");
        expect(await snapshot.examine()).toEqual({ digest: state.digest, damaged: [], wrongSums: 0 });
        await snapshot.close();
        expect(await store.check()).toEqual([]);
      }),
    );

    test(
      "P4, P5: a corrected digest is no change: no counter, no record, no entry of the change log",
      on(async (store) => {
        await store.log.addChannel("peer");
        const [before, records, seq] = [await getMailbox(store), await recordsOf(store), await store.log.lastSeq()];
        expect(await store.correctDigest(ACCOUNT, "box", before.state)).toBe("applied");
        expect(await getMailbox(store)).toEqual(before);
        expect(await recordsOf(store)).toEqual(records);
        expect(await store.log.lastSeq()).toBe(seq);
        expect(await store.log.due("peer", Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
      }),
    );

    test(
      "P11: a digest is corrected only in the state that it was found in",
      on(async (store) => {
        const { state } = await getMailbox(store);
        await put(store, [live(201, 3)]);
        expect(await store.correctDigest(ACCOUNT, "box", state)).toBe("conflict");
        expect(await codeOf(() => store.correctDigest(ACCOUNT, "nowhere", state))).toBe("not-found");
      }),
    );

    test(
      "records that are sound are not put back",
      on(async (store) => {
        const before = await batchesOf(store);
        expect(await store.restoreRecords(ACCOUNT, "box", before)).toBe(0);
        expect(await store.restoreRecords(ACCOUNT, "box", [...packRecords([live(1, 2, { n: 7 })])])).toBe(0);
        expect(await batchesOf(store)).toEqual(before);
        expect(await codeOf(() => store.restoreRecords(ACCOUNT, "nowhere", []))).toBe("not-found");
      }),
    );

    test(
      "scenario 22: a message that is set aside is written anew when it is staged, and keeps its references",
      on(async (store) => {
        await put(store, [live(201, 3, { n: 5 })]);
        const bodies = [5, 6].map((n) => messageBytes(n));
        const large = Buffer.alloc(2_000_000, "large");
        const guids = [...bodies, large].map(guidOf);
        await store.stage([large]);
        await store.setAside(guids);
        expect(await store.missingBodies(guids)).toEqual([]);
        await store.stage(bodies);
        const writer = await store.stageLarge();
        await writer.write(large);
        expect(await writer.finish()).toBe(guids[2]);
        expect((await store.bodyReferences(guids)).slice(0, 2)).toEqual([2, 1]);
        for (const guid of guids) expect(guidOf(await store.readBody(guid, 0, 3_000_000))).toBe(guid);
        expect(await store.check()).toEqual([]);
      }),
    );

    test(
      "a note is kept under its name",
      on(async (store) => {
        expect(await store.note("place")).toBeNull();
        await store.writeNote("place", "here");
        await store.writeNote("place", "there");
        await store.writeNote("other", "");
        expect([await store.note("place"), await store.note("other")]).toEqual(["there", ""]);
      }),
    );
  });
}
