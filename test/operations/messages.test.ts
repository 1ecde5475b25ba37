/**
 * Appending, copying, moving, flagging and expunging messages.
 */
import { expect, test } from "vitest";
import { flagNames } from "../../src/model/flags.ts";
import { type LiveRecord, MAX_UID } from "../../src/model/record.ts";
import {
  appendMessages,
  copyMessages,
  createMailbox,
  expungeMessages,
  moveMessages,
  parseUidSet,
  storeFlags,
  uidSetOf,
} from "../../src/operations/index.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { codeOf } from "../contract/store/fixtures.ts";
import { checkStore, recordsIn } from "../store/checks.ts";
import { onBothStores } from "./stores.ts";

const A = "ann@example.org";

async function filled(store: MailboxStore, count: number): Promise<number[]> {
  await createMailbox(store, A, "INBOX", { mailboxId: () => "inbox" });
  return appendSome(store, count);
}

async function appendSome(store: MailboxStore, count: number, flags: string[] = []): Promise<number[]> {
  const messages = Array.from({ length: count }, (_, i) => {
    return { bytes: Buffer.from(`message ${i}`), flags, internalDate: 1000 * i };
  });
  return [...(await appendMessages(store, A, "INBOX", messages)).uids];
}

async function inbox(store: MailboxStore): Promise<LiveRecord[]> {
  return (await recordsIn(store, A, "inbox")).filter((record) => !record.expunged);
}

onBothStores((on) => {
  test(
    "append: UIDs ascend from uidNext, all under one new modseq, without stamps",
    on(async (store) => {
      expect(await filled(store, 3)).toEqual([1, 2, 3]);
      expect(await appendSome(store, 2, ["\\seen", "$Work"])).toEqual([4, 5]);
      const records = await inbox(store);
      expect(records.map(({ modseq, createdModseq }) => [modseq, createdModseq])).toEqual([
        [2, 2],
        [2, 2],
        [2, 2],
        [3, 3],
        [3, 3],
      ]);
      expect(flagNames(records[4] as LiveRecord)).toEqual(["$Work", "\\Seen"]);
      expect(records[4]).toMatchObject({ flagStamps: [], internalDate: 1000, size: 9 });
      expect(await store.mailbox(A, "inbox")).toMatchObject({ state: { uidNext: 6, highestModseq: 3 } });
      await checkStore(store);
    }),
  );

  test(
    "append: nothing is written for no message, a missing mailbox, a wrong flag or date",
    on(async (store) => {
      await filled(store, 1);
      const before = await store.tree(A);
      expect((await appendMessages(store, A, "INBOX", [])).uids).toEqual([]);
      const message = { bytes: Buffer.from("x"), flags: [] as string[], internalDate: 0 };
      expect(await codeOf(() => appendMessages(store, A, "None", [message]))).toBe("not-found");
      expect(await codeOf(() => appendMessages(store, A, "INBOX", [{ ...message, flags: ["\\Nope"] }]))).toBe(
        "invalid-argument",
      );
      expect(await codeOf(() => appendMessages(store, A, "INBOX", [{ ...message, internalDate: Number.NaN }]))).toBe(
        "invalid-argument",
      );
      const absent = { guid: "ab".repeat(32), size: 3, flags: [], internalDate: 0 };
      expect(await codeOf(() => appendMessages(store, A, "INBOX", [absent]))).toBe("body-missing");
      expect(await store.tree(A)).toEqual(before);
    }),
  );

  test(
    "append: a message that is staged is named by its GUID, inbox in any case is INBOX",
    on(async (store) => {
      await filled(store, 0);
      const [guid] = (await store.stage([Buffer.from("staged")])) as [string];
      const staged = { guid, size: 6, flags: [], internalDate: 0 };
      expect((await appendMessages(store, A, "inbox", [staged])).uids).toEqual([1]);
      await checkStore(store);
    }),
  );

  test(
    "append: used-up UIDs are refused",
    on(async (store) => {
      await filled(store, 0);
      const { state } = (await store.mailbox(A, "inbox")) ?? expect.fail("no mailbox");
      const after = { ...state, uidNext: MAX_UID };
      await store.apply({ account: A, mailboxId: "inbox", before: state, after, records: [] });
      expect(await codeOf(() => appendSome(store, 2))).toBe("limit");
      expect(await appendSome(store, 1)).toEqual([MAX_UID]);
      expect(await codeOf(() => appendSome(store, 1))).toBe("limit");
    }),
  );

  test(
    "P13: appends at the same time all go through, each UID once",
    on(async (store) => {
      await filled(store, 0);
      const uids = (await Promise.all(Array.from({ length: 20 }, () => appendSome(store, 3)))).flat();
      expect(uids.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
      expect(await inbox(store)).toHaveLength(60);
      await checkStore(store);
    }),
  );

  test(
    "P8: flags changed under one new modseq are stamped with it, unchanged ones are not",
    on(async (store) => {
      await filled(store, 200);
      await storeFlags(store, A, "INBOX", parseUidSet("2"), { add: ["\\Flagged"] });
      const edit = { add: ["\\Flagged", "Work"], remove: ["\\Seen"] };
      expect(await storeFlags(store, A, "INBOX", parseUidSet("1:2,150"), edit)).toMatchObject({ changed: 3 });
      const records = await inbox(store);
      const stamp = (flag: string, modseq: number) => ({ flag, modseq });
      expect(records[0]?.flagStamps).toEqual([stamp("\\flagged", 4), stamp("work", 4)]);
      expect(records[1]?.flagStamps).toEqual([stamp("\\flagged", 3), stamp("work", 4)]);
      expect(records.filter(({ modseq }) => modseq === 4).map(({ uid }) => uid)).toEqual([1, 2, 150]);
      await checkStore(store);
    }),
  );

  test(
    "RFC 4315: appending, copying and moving tell the uidValidity of the mailbox they wrote to",
    on(async (store) => {
      await filled(store, 2);
      const { state: copies } = await createMailbox(store, A, "Copies");
      const { state: archive } = await createMailbox(store, A, "Archive");
      expect(copies.uidValidity).not.toBe(archive.uidValidity);
      const message = { bytes: Buffer.from("one"), flags: [], internalDate: 0 };
      const appended = await appendMessages(store, A, "Copies", [message]);
      expect(appended).toEqual({ uidValidity: copies.uidValidity, uids: [1] });
      const copied = await copyMessages(store, A, "INBOX", parseUidSet("2"), "Copies");
      expect(copied).toEqual({ uidValidity: copies.uidValidity, uids: [{ from: 2, to: 2 }] });
      const moved = await moveMessages(store, A, "Copies", parseUidSet("1:5"), "Archive");
      expect(moved).toMatchObject({ uidValidity: archive.uidValidity, uids: [{ from: 1 }, { from: 2 }] });
      const none = await moveMessages(store, A, "Copies", parseUidSet("1:5"), "Archive");
      expect(none).toEqual({ uidValidity: archive.uidValidity, uids: [] });
    }),
  );

  test(
    "flags: replaced, those in neither set are left alone, stamps included",
    on(async (store) => {
      await filled(store, 1);
      const one = parseUidSet("1");
      await storeFlags(store, A, "INBOX", one, { add: ["\\Seen", "\\Draft", "Work", "old"] });
      const edit = { replace: ["\\Seen", "WORK", "\\Flagged"] };
      expect(await storeFlags(store, A, "INBOX", one, edit)).toEqual({ changed: 1, modseq: 4, modified: [] });
      const [record] = (await inbox(store)) as [LiveRecord];
      expect(flagNames(record)).toEqual(["Work", "\\Flagged", "\\Seen"]);
      expect(record.flagStamps.filter(({ modseq }) => modseq === 4).map(({ flag }) => flag)).toEqual([
        "\\draft",
        "\\flagged",
        "old",
      ]);
      expect(await storeFlags(store, A, "INBOX", one, edit)).toEqual({ changed: 0, modseq: null, modified: [] });
      await storeFlags(store, A, "INBOX", one, { replace: [] });
      expect(flagNames((await inbox(store))[0] as LiveRecord)).toEqual([]);
      const both = { replace: ["\\Seen"], add: ["\\Draft"] };
      expect(await codeOf(() => storeFlags(store, A, "INBOX", one, both))).toBe("invalid-argument");
      await checkStore(store);
    }),
  );

  test(
    "RFC 7162: messages changed since are left alone and named, whatever their flags",
    on(async (store) => {
      await filled(store, 4);
      const all = parseUidSet("1:9");
      await storeFlags(store, A, "INBOX", parseUidSet("2,4"), { add: ["\\Seen"] });
      const edit = { add: ["\\Seen"], unchangedSince: 2 };
      expect(await storeFlags(store, A, "INBOX", all, edit)).toEqual({ changed: 2, modseq: 4, modified: [2, 4] });
      expect(await storeFlags(store, A, "INBOX", all, { ...edit, unchangedSince: 0 })).toEqual({
        changed: 0,
        modseq: null,
        modified: [1, 2, 3, 4],
      });
      expect(await storeFlags(store, A, "INBOX", all, { ...edit, unchangedSince: 4 })).toMatchObject({ modified: [] });
      for (const unchangedSince of [-1, 1.5, Number.NaN])
        expect(await codeOf(() => storeFlags(store, A, "INBOX", all, { unchangedSince }))).toBe("invalid-argument");
    }),
  );

  test(
    "P13: of stores on condition at the same time one goes through for each message",
    on(async (store) => {
      await filled(store, 3);
      const { state } = (await store.mailbox(A, "inbox")) ?? expect.fail("no mailbox");
      const edit = (i: number) => ({ add: [`taken-by-${i}`], unchangedSince: state.highestModseq });
      const takers = Array.from({ length: 8 }, (_, i) => storeFlags(store, A, "INBOX", parseUidSet("1:3"), edit(i)));
      const results = await Promise.all(takers);
      expect(results.filter(({ changed }) => changed === 3)).toHaveLength(1);
      expect(results.filter(({ modified }) => modified.length === 3)).toHaveLength(7);
      expect((await inbox(store)).map(({ keywords }) => keywords.length)).toEqual([1, 1, 1]);
    }),
  );

  test(
    "flags: what changes nothing writes nothing",
    on(async (store) => {
      await filled(store, 3);
      await storeFlags(store, A, "INBOX", parseUidSet("1"), { add: ["Work"] });
      const before = await store.tree(A);
      expect(await storeFlags(store, A, "INBOX", parseUidSet("1"), { add: ["WORK"] })).toMatchObject({ changed: 0 });
      expect(await storeFlags(store, A, "INBOX", parseUidSet("4:90"), { add: ["\\Seen"] })).toMatchObject({
        changed: 0,
      });
      expect(await storeFlags(store, A, "INBOX", parseUidSet("*"), { remove: ["\\Seen"] })).toMatchObject({
        changed: 0,
      });
      expect(await codeOf(() => storeFlags(store, A, "INBOX", [], { add: ["a b"] }))).toBe("invalid-argument");
      expect(await store.tree(A)).toEqual(before);
    }),
  );

  test(
    "RFC 9051: * is the highest UID that is there, not uidNext",
    on(async (store) => {
      await filled(store, 300);
      await expungeMessages(store, A, "INBOX", parseUidSet("201:300"));
      expect(await storeFlags(store, A, "INBOX", parseUidSet("*"), { add: ["\\Seen"] })).toMatchObject({ changed: 1 });
      expect(await storeFlags(store, A, "INBOX", parseUidSet("250:*"), { add: ["\\Seen", "\\Draft"] })).toMatchObject({
        changed: 1,
      });
      expect((await inbox(store)).at(-1)).toMatchObject({ uid: 200, systemFlags: 0b10001 });
    }),
  );

  test(
    "P2: expunged messages leave tombstones under one new modseq",
    on(async (store) => {
      await filled(store, 130);
      expect(await expungeMessages(store, A, "INBOX", parseUidSet("1:100,130"))).toBe(101);
      expect(await expungeMessages(store, A, "INBOX", parseUidSet("1:100"))).toBe(0);
      const records = await recordsIn(store, A, "inbox");
      expect(records).toHaveLength(130);
      expect(records[0]).toMatchObject({ expunged: true, modseq: 3, graves: [{ formerUids: [] }] });
      expect(await appendSome(store, 1)).toEqual([131]);
      await checkStore(store);
    }),
  );

  test(
    "P7: a copy has flags and date of the original, no body is written, the original stays",
    on(async (store) => {
      await filled(store, 5);
      await storeFlags(store, A, "INBOX", parseUidSet("2:3"), { add: ["\\Seen", "x"] });
      await createMailbox(store, A, "Copies", { mailboxId: () => "copies" });
      const copied = await copyMessages(store, A, "INBOX", parseUidSet("2:3,99"), "Copies");
      expect(copied.uids).toEqual([
        { from: 2, to: 1 },
        { from: 3, to: 2 },
      ]);
      const [original] = (await inbox(store)).slice(1);
      const [copy] = await recordsIn(store, A, "copies");
      const { guid, size, internalDate, systemFlags, keywords } = original as LiveRecord;
      expect(copy).toEqual({
        ...{ expunged: false, uid: 1, modseq: 2, createdModseq: 2, flagStamps: [], formerUids: [] },
        ...{ guid, size, internalDate, systemFlags, keywords },
      });
      expect(await store.bodyReferences([guid])).toEqual([2]);
      await checkStore(store);
    }),
  );

  test(
    "a move leaves tombstones in the source; within one mailbox it gives new UIDs",
    on(async (store) => {
      await filled(store, 4);
      await createMailbox(store, A, "Archive", { mailboxId: () => "archive" });
      expect((await moveMessages(store, A, "INBOX", parseUidSet("1:2"), "Archive")).uids).toEqual([
        { from: 1, to: 1 },
        { from: 2, to: 2 },
      ]);
      expect((await inbox(store)).map(({ uid }) => uid)).toEqual([3, 4]);
      expect(await recordsIn(store, A, "archive")).toHaveLength(2);
      expect((await moveMessages(store, A, "INBOX", uidSetOf([3]), "INBOX")).uids).toEqual([{ from: 3, to: 5 }]);
      expect((await inbox(store)).map(({ uid }) => uid)).toEqual([4, 5]);
      expect(await codeOf(() => moveMessages(store, A, "INBOX", uidSetOf([4]), "None"))).toBe("not-found");
      expect(await inbox(store)).toHaveLength(2);
      await checkStore(store);
    }),
  );
});
