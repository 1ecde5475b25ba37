/**
 * Store contract: what becomes of the entries of the change log, in which order they are tried, and who is told.
 */
import { describe, expect, test } from "vitest";
import type { Backlog, LogEntry } from "../../../src/store/change-log.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { ACCOUNT, changeOf, entryOf, live, makeMailbox, PEER, put, type StoreFactory, stageFor } from "./fixtures.ts";
import {
  BRAKE,
  DOWN,
  done,
  EVER,
  entriesOf,
  failed,
  idsOf,
  type On,
  onlyEntry,
  preparedBy,
  waitUntil,
} from "./log-fixtures.ts";

/** Declares what a replicator relies on. */
export function logEntryContract(factory: StoreFactory): void {
  const on = preparedBy(factory);
  describe("change log: entries", () => {
    settleTests(on);
    queueTests(on);
    brakeTests(on);
    backlogTests(on);
  });
  describe("change log: watching", () => watchTests(on));
}

function settleTests(on: On): void {
  test(
    "done removes an entry of which nothing is newer",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const { seq } = await onlyEntry(store);
      await store.log.settle("east", [done("box", seq, 1)]);
      expect(await entriesOf(store)).toEqual([]);
      await put(store, [live(2, 3)]);
      const next = await onlyEntry(store);
      expect(next.firstSeq).toBeGreaterThan(seq);
      await store.log.settle("east", [done("box", next.seq + 5, 1)]);
      expect(await entriesOf(store)).toEqual([]);
    }),
  );

  test(
    "done keeps an entry that changed since, for the rest, as a fresh one",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      await store.log.settle("east", [failed("box", 1, BRAKE, 4)]);
      await store.log.allow("east", null);
      const { seq } = await onlyEntry(store);
      await put(store, [live(2, 3)]);
      await put(store, [live(3, 4)]);
      await store.log.settle("east", [done("box", seq, 7000)]);
      const newest = await store.log.lastSeq();
      const fresh = { since: 7000, nextTry: 7000, failures: 0, error: null, allowed: false };
      const rest = { account: ACCOUNT, mailboxId: "box", seq: newest, firstSeq: seq + 1, ...fresh };
      expect(await onlyEntry(store)).toEqual(rest);
      await store.log.settle("east", [done("box", seq - 1, 9000)]);
      expect(await onlyEntry(store)).toEqual(rest);
    }),
  );

  test(
    "failed keeps the entry and says why; one that is not there is made, unless it is to be there",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const entry = await onlyEntry(store);
      await store.log.settle("east", [failed("box", 50, DOWN, 2)]);
      expect(await onlyEntry(store)).toEqual({ ...entry, failures: 2, nextTry: 50, error: DOWN });
      await store.log.settle("east", [failed("", 60, BRAKE, 1, "bob")]);
      const made = (await entriesOf(store))[1] as LogEntry;
      expect(made).toMatchObject({ account: "bob", mailboxId: "", failures: 1, nextTry: 60, error: BRAKE });
      expect([made.seq, made.firstSeq]).toEqual([entry.seq + 1, await store.log.lastSeq()]);
      const there = [failed("box", 70, DOWN, 3), failed("none", 70)].map((one) => ({ ...one, ifThere: true }));
      await store.log.settle("east", there);
      expect(await idsOf(store)).toEqual(["", "box"]);
      expect((await entriesOf(store)).map(({ failures }) => failures)).toEqual([1, 3]);
    }),
  );

  test(
    "failed does not touch an entry all of whose changes are newer than what was tried",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const tried = await onlyEntry(store);
      await put(store, [live(2, 3)]);
      const both = await onlyEntry(store);
      await store.log.settle("east", [{ ...failed("box", 50), seq: tried.seq }]);
      expect(await onlyEntry(store)).toEqual({ ...both, failures: 1, nextTry: 50, error: DOWN });
      await store.log.settle("east", [done("box", tried.seq, 7000)]);
      const newer = await onlyEntry(store);
      await store.log.settle("east", [{ ...failed("box", 60), seq: tried.seq }]);
      expect(await onlyEntry(store)).toEqual(newer);
    }),
  );

  test.each([
    { how: "changed", wake: (store: MailboxStore) => put(store, [live(3, 4)]) },
    { how: "added", wake: (store: MailboxStore) => store.log.add("east", [{ account: ACCOUNT, mailboxId: "box" }]) },
  ])("P10: an entry that never failed waits for no clock that was set back, once it is $how again", ({ wake }) =>
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const { seq } = await onlyEntry(store);
      await put(store, [live(2, 3)]);
      const ahead = EVER - 1;
      await store.log.settle("east", [done("box", seq, ahead)]);
      expect(await store.log.due("east", ahead - 1, 9)).toEqual([]);
      await wake(store);
      expect(await store.log.due("east", ahead - 1, 9)).toHaveLength(1);
    })(),
  );

  test(
    "settlements are of one channel, and those of mailboxes without an entry do no harm",
    on(async (store) => {
      await store.log.addChannel("west");
      await put(store, [live(1, 2)]);
      const { seq } = await onlyEntry(store);
      await store.log.settle("east", [done("none", 5, 1), done("box", seq, 1), failed("other", 9)]);
      await store.log.settle("east", []);
      expect(await idsOf(store, "east")).toEqual(["other"]);
      expect(await idsOf(store, "west")).toEqual(["box"]);
    }),
  );

  test(
    "add makes entries and leaves those alone that are there",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      await store.log.settle("east", [failed("box", 50)]);
      const before = await onlyEntry(store);
      const whole = { account: "bob", mailboxId: "" };
      await store.log.add("east", [{ account: ACCOUNT, mailboxId: "box" }, whole, whole]);
      const [kept, added] = (await entriesOf(store)) as [LogEntry, LogEntry];
      expect(kept).toEqual(before);
      const seq = before.seq + 1;
      expect(added).toMatchObject({ ...whole, seq, firstSeq: seq, failures: 0, nextTry: added.since, error: null });
      expect(await store.log.lastSeq()).toBe(seq);
      await store.log.add("east", []);
      await store.log.add("east", [whole]);
      expect(await store.log.lastSeq()).toBe(seq);
    }),
  );
}

function queueTests(on: On): void {
  test(
    "due entries come by their time, at most as many as asked for",
    on(async (store) => {
      await waitUntil(store, { c: 30, a: 10, d: 40, b: 20, same: 20 });
      const due = async (now: number, limit: number) =>
        (await store.log.due("east", now, limit)).map((entry) => entry.mailboxId);
      expect(await due(9, 9)).toEqual([]);
      expect(await due(10, 9)).toEqual(["a"]);
      expect(await due(39, 9)).toEqual(["a", "b", "same", "c"]);
      expect(await due(100, 3)).toEqual(["a", "b", "same"]);
      expect(await due(100, 0)).toEqual([]);
    }),
  );

  test(
    "the next time something is due is that of an entry which is not due yet",
    on(async (store) => {
      expect(await store.log.nextDue("east", 0)).toBeNull();
      await waitUntil(store, { a: 10, b: 20 });
      expect(await store.log.nextDue("east", 0)).toBe(10);
      expect(await store.log.nextDue("east", 10)).toBe(20);
      expect(await store.log.nextDue("east", 20)).toBeNull();
    }),
  );

  test(
    "entries up to a number are counted by their oldest change",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const first = await store.log.lastSeq();
      await makeMailbox(store, "other", "Other");
      const second = await store.log.lastSeq();
      await put(store, [live(2, 3)]);
      const counts = async () => Promise.all([first - 1, first, second].map((seq) => store.log.countUpTo("east", seq)));
      expect(await counts()).toEqual([0, 1, 2]);
      await store.log.settle("east", [done("box", second, 1)]);
      expect(await counts()).toEqual([0, 0, 1]);
      expect(await store.log.countUpTo("east", await store.log.lastSeq())).toBe(2);
    }),
  );

  test(
    "the newest number stays when its entry is gone",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const seq = await store.log.lastSeq();
      expect(seq).toBe(1);
      await store.log.settle("east", [done("box", seq, 1)]);
      await store.log.removeChannel("east");
      await put(store, [live(2, 3)]);
      expect(await store.log.lastSeq()).toBe(seq);
    }),
  );
}

function brakeTests(on: On): void {
  test(
    "allow lets through what the brake holds, of one account or of all, and nothing else",
    on(async (store) => {
      const later = Date.now() + 1_000_000;
      await store.log.settle("east", [
        failed("held", later, BRAKE),
        failed("down", later, DOWN),
        failed("held", later, BRAKE, 1, "bob"),
      ]);
      const allowed = async () => {
        const entries = (await entriesOf(store)).filter((entry) => entry.allowed);
        return entries.map((entry) => `${entry.account} ${entry.mailboxId}`).sort();
      };
      expect(await store.log.allow("east", "nobody")).toBe(0);
      expect(await store.log.allow("east", "bob")).toBe(1);
      expect(await allowed()).toEqual(["bob held"]);
      expect(await store.log.allow("east", null)).toBe(2);
      expect(await allowed()).toEqual([`${ACCOUNT} held`, "bob held"]);
      const due = await store.log.due("east", Date.now(), 10);
      expect(due.map((entry) => entry.mailboxId)).toEqual(["held", "held"]);
      expect(due.map((entry) => entry.error)).toEqual([BRAKE, BRAKE]);
    }),
  );

  test(
    "what was allowed stays so until it is done",
    on(async (store) => {
      await store.log.settle("east", [failed("held", 10, BRAKE)]);
      await store.log.allow("east", null);
      expect(await onlyEntry(store)).toMatchObject({ allowed: true, nextTry: 10 });
      await store.log.settle("east", [failed("held", 20, DOWN, 2)]);
      expect(await onlyEntry(store)).toMatchObject({ allowed: true, error: DOWN, nextTry: 20 });
      await store.log.settle("east", [done("held", EVER, 1), failed("held", 30, BRAKE)]);
      expect(await onlyEntry(store)).toMatchObject({ allowed: false });
    }),
  );
}

function backlogTests(on: On): void {
  const idle: Omit<Backlog, "account"> = { waiting: 0, oldest: null, failing: 0, failed: null, lastSuccess: null };

  test(
    "the backlog tells of each account what waits, what fails and when it last went well",
    on(async (store) => {
      const { log } = store;
      expect(await log.backlog("east")).toEqual([]);
      await put(store, [live(1, 2)]);
      const box = await onlyEntry(store);
      await log.settle("east", [failed("slow", EVER, DOWN, 9), failed("soon", EVER - 5, BRAKE, 2)]);
      await log.settle("east", [failed("x", 8, DOWN, 1, "bob"), done("x", EVER, 4000, "bob")]);
      await log.settle("east", [done("y", 1, 3000, "Zoe"), failed("y", 8, DOWN, 0, "Zoe")]);
      const soon = (await entriesOf(store)).find((entry) => entry.mailboxId === "soon");
      const zoe = (await entriesOf(store)).find((entry) => entry.account === "Zoe");
      expect(await log.backlog("east")).toEqual([
        { ...idle, account: "Zoe", waiting: 1, oldest: zoe?.since, lastSuccess: 3000 },
        { ...idle, account: ACCOUNT, waiting: 3, oldest: box.since, failing: 2, failed: soon },
        { ...idle, account: "bob", lastSuccess: 4000 },
      ]);
    }),
  );

  test(
    "the last success outlives the entries, and the latest settlement counts",
    on(async (store) => {
      await put(store, [live(1, 2)]);
      const { seq } = await onlyEntry(store);
      await store.log.settle("east", [done("box", seq, 1000)]);
      await store.log.settle("east", [failed("box", 5), done("box", seq + 9, 2000)]);
      expect(await store.log.backlog("east")).toEqual([{ ...idle, account: ACCOUNT, lastSuccess: 2000 }]);
    }),
  );
}

function watchTests(on: On): void {
  /** Resolves at the next call. */
  const called = (store: MailboxStore) =>
    new Promise<void>((resolve) => {
      const end = store.log.watch(() => {
        end();
        resolve();
      });
    });

  test(
    "whatever changes the log calls those who watch it",
    on(async (store) => {
      const { log } = store;
      await stageFor(store, [live(1, 2)]);
      const change = await changeOf(store, [live(1, 2)]);
      const put2 = { entry: entryOf("new", "New", 2), uidValidity: 5 };
      const actions: (() => Promise<unknown>)[] = [
        () => store.apply(change),
        () => store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts: [put2] }),
        () => log.settle("east", [failed("box", 5, BRAKE)]),
        () => log.allow("east", null),
        () => log.add("east", [{ account: "bob", mailboxId: "" }]),
        () => log.noteChannel({ name: "east", peer: PEER, note: "" }),
        () => log.addChannel("west"),
        () => log.removeChannel("west"),
      ];
      for (const action of actions) {
        const call = called(store);
        await action();
        await call;
      }
    }),
  );

  test(
    "a listener is called at most once in a turn of the event loop",
    on(async (store) => {
      let calledNow = false;
      const twice: boolean[] = [];
      const end = store.log.watch(() => {
        twice.push(calledNow);
        calledNow = true;
        setImmediate(() => {
          calledNow = false;
        });
      });
      for (let round = 0; round < 5; round++) {
        const mailboxes = Array.from({ length: 20 }, (_, i) => ({ account: "bob", mailboxId: `${round}-${i}` }));
        const call = called(store);
        await Promise.all(mailboxes.map((mailbox) => store.log.add("east", [mailbox])));
        await call;
      }
      end();
      expect(twice).not.toContain(true);
      expect(twice.length).toBeGreaterThanOrEqual(5);
    }),
  );

  test(
    "one that is ended is called no more; what a listener throws is only a warning",
    on(async (store) => {
      const calls: string[] = [];
      const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
      const end = store.log.watch(() => calls.push("ended"));
      const listener = () => {
        calls.push("fails");
        throw new Error("a listener's own fault");
      };
      const endFailing = store.log.watch(listener);
      end();
      end();
      const call = called(store);
      await put(store, [live(1, 2)]);
      await call;
      endFailing();
      expect((await warned).message).toBe("a listener's own fault");
      expect(new Set(calls)).toEqual(new Set(["fails"]));
      const next = called(store);
      const before = calls.length;
      await put(store, [live(2, 3)]);
      await next;
      expect(calls.length).toBe(before);
    }),
  );
}
