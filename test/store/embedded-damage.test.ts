/**
 * Damage in the embedded store's index and segments: found where it is, repaired without a change that anybody sees.
 */
import { describe, expect, test } from "vitest";
import { tombstoneOf } from "../../src/model/record.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import {
  ACCOUNT,
  agreed,
  batchesOf,
  codeOf,
  getMailbox,
  guidOf,
  live,
  makeMailbox,
  messageBytes,
  PEER,
  put,
  range,
} from "../contract/store/fixtures.ts";
import { checkStore, withDirectory } from "./checks.ts";
import { changeRows, flipText } from "./damage.ts";

/** A store with 200 messages, some expunged. */
async function withMail(body: (directory: string, store: MailboxStore) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await makeMailbox(store);
    const records = range(1, 200).map((uid) => live(uid, 2));
    await put(store, records);
    await put(
      store,
      records.slice(64, 80).map((record) => tombstoneOf(record, 3)),
    );
    await body(directory, store);
    await store.close();
  });
}

async function examine(store: MailboxStore) {
  const snapshot = await store.snapshot(ACCOUNT, "box");
  try {
    return await snapshot.examine();
  } finally {
    await snapshot.close();
  }
}

describe("sums", () => {
  test("a mailbox's stored digest that does not fit is found and corrected, and nothing else changes", () =>
    withMail(async (directory, store) => {
      const sound = await getMailbox(store);
      changeRows(directory, "UPDATE mailbox SET crc = crc + 1, live = live - 1");
      const { state } = await getMailbox(store);
      expect(state.digest).not.toEqual(sound.state.digest);
      expect((await examine(store)).digest).toEqual(sound.state.digest);
      expect(await store.correctDigest(ACCOUNT, "box", sound.state)).toBe("conflict");
      expect(await store.correctDigest(ACCOUNT, "box", state)).toBe("applied");
      expect(await getMailbox(store)).toEqual(sound);
    }));

  test.each(["crc = crc + 1", "live = 0", "highest_modseq = 1", "lowest_tombstone = 9"])(
    "a block's sum that does not fit (%s) is found and corrected",
    (change) =>
      withMail(async (directory, store) => {
        changeRows(directory, `UPDATE block SET ${change} WHERE id = (SELECT min(id) + 1 FROM block)`);
        expect(await examine(store)).toMatchObject({ damaged: [], wrongSums: 1 });
        expect(await store.correctDigest(ACCOUNT, "box", (await getMailbox(store)).state)).toBe("applied");
        expect(await examine(store)).toMatchObject({ damaged: [], wrongSums: 0 });
        await checkStore(store);
      }),
  );
});

describe("records", () => {
  test.each(["bytes = zeroblob(length(bytes))", "records = records + 1", "first_uid = 3", "sum = sum + 1"])(
    "a damaged block (%s) is never read as if it were sound, and put back by exactly the same records",
    (change) =>
      withMail(async (directory, store) => {
        const sound = await batchesOf(store);
        changeRows(directory, `UPDATE block SET ${change} WHERE id = (SELECT min(id) + 1 FROM block)`);
        expect(await codeOf(() => batchesOf(store))).toBe("digest-fault");
        expect(await codeOf(() => put(store, [live(100, 4)]))).toBe("digest-fault");
        const { state } = await getMailbox(store);
        expect(await codeOf(() => store.correctDigest(ACCOUNT, "box", state))).toBe("digest-fault");
        expect((await examine(store)).damaged).toEqual([{ firstUid: 64, lastUid: 127 }]);
        expect(await store.restoreRecords(ACCOUNT, "box", sound.slice(2))).toBe(0);
        expect(await store.restoreRecords(ACCOUNT, "box", sound)).toBe(1);
        expect(await batchesOf(store)).toEqual(sound);
        await checkStore(store);
      }),
  );
});

describe("everything else", () => {
  const beside = [
    ["UPDATE mailbox SET uid_next = uid_next + 1", /What is kept of mailbox "INBOX"/],
    ["UPDATE mailbox SET entry = replace(entry, 'INBOX', 'INBOY')", /mailbox "INBOX"/],
    ["UPDATE account SET modseq = modseq + 1", /The account "ann@example.org"/],
    ["UPDATE cursor SET value = replace(value, '100', '101')", /1 cursors/],
    ["UPDATE segment SET reserved = 10", /segment 1/],
    ["UPDATE pack_refs SET refs = zeroblob(length(refs)) WHERE id = 1", /counts of references/],
    ["UPDATE sequence SET body = body - 1", /number of the next message/],
    ["UPDATE channel SET peer = 'other'", /The channel "peer"/],
    ["UPDATE log_sequence SET last = 77", /newest logged change/],
    ["UPDATE change_log SET next_try = 99999999999999", /in the change log/],
    ["UPDATE note SET value = 'other'", /The note "mine"/],
    ["INSERT INTO alias SELECT account, 'strange', key FROM mailbox", /mailbox "INBOX"/],
  ] as const;

  test.each(beside)("%s is found", (change, sentence) =>
    withMail(async (directory, store) => {
      await store.saveCursors(PEER, [
        { account: ACCOUNT, mailboxId: "box", cursor: agreed((await getMailbox(store)).state) },
      ]);
      await store.log.addChannel("peer");
      await put(store, [live(201, 4)]);
      await store.writeNote("mine", "this");
      expect(await store.check()).toEqual([]);
      changeRows(directory, change);
      expect((await store.check()).join("\n")).toMatch(sentence);
    }),
  );

  test("a damaged cursor is as if there were none", () =>
    withMail(async (directory, store) => {
      const cursor = agreed((await getMailbox(store)).state);
      await store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box", cursor }]);
      changeRows(directory, "UPDATE cursor SET value = replace(value, '201', '101')");
      expect(await store.cursor(PEER, ACCOUNT, "box")).toBeNull();
      expect(await store.cursors(PEER)).toEqual([]);
    }));

  test("P6: messages whose references are damaged are not dropped, not even once they are counted on", () =>
    withMail(async (directory, store) => {
      changeRows(directory, "UPDATE pack_refs SET refs = zeroblob(length(refs))");
      expect(await store.compact()).toMatchObject({ bodiesDropped: 0 });
      await put(store, [live(201, 4, { n: 1 })]);
      await put(store, [tombstoneOf(live(201, 4, { n: 1 }), 5)]);
      expect(await store.compact()).toMatchObject({ bodiesDropped: 0 });
      const bytes = await store.readBody(guidOf(messageBytes(1)), 0, 100);
      expect(guidOf(bytes)).toBe(guidOf(messageBytes(1)));
    }));

  test("nothing is written over where it is not known what is reserved", () =>
    withMail(async (directory, store) => {
      changeRows(directory, "UPDATE segment SET reserved = 0");
      const other = await openEmbeddedStore(directory);
      await other.stage([Buffer.alloc(10_000, 1)]);
      await other.close();
      await checkStore(store);
    }));

  test("P6: a damaged entry of the change log becomes one of its whole account", () =>
    withMail(async (directory, store) => {
      await store.log.addChannel("peer");
      await put(store, [live(201, 4)]);
      changeRows(directory, "UPDATE change_log SET mailbox_id = 'boy', next_try = 99999999999999");
      await store.log.addChannel("peer");
      expect(await store.log.due("peer", Date.now() + 1000, 10)).toMatchObject([{ account: ACCOUNT, mailboxId: "" }]);
      expect(await store.check()).toEqual([]);
    }));
});

describe("bodies", () => {
  test("scenario 22: a damaged message is written anew, read at once by others, and its old place is given up", () =>
    withMail(async (directory, store) => {
      const guid = guidOf(messageBytes(7));
      const other = await openEmbeddedStore(directory);
      for (const each of [store, other]) {
        await each.bodySizes([guid]);
        await each.readBody(guid, 0, 100);
      }
      await flipText(directory, "Subject: 7\r");
      for (const each of [store, other])
        expect(await codeOf(() => each.readBody(guid, 0, 100))).toBe("body-unreadable");
      await store.stage([messageBytes(7)]);
      expect(await codeOf(() => store.readBody(guid, 0, 100))).toBe("body-unreadable");
      await store.setAside([guid]);
      await store.stage([messageBytes(7)]);
      for (const each of [store, other]) expect(guidOf(await each.readBody(guid, 0, 100))).toBe(guid);
      await other.close();
      await checkStore(store);
      await store.compact();
      await checkStore(store);
    }));

  test("P6: a message that was lost with its row is kept once it is written anew, and does not hinder an expunge", () =>
    withMail(async (directory, store) => {
      const guid = guidOf(messageBytes(100));
      changeRows(directory, "DELETE FROM pack WHERE id = 1; DELETE FROM pack_refs WHERE id = 1");
      expect(await store.missingBodies([guid])).toEqual([0]);
      await store.setAside([guid]);
      await store.stage([messageBytes(100)]);
      expect(await store.compact()).toMatchObject({ bodiesDropped: 0 });
      expect(guidOf(await store.readBody(guid, 0, 100))).toBe(guid);
      await put(store, [tombstoneOf(live(101, 2), 4)]);
      expect((await getMailbox(store)).state.digest.count).toBe(183);
    }));
});
