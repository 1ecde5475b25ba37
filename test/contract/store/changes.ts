/**
 * Store contract: changes are whole or not at all, and only on the state they were planned on.
 */
import { describe, expect, test } from "vitest";
import type { RecordBatch } from "../../../src/model/batch.ts";
import { encodeBatch } from "../../../src/model/encode-batch.ts";
import { tombstoneOf } from "../../../src/model/record.ts";
import type { MailboxState } from "../../../src/model/state.ts";
import { packRecords } from "../../../src/store/shared/blocks.ts";
import type { MailboxChange } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  agreed,
  changeOf,
  codeOf,
  entryOf,
  getMailbox,
  guidOf,
  live,
  makeMailbox,
  messageBytes,
  PEER,
  put,
  range,
  recordsOf,
  type StoreFactory,
  stageFor,
  stateAfter,
  withStore,
} from "./fixtures.ts";

export function changeContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await body(store);
    });

  describe("changes", () => {
    test(
      "scenario 1: records come back as they were written, in every field",
      on(async (store) => {
        const record = live(3, 5, {
          createdModseq: 4,
          systemFlags: 0b10101,
          keywords: ["$Forwarded", "Übung"],
          flagStamps: [{ flag: "\\seen", modseq: 5 }],
          formerUids: [1, 2],
          internalDate: 1_700_000_000_003,
        });
        const moved = { expunged: true, uid: 1, modseq: 5, graves: [] } as const;
        const grave = tombstoneOf({ ...record, uid: 2 }, 5);
        await put(store, [record], { after: { highestModseq: 5, uidNext: 10 } });
        expect(await recordsOf(store)).toEqual([record]);
        await put(store, [
          { ...moved, modseq: 6 },
          { ...grave, modseq: 6 },
        ]);
        expect(await recordsOf(store)).toEqual([{ ...moved, modseq: 6 }, { ...grave, modseq: 6 }, record]);
        expect((await getMailbox(store)).state).toMatchObject({ uidNext: 10, highestModseq: 6, digest: { count: 1 } });
      }),
    );

    test(
      "P11, scenario 20: a change planned on another state is a conflict, whatever differs",
      on(async (store) => {
        await put(store, [live(1, 2)]);
        await stageFor(store, [live(2, 3)]);
        const change = await changeOf(store, [live(2, 3)]);
        const others: Partial<MailboxState>[] = [
          { uidValidity: 99 },
          { uidNext: 1 },
          { highestModseq: 1 },
          { purgedModseq: 1 },
          { digest: { ...change.before.digest, crc: 1 } },
        ];
        for (const other of others)
          expect(await store.apply({ ...change, before: { ...change.before, ...other } })).toBe("conflict");
        expect(await recordsOf(store)).toEqual([live(1, 2)]);
        expect(await store.apply(change)).toBe("applied");
        expect(await store.apply(change)).toBe("conflict");
      }),
    );

    test(
      "P13: of two changes planned on one state and made at the same time, exactly one is applied",
      on(async (store) => {
        const records = [live(1, 2), live(1, 2, { n: 2 })];
        await stageFor(store, records);
        const changes = await Promise.all(records.map((record) => changeOf(store, [record])));
        const outcomes = await Promise.all(changes.map((change) => store.apply(change)));
        expect(outcomes.sort()).toEqual(["applied", "conflict"]);
        expect(await recordsOf(store)).toHaveLength(1);
      }),
    );

    test(
      "changes are made in the order of the calls, each on what the ones before it left",
      on(async (store) => {
        const records = range(1, 100).map((uid) => live(uid, uid + 1));
        await stageFor(store, records);
        let { state: before } = await getMailbox(store);
        const changes = records.map((record) => {
          const after = stateAfter(before, [], [record]);
          const change = { account: ACCOUNT, mailboxId: "box", before, after, records: [...packRecords([record])] };
          before = after;
          return change;
        });
        const outcomes = await Promise.all(changes.map((change) => store.apply(change)));
        expect(new Set(outcomes)).toEqual(new Set(["applied"]));
        expect(await recordsOf(store)).toEqual(records);
      }),
    );

    test(
      "a change of a mailbox that is not there is refused",
      on(async (store) => {
        const change = { ...(await changeOf(store, [])), mailboxId: "none" };
        expect(await codeOf(() => store.apply(change))).toBe("not-found");
        expect(await codeOf(() => store.apply({ ...change, account: "none" }))).toBe("not-found");
      }),
    );

    test(
      "P11: a refused change leaves no trace",
      on(async (store) => {
        const first = range(1, 100).map((uid) => live(uid, 2));
        await put(store, first);
        const before = await getMailbox(store);
        const next = range(101, 300).map((uid) => live(uid, 3));
        await stageFor(store, next);
        const planned = await changeOf(store, next);
        const latest = { ...planned.after, entryModseq: 1 };
        const peer = "ab".repeat(16);
        const good = { ...planned, cursor: { peer, cursor: { latest, agreed: null } } };
        const digest = { ...good.after.digest, crcC: (good.after.digest.crcC ^ 1) >>> 0 };
        expect(await codeOf(() => store.apply({ ...good, after: { ...good.after, digest } }))).toBe("invalid-change");
        expect(await codeOf(() => store.apply({ ...good, records: failing(good.records) }))).toBe("bad-frame");
        expect(await getMailbox(store)).toEqual(before);
        expect(await recordsOf(store)).toEqual(first);
        expect(await store.bodyReferences(next.map((record) => record.guid))).toEqual(next.map(() => 0));
        expect(await store.cursors(peer)).toEqual([]);
        expect(await store.apply(good)).toBe("applied");
        expect(await store.cursors(peer)).toHaveLength(1);
      }),
    );

    test(
      "records out of UID order are refused",
      on(async (store) => {
        const records = [live(70, 2), live(5, 2)];
        await stageFor(store, records);
        const change = await changeOf(store, [live(5, 2), live(70, 2)]);
        for (const wrong of [records, [live(5, 2), live(5, 2)]]) {
          const batches = wrong.map((record) => encodeBatch([record]));
          expect(await codeOf(() => store.apply({ ...change, records: batches }))).toBe("invalid-change");
        }
      }),
    );

    test(
      "batches may be cut anywhere",
      on(async (store) => {
        const records = range(1, 500).map((uid) => live(uid, 2));
        await stageFor(store, records);
        const change = await changeOf(store, records);
        const cuts = [records.slice(0, 1), records.slice(1, 64), records.slice(64, 65), records.slice(65)];
        expect(await store.apply({ ...change, records: cuts.map(encodeBatch) })).toBe("applied");
        expect(await recordsOf(store)).toEqual(records);
      }),
    );

    test(
      "a large change goes through a spool, and the spool can be read twice",
      on(async (store) => {
        const records = range(1, 20_000).map((uid) => live(uid, 2, { n: uid % 7 }));
        await stageFor(store, records.slice(0, 7));
        const spool = await store.openSpool();
        for (const batch of packRecords(records)) spool.write(batch);
        const change = await changeOf(store, records);
        expect([...spool].length).toBe([...change.records].length);
        expect(await store.apply({ ...change, records: spool })).toBe("applied");
        spool.dispose();
        expect(await recordsOf(store)).toEqual(records);
      }),
    );

    test(
      "body-missing: a live record whose bytes are not there is refused by name",
      on(async (store) => {
        const missing = live(2, 2, { n: 999 });
        await store.stage([messageBytes(1)]);
        const change = await changeOf(store, [live(1, 2), missing]);
        await expect(store.apply(change)).rejects.toMatchObject({
          code: "body-missing",
          message: expect.stringContaining(missing.guid),
        });
        expect(await recordsOf(store)).toEqual([]);
        expect(await store.bodyReferences([live(1, 2).guid])).toEqual([0]);
        await store.stage([messageBytes(999)]);
        expect(await store.apply(change)).toBe("applied");
      }),
    );

    test(
      "a reset drops all records and references first",
      on(async (store) => {
        await put(
          store,
          range(1, 200).map((uid) => live(uid, 2)),
        );
        const fresh = [live(1, 3, { n: 200 })];
        await put(store, fresh, { reset: true, after: { uidValidity: 101, uidNext: 2 } });
        expect(await recordsOf(store)).toEqual(fresh);
        expect((await getMailbox(store)).state).toMatchObject({ uidValidity: 101, uidNext: 2, digest: { count: 1 } });
        const guids = [1, 200].map((n) => guidOf(messageBytes(n)));
        expect(await store.bodyReferences(guids)).toEqual([0, 1]);
      }),
    );

    test(
      "scenario 7: tombstones up to purgedModseq are dropped with the change that raises it",
      on(async (store) => {
        const records = range(1, 130).map((uid) => live(uid, 2));
        await put(store, records);
        await put(
          store,
          range(1, 64).map((uid) => tombstoneOf(records[uid - 1] as never, 3)),
        );
        await put(
          store,
          range(65, 70).map((uid) => tombstoneOf(records[uid - 1] as never, 4 + (uid % 2))),
        );
        await put(store, [], { after: { purgedModseq: 4 } });
        const left = await recordsOf(store);
        expect(left.filter((record) => record.expunged).map(({ uid }) => uid)).toEqual([65, 67, 69]);
        expect(left.filter((record) => !record.expunged)).toEqual(records.slice(70));
        await put(store, [], { after: { purgedModseq: 5 } });
        expect(await recordsOf(store)).toEqual(records.slice(70));
      }),
    );

    test(
      "the cursor is saved with the change, and not without it",
      on(async (store) => {
        await stageFor(store, [live(1, 2)]);
        const change = await changeOf(store, [live(1, 2)]);
        const cursor = agreed(change.after);
        const wrong: MailboxChange = { ...change, before: change.after, cursor: { peer: PEER, cursor } };
        expect(await store.apply(wrong)).toBe("conflict");
        expect(await store.peers()).toEqual([]);
        await store.apply({ ...change, cursor: { peer: PEER, cursor } });
        expect(await store.cursors(PEER)).toEqual([{ account: ACCOUNT, mailboxId: "box", cursor }]);
      }),
    );

    test(
      "cursors are kept per peer and mailbox, the last one counts",
      on(async (store) => {
        const { state } = await getMailbox(store);
        const row = (account: string, mailboxId: string, modseq: number) => ({
          account,
          mailboxId,
          cursor: { latest: { ...state, entryModseq: modseq }, agreed: null },
        });
        await store.saveCursors("ff".repeat(16), [row("b", "x", 1)]);
        await store.saveCursors(PEER, [row("b", "y", 1), row("b", "x", 1), row("a", "z", 1)]);
        await store.saveCursors(PEER, [row("b", "x", 2)]);
        expect(await store.peers()).toEqual([PEER, "ff".repeat(16)]);
        expect(await store.cursors(PEER)).toEqual([row("a", "z", 1), row("b", "x", 2), row("b", "y", 1)]);
        expect(await store.cursors("none")).toEqual([]);
        expect(await store.cursor(PEER, "b", "x")).toEqual(row("b", "x", 2).cursor);
        expect(await store.cursor("ff".repeat(16), "b", "x")).toEqual(row("b", "x", 1).cursor);
        for (const [peer, account, mailboxId] of [
          ["none", "b", "x"],
          [PEER, "a", "x"],
          [PEER, "b", "none"],
        ] as const)
          expect(await store.cursor(peer, account, mailboxId)).toBeNull();
      }),
    );
  });

  describe("changes with an entry", () => {
    const entryChange = (value: ReturnType<typeof entryOf>) => ({ value, treeBefore: 1, treeAfter: value.modseq });

    test(
      "scenario 43: a mailbox is deleted together with its messages; who delivers to it then has to look again",
      on(async (store) => {
        await put(store, [live(1, 2)]);
        const gone = entryOf("box", "INBOX", 2, { deleted: true });
        const early = await changeOf(store, [], { entry: entryChange(gone), after: { highestModseq: 3 } });
        expect(await codeOf(() => store.apply(early))).toBe("invalid-change");
        await put(store, [tombstoneOf(live(1, 2), 3)], { entry: entryChange(gone) });
        expect(await store.mailboxNamed(ACCOUNT, "INBOX")).toBeNull();
        expect(await store.tree(ACCOUNT)).toMatchObject({ modseq: 2, mailboxes: [{ entry: gone }] });
        await stageFor(store, [live(2, 4)]);
        expect(await store.apply(await changeOf(store, [live(2, 4)]))).toBe("conflict");
        const back = { value: entryOf("box", "INBOX", 3), treeBefore: 2, treeAfter: 3 };
        await put(store, [live(2, 4)], { entry: back });
        expect((await store.mailboxNamed(ACCOUNT, "INBOX"))?.state.digest.count).toBe(1);
      }),
    );

    test(
      "another tree modseq is a conflict for the records too",
      on(async (store) => {
        await stageFor(store, [live(1, 2)]);
        const entry = { ...entryChange(entryOf("box", "New", 9)), treeBefore: 8 };
        expect(await store.apply(await changeOf(store, [live(1, 2)], { entry }))).toBe("conflict");
        expect(await recordsOf(store)).toEqual([]);
      }),
    );

    test(
      "a taken name, another id and a modseq that stays are refused",
      on(async (store) => {
        await makeMailbox(store, "other", "Other");
        const attempt = async (value: ReturnType<typeof entryOf>, treeAfter = 3) =>
          codeOf(async () => store.apply(await changeOf(store, [], { entry: { value, treeBefore: 2, treeAfter } })));
        expect(await attempt(entryOf("box", "Other", 3))).toBe("exists");
        expect(await attempt(entryOf("other", "INBOX", 3, { aliases: ["box"] }))).toBe("exists");
        expect(await attempt(entryOf("third", "INBOX", 3))).toBe("invalid-change");
        expect(await attempt(entryOf("box", "INBOX", 2), 2)).toBe("invalid-change");
        expect((await store.tree(ACCOUNT)).modseq).toBe(2);
      }),
    );

    test(
      "T05: a mailbox gets a new id, keeps its records and cursors, and is found by the old one",
      on(async (store) => {
        await put(store, [live(1, 2)]);
        const { state } = await getMailbox(store);
        await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor: agreed(state) }]);
        const value = entryOf("win", "INBOX", 2, { aliases: ["box"] });
        await put(store, [live(2, 3)], { entry: entryChange(value) });
        const mailbox = await getMailbox(store, "win");
        expect(await store.tree(ACCOUNT)).toEqual({ modseq: 2, mailboxes: [mailbox] });
        expect(await store.mailbox(ACCOUNT, "box")).toEqual(mailbox);
        expect(await recordsOf(store, "win")).toEqual([live(1, 2), live(2, 3)]);
        expect((await store.cursors(PEER)).map((row) => row.mailboxId)).toEqual(["win"]);
        expect(await store.cursor(PEER, ACCOUNT, "win")).toEqual(agreed(state));
        expect(await store.cursor(PEER, ACCOUNT, "box")).toBeNull();
        await put(store, [live(3, 4)]);
        expect((await recordsOf(store, "box")).length).toBe(3);
      }),
    );
  });
}

/** Gives the first batch and then breaks off. */
function* failing(records: Iterable<RecordBatch>): Generator<RecordBatch> {
  for (const batch of records) {
    yield batch;
    yield { ...batch, bytes: Uint8Array.of(0xff) };
  }
}
