/**
 * Store contract: the change log tells each channel, in the same transaction, what its peer may not have.
 */
import { describe, expect, test } from "vitest";
import { tombstoneOf } from "../../../src/model/record.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  agreed,
  changeOf,
  codeOf,
  entryOf,
  getMailbox,
  live,
  makeMailbox,
  messageBytes,
  PEER,
  put,
  type StoreFactory,
  stageFor,
  stateAfter,
} from "./fixtures.ts";
import { DOWN, done, EVER, entriesOf, failed, idsOf, type On, onlyEntry, preparedBy } from "./log-fixtures.ts";

const OTHER_PEER = "ff".repeat(16);

/** Declares what is logged, and to which channels. */
export function changeLogContract(factory: StoreFactory): void {
  const on = preparedBy(factory);
  describe("change log", () => {
    channelTests(on);
    loggingTests(on);
    originTests(on);
    identityTests(on);
  });
}

function channelTests(on: On): void {
  test(
    "channels are made once, noted, and removed with all that was known",
    on(async (store) => {
      const { log } = store;
      await log.addChannel("east");
      await log.addChannel("Alps");
      const fresh = { peer: null, note: "" };
      expect(await log.channels()).toEqual([
        { name: "Alps", ...fresh },
        { name: "east", ...fresh },
      ]);
      await log.noteChannel({ name: "east", peer: PEER, note: '{"since":1}' });
      await log.addChannel("east");
      await log.noteChannel({ name: "none", peer: PEER, note: "x" });
      await log.removeChannel("Alps");
      await log.removeChannel("none");
      expect(await log.channels()).toEqual([{ name: "east", peer: PEER, note: '{"since":1}' }]);
      await log.noteChannel({ name: "east", peer: null, note: "" });
      expect(await log.channels()).toEqual([{ name: "east", ...fresh }]);
    }),
  );

  test(
    "a removed channel forgets its entries and successes, also if it is made again",
    on(async (store) => {
      const { log } = store;
      await put(store, [live(1, 2)]);
      await log.settle("east", [done("other", 1, 5000)]);
      expect(await log.backlog("east")).toMatchObject([{ waiting: 1, lastSuccess: 5000 }]);
      await log.removeChannel("east");
      await log.addChannel("east");
      expect(await log.backlog("east")).toEqual([]);
      expect(await entriesOf(store)).toEqual([]);
    }),
  );

  test(
    "of a channel that is not there nothing is kept and nothing is read",
    on(async (store) => {
      const { log } = store;
      const before = await log.lastSeq();
      await log.add("none", [{ account: ACCOUNT, mailboxId: "box" }]);
      await log.settle("none", [failed("box", 1), done("box", 1, 1)]);
      expect(await log.allow("none", null)).toBe(0);
      expect(await log.lastSeq()).toBe(before);
      await log.addChannel("none");
      await log.removeChannel("none");
      expect(await entriesOf(store, "none")).toEqual([]);
      expect(await log.nextDue("none", 0)).toBeNull();
      expect(await log.backlog("none")).toEqual([]);
      expect(await log.countUpTo("none", EVER)).toBe(0);
    }),
  );
}

function loggingTests(on: On): void {
  test(
    "a change before the channel was made is not logged, one after it is, once for each channel",
    on(async (store) => {
      await store.log.addChannel("west");
      expect(await store.log.lastSeq()).toBe(0);
      expect(await entriesOf(store)).toEqual([]);
      const from = Date.now();
      await put(store, [live(1, 2)]);
      const entry = await onlyEntry(store);
      expect(entry).toEqual({
        account: ACCOUNT,
        mailboxId: "box",
        seq: await store.log.lastSeq(),
        firstSeq: entry.seq,
        since: entry.since,
        failures: 0,
        nextTry: entry.since,
        error: null,
        allowed: false,
      });
      expect(entry.since).toBeGreaterThanOrEqual(from);
      expect(entry.since).toBeLessThanOrEqual(Date.now());
      expect(await onlyEntry(store, "west")).toEqual(entry);
    }),
  );

  test(
    "a mailbox that changes again keeps its one entry: only seq rises",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const first = await onlyEntry(store);
      await store.log.settle("east", [failed("box", first.since + 99, DOWN, 3)]);
      await makeMailbox(store, "other", "Other");
      await put(store, [live(2, 3)]);
      const again = (await entriesOf(store)).find((entry) => entry.mailboxId === "box");
      const seq = await store.log.lastSeq();
      expect(again).toEqual({ ...first, seq, failures: 3, nextTry: first.since + 99, error: DOWN });
      expect(seq).toBeGreaterThan(first.seq);
    }),
  );

  test(
    "a change that is refused, in conflict or of nothing leaves no entry",
    on(async (store) => {
      await stageFor(store, [live(1, 2)]);
      const good = await changeOf(store, [live(1, 2)]);
      const wrongDigest = { ...good.after, digest: { ...good.after.digest, crc: 1 } };
      const missing = await changeOf(store, [live(1, 2, { n: 999 })]);
      expect(await store.apply({ ...good, before: { ...good.before, uidNext: 9 } })).toBe("conflict");
      expect(await codeOf(() => store.apply({ ...good, after: wrongDigest }))).toBe("invalid-change");
      expect(await codeOf(() => store.apply(missing))).toBe("body-missing");
      expect(await codeOf(() => store.apply({ ...good, mailboxId: "none" }))).toBe("not-found");
      const tree = { account: ACCOUNT, before: 1, after: 2 };
      const taken = { entry: entryOf("new", "INBOX", 2), uidValidity: 1 };
      expect(await store.applyTree({ ...tree, before: 7, after: 8, puts: [taken] })).toBe("conflict");
      expect(await codeOf(() => store.applyTree({ ...tree, puts: [taken] }))).toBe("exists");
      const cursor = { peer: PEER, cursor: agreed(good.before) };
      expect(await store.apply({ ...(await changeOf(store, [])), cursor })).toBe("applied");
      expect(await entriesOf(store)).toEqual([]);
      expect(await store.log.lastSeq()).toBe(0);
    }),
  );

  test(
    "a deletion is logged, and so is a purge",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const { seq } = await onlyEntry(store);
      await put(store, [tombstoneOf(live(1, 2), 3)], { after: { purgedModseq: 1 } });
      const purged = await onlyEntry(store);
      expect(purged.seq).toBeGreaterThan(seq);
      const entry = { value: entryOf("box", "INBOX", 2, { deleted: true }), treeBefore: 1, treeAfter: 2 };
      expect(await store.apply(await changeOf(store, [], { entry }))).toBe("applied");
      expect((await onlyEntry(store)).seq).toBeGreaterThan(purged.seq);
    }),
  );

  test(
    "a tree change logs each mailbox it puts, and nothing else",
    on(async (store) => {
      const puts = ["b", "a"].map((id) => ({ entry: entryOf(id, `Name ${id}`, 2), uidValidity: 5 }));
      await store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts });
      const entries = await entriesOf(store);
      expect(entries.map((entry) => entry.mailboxId).sort()).toEqual(["a", "b"]);
      expect(new Set(entries.map((entry) => entry.seq)).size).toBe(2);
      expect(Math.max(...entries.map((entry) => entry.seq))).toBe(await store.log.lastSeq());
      const before = await store.log.lastSeq();
      expect(await store.applyTree({ account: "bob", before: 0, after: 3, puts: [] })).toBe("applied");
      expect(await store.log.lastSeq()).toBe(before);
      expect(await entriesOf(store)).toEqual(entries);
    }),
  );

  test(
    "cursors and staged messages are not logged",
    on(async (store) => {
      await store.stage([messageBytes(1)]);
      const cursor = agreed((await getMailbox(store)).state);
      await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor }]);
      expect(await store.log.lastSeq()).toBe(0);
    }),
  );
}

function originTests(on: On): void {
  test(
    "a change is not logged to channels to the node it came from, but to all others",
    on(async (store) => {
      for (const name of ["north", "south", "west"]) await store.log.addChannel(name);
      await store.log.noteChannel({ name: "north", peer: PEER, note: "" });
      await store.log.noteChannel({ name: "south", peer: PEER, note: "" });
      await store.log.noteChannel({ name: "west", peer: OTHER_PEER, note: "" });
      await put(store, [live(1, 2)], { origin: PEER });
      const put2 = { entry: entryOf("new", "New", 2), uidValidity: 5 };
      await store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts: [put2], origin: PEER });
      for (const name of ["north", "south"]) expect(await idsOf(store, name)).toEqual([]);
      // "east" was never reached: who its peer is, is not known.
      for (const name of ["east", "west"]) expect(await idsOf(store, name)).toEqual(["box", "new"]);
      await put(store, [live(2, 3)]);
      for (const name of ["north", "south"]) expect(await idsOf(store, name)).toEqual(["box"]);
    }),
  );

  test(
    "what waited for a peer that is where the mailbox is, as a change from it says, is done",
    on(async (store) => {
      await store.log.addChannel("west");
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      await store.log.noteChannel({ name: "west", peer: OTHER_PEER, note: "" });
      await put(store, [live(1, 2)]);
      const { state } = await getMailbox(store);
      // The peer gets there later; then it is somewhere else; then its entry of the mailbox is another one.
      for (const cursor of [{ ...agreed(state), agreed: null }, agreed({ ...state, uidNext: 9 }), agreed(state, 2)]) {
        await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor }]);
        expect(await idsOf(store)).toEqual(["box"]);
      }
      const records = [live(2, 3)];
      const after = stateAfter(state, [], records);
      await put(store, records, { origin: PEER, cursor: { peer: PEER, cursor: agreed(after) } });
      expect(await idsOf(store)).toEqual([]);
      expect(await store.log.backlog("east")).toMatchObject([{ waiting: 0, lastSuccess: expect.any(Number) }]);
      expect(await idsOf(store, "west")).toEqual(["box"]);
    }),
  );

  test(
    "what waited for a peer that is where the mailbox is, as a saved cursor says, is done",
    on(async (store) => {
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      await put(store, [live(1, 2)]);
      const { state } = await getMailbox(store);
      await store.saveCursors(OTHER_PEER, [{ account: ACCOUNT, mailboxId: "box", cursor: agreed(state) }]);
      expect(await idsOf(store)).toEqual(["box"]);
      await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor: agreed(state) }]);
      expect(await idsOf(store)).toEqual([]);
      await put(store, [live(2, 3)]);
      await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor: agreed(state) }]);
      expect(await idsOf(store)).toEqual(["box"]);
    }),
  );

  test(
    "a change that concerns no channel takes no number",
    on(async (store) => {
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      await put(store, [live(1, 2)], { origin: PEER });
      expect(await store.log.lastSeq()).toBe(0);
    }),
  );

  test(
    "a change from the peer leaves an entry as it is that waits for it",
    on(async (store) => {
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      await put(store, [live(1, 2)]);
      const entry = await onlyEntry(store);
      await put(store, [live(2, 3)], { origin: PEER });
      expect(await onlyEntry(store)).toEqual(entry);
    }),
  );
}

function identityTests(on: On): void {
  const becomeWin = async (store: MailboxStore, origin?: string) => {
    const { modseq } = await store.tree(ACCOUNT);
    const value = entryOf("win", "INBOX", modseq + 1, { aliases: ["box"] });
    const entry = { value, treeBefore: modseq, treeAfter: modseq + 1 };
    await put(store, [], { entry, ...(origin === undefined ? {} : { origin }) });
  };

  test.each(["with records", "in the tree"])(
    "T05: one that is alive while another takes its id for an alias is logged, to the node that says so too; %s",
    (how) =>
      on(async (store) => {
        await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
        const twin = { entry: entryOf("twin", "Twin", 2), uidValidity: 5 };
        await store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts: [twin], origin: PEER });
        expect(await idsOf(store, "east")).toEqual([]);
        const value = entryOf("box", "INBOX", 3, { aliases: ["twin"] });
        if (how === "with records")
          await put(store, [], { entry: { value, treeBefore: 2, treeAfter: 3 }, origin: PEER });
        else {
          const puts = [{ entry: value, uidValidity: 5 }];
          await store.applyTree({ account: ACCOUNT, before: 2, after: 3, puts, origin: PEER });
        }
        expect(await idsOf(store, "east")).toEqual(["twin"]);
      })(),
  );

  test(
    "T05: a mailbox that gets a new id keeps its entries under it",
    on(async (store) => {
      await store.log.addChannel("west");
      await put(store, [live(1, 2)]);
      const first = await onlyEntry(store);
      await store.log.settle("east", [failed("box", 77)]);
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      await becomeWin(store, PEER);
      const waiting = { ...first, mailboxId: "win", failures: 1, nextTry: 77, error: DOWN };
      expect(await onlyEntry(store)).toEqual(waiting);
      const seq = await store.log.lastSeq();
      expect(await onlyEntry(store, "west")).toEqual({ ...first, mailboxId: "win", seq });
      await put(store, [live(2, 3)], { mailboxId: "box" });
      expect(await onlyEntry(store)).toEqual({ ...waiting, seq: await store.log.lastSeq() });
    }),
  );

  test(
    "T05: entries of the old and the new id become one that waits for all of both",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const old = await onlyEntry(store);
      await store.log.settle("east", [failed("win", old.since + 5)]);
      await store.log.noteChannel({ name: "east", peer: PEER, note: "" });
      const seq = await store.log.lastSeq();
      await becomeWin(store, PEER);
      const united = { mailboxId: "win", firstSeq: old.firstSeq, seq, since: old.since, nextTry: old.since };
      expect(await onlyEntry(store)).toMatchObject({ ...united, failures: 1 });
    }),
  );
}
