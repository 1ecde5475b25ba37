/**
 * Creating, renaming and deleting mailboxes, and purging tombstones.
 */
import { expect, test } from "vitest";
import {
  appendMessages,
  createMailbox,
  deleteMailbox,
  expungeMessages,
  forgetPeer,
  parseUidSet,
  purgeAccount,
  purgeTombstones,
  renameMailbox,
  setMailboxAttribute,
} from "../../src/operations/index.ts";
import type { Mailbox, MailboxStore } from "../../src/store/store.ts";
import { agreed, codeOf } from "../contract/store/fixtures.ts";
import { checkStore, recordsIn } from "../store/checks.ts";
import { onBothStores } from "./stores.ts";

const A = "ann@example.org";
const at = (seconds: number, mailboxId: string) => ({ now: () => 1000 * seconds, mailboxId: () => mailboxId });

async function append(store: MailboxStore, name: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, i) => ({
    bytes: Buffer.from(`m ${i}`),
    flags: [],
    internalDate: i,
  }));
  await appendMessages(store, A, name, messages);
}

async function named(store: MailboxStore, name: string): Promise<Mailbox> {
  return (await store.mailboxNamed(A, name)) ?? expect.fail(`no mailbox ${name}`);
}

onBothStores((on) => {
  test(
    "create: identity is random, uidValidity is the clock's, the tree's modseq rises",
    on(async (store) => {
      const { entry, state } = await createMailbox(store, A, "inbox", { now: () => 1_700_000_000_999 });
      expect(entry.mailboxId).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(entry).toMatchObject({ name: "INBOX", nameStamp: 1, createdStamp: 1, modseq: 1, formerNames: [] });
      expect(state).toMatchObject({ uidValidity: 1_700_000_000, uidNext: 1, highestModseq: 1 });
      expect((await createMailbox(store, A, "Other")).entry.mailboxId).not.toBe(entry.mailboxId);
      expect((await store.tree(A)).modseq).toBe(2);
    }),
  );

  test(
    "P4: uidValidity is above any that the account has ever shown, whatever the clock says",
    on(async (store) => {
      await createMailbox(store, A, "A", at(500, "a"));
      expect((await createMailbox(store, A, "B", at(400, "b"))).state.uidValidity).toBe(501);
      await deleteMailbox(store, A, "B");
      expect((await createMailbox(store, A, "B", at(501, "b2"))).state.uidValidity).toBe(502);
      expect((await createMailbox(store, A, "C", at(900, "c"))).state.uidValidity).toBe(900);
    }),
  );

  test(
    "create: a taken name, an impossible one and an impossible account are refused",
    on(async (store) => {
      await createMailbox(store, A, "A");
      const before = await store.tree(A);
      expect(await codeOf(() => createMailbox(store, A, "A"))).toBe("exists");
      expect(await codeOf(() => createMailbox(store, A, ""))).toBe("invalid-argument");
      expect(await codeOf(() => createMailbox(store, A, "a\0b"))).toBe("invalid-argument");
      expect(await codeOf(() => createMailbox(store, "", "B"))).toBe("invalid-argument");
      expect(await store.tree(A)).toEqual(before);
      expect(await store.accounts()).toEqual([A]);
    }),
  );

  test(
    "P13: mailboxes created at the same time all come to be, of one name just one",
    on(async (store) => {
      const names = ["A", "B", "C", "D", "A", "B"];
      const codes = await Promise.all(names.map((name) => codeOf(() => createMailbox(store, A, name))));
      expect(codes.filter((code) => code === "no error")).toHaveLength(4);
      expect(codes.filter((code) => code === "exists")).toHaveLength(2);
      const { mailboxes } = await store.tree(A);
      expect(new Set(mailboxes.map(({ state }) => state.uidValidity)).size).toBe(4);
    }),
  );

  test(
    "scenario 39: a rename keeps identity, UIDs and uidValidity, and remembers the name",
    on(async (store) => {
      await createMailbox(store, A, "Old", at(500, "box"));
      await append(store, "Old", 2);
      const { entry, state } = await renameMailbox(store, A, "Old", "New");
      expect(entry).toMatchObject({ mailboxId: "box", name: "New", nameStamp: 2, createdStamp: 1, modseq: 2 });
      expect(entry.formerNames).toEqual([{ name: "Old", uidValidity: 500 }]);
      expect(state).toMatchObject({ uidValidity: 500, uidNext: 3, digest: { count: 2 } });
      expect(await store.mailboxNamed(A, "Old")).toBeNull();
      await renameMailbox(store, A, "New", "Old");
      const { entry: back } = await renameMailbox(store, A, "Old", "New");
      expect(back.formerNames.map(({ name }) => name)).toEqual(["New", "Old"]);
    }),
  );

  test(
    "P4: a rename to a name that showed a higher uidValidity raises it, and only then",
    on(async (store) => {
      await createMailbox(store, A, "Low", at(500, "low"));
      await createMailbox(store, A, "High", at(800, "high"));
      await renameMailbox(store, A, "High", "Away");
      expect((await renameMailbox(store, A, "Low", "High")).state.uidValidity).toBe(801);
      expect((await renameMailbox(store, A, "Away", "Elsewhere")).state.uidValidity).toBe(800);
    }),
  );

  test(
    "rename: a missing mailbox, a taken name and the same name are refused",
    on(async (store) => {
      await createMailbox(store, A, "A");
      await createMailbox(store, A, "B");
      const before = await store.tree(A);
      expect(await codeOf(() => renameMailbox(store, A, "None", "C"))).toBe("not-found");
      expect(await codeOf(() => renameMailbox(store, A, "A", "B"))).toBe("exists");
      expect(await codeOf(() => renameMailbox(store, A, "A", "A"))).toBe("exists");
      expect(await codeOf(() => renameMailbox(store, A, "A", "\ud800"))).toBe("invalid-argument");
      expect(await store.tree(A)).toEqual(before);
    }),
  );

  test(
    "scenario 43: a deleted mailbox keeps tombstones of all its messages and frees its name",
    on(async (store) => {
      await createMailbox(store, A, "A", at(500, "a"));
      await append(store, "A", 150);
      await expungeMessages(store, A, "A", parseUidSet("1:10"));
      await deleteMailbox(store, A, "A");
      const records = await recordsIn(store, A, "a");
      expect(records.map(({ expunged, modseq }) => expunged && modseq)).toEqual([
        ...Array(10).fill(3),
        ...Array(140).fill(4),
      ]);
      expect(await store.mailbox(A, "a")).toMatchObject({ entry: { deleted: true, name: "A", modseq: 2 } });
      expect((await createMailbox(store, A, "A", at(1, "a2"))).state.uidValidity).toBe(501);
      expect(await codeOf(() => deleteMailbox(store, A, "None"))).toBe("not-found");
      expect(await checkStore(store)).toEqual([]);
    }),
  );

  test(
    "an empty mailbox is deleted too",
    on(async (store) => {
      await createMailbox(store, A, "A");
      await deleteMailbox(store, A, "A");
      expect(await store.mailboxNamed(A, "A")).toBeNull();
    }),
  );

  test(
    "attributes are stamped, kept in order, and written only if they change",
    on(async (store) => {
      await createMailbox(store, A, "A");
      await setMailboxAttribute(store, A, "A", "subscribed", "1");
      await setMailboxAttribute(store, A, "A", "specialUse", "\\Sent");
      const { entry } = await setMailboxAttribute(store, A, "A", "subscribed", "1");
      expect(entry.attributes).toEqual([
        { key: "specialUse", value: "\\Sent", stamp: 3 },
        { key: "subscribed", value: "1", stamp: 2 },
      ]);
      expect((await store.tree(A)).modseq).toBe(3);
      expect((await setMailboxAttribute(store, A, "A", "subscribed", "0")).entry.attributes[1]?.stamp).toBe(4);
    }),
  );

  test(
    "purge: without peers all tombstones go, and nothing else",
    on(async (store) => {
      await createMailbox(store, A, "A", at(1, "a"));
      await append(store, "A", 5);
      await expungeMessages(store, A, "A", parseUidSet("1:2"));
      await append(store, "A", 1);
      const { purged, mailbox } = await purgeTombstones(store, A, "A");
      expect(purged).toBe(2);
      expect(await named(store, "A")).toMatchObject(mailbox);
      expect(mailbox.state).toMatchObject({ purgedModseq: 3, highestModseq: 4 });
      expect((await recordsIn(store, A, "a")).map(({ uid }) => uid)).toEqual([3, 4, 5, 6]);
      expect(await purgeTombstones(store, A, "A")).toEqual({ mailbox, purged: 0, kept: 0, waitsFor: [] });
    }),
  );

  test(
    "purge: a tombstone stays until every known peer has confirmed it, unless all are asked for",
    on(async (store) => {
      await createMailbox(store, A, "A", at(1, "a"));
      await append(store, "A", 5);
      const save = async (peer: string) =>
        store.saveCursors(peer, [{ account: A, mailboxId: "a", cursor: agreed((await named(store, "A")).state) }]);
      const purge = async (all = false) => {
        const { purged, kept, waitsFor } = await purgeTombstones(store, A, "A", { all });
        return [purged, kept, waitsFor.join(" ")];
      };
      await expungeMessages(store, A, "A", parseUidSet("1"));
      await save("p1");
      await expungeMessages(store, A, "A", parseUidSet("2"));
      await save("p2");
      await expungeMessages(store, A, "A", parseUidSet("3"));
      expect(await purge()).toEqual([1, 2, "p1 p2"]);
      await save("p1");
      expect(await purge()).toEqual([1, 1, "p2"]);
      await store.saveCursors("p3", [
        { account: "other", mailboxId: "a", cursor: agreed((await named(store, "A")).state) },
      ]);
      await save("p1");
      await save("p2");
      expect(await purge()).toEqual([0, 1, "p3"]);
      await forgetPeer(store, "p3");
      expect(await purge()).toEqual([1, 0, ""]);
      await expungeMessages(store, A, "A", parseUidSet("4"));
      await forgetPeer(store, "p1");
      await save("p2");
      await save("p1");
      await expungeMessages(store, A, "A", parseUidSet("5"));
      expect(await purge()).toEqual([1, 1, "p1 p2"]);
      expect(await purge(true)).toEqual([1, 0, ""]);
      await checkStore(store);
    }),
  );

  test(
    "purge: a cursor of another uidValidity, or one that nobody agreed on, confirms nothing",
    on(async (store) => {
      await createMailbox(store, A, "A", at(1, "a"));
      await append(store, "A", 2);
      await expungeMessages(store, A, "A", parseUidSet("1"));
      const { state } = await named(store, "A");
      const { latest } = agreed(state);
      for (const cursor of [{ latest, agreed: null }, agreed({ ...state, uidValidity: 9 })]) {
        await store.saveCursors("p", [{ account: A, mailboxId: "a", cursor }]);
        expect((await purgeTombstones(store, A, "A")).purged).toBe(0);
      }
    }),
  );

  test(
    "purge of an account goes over all mailboxes, those deleted too",
    on(async (store) => {
      for (const name of ["A", "B"]) {
        await createMailbox(store, A, name);
        await append(store, name, 3);
      }
      await expungeMessages(store, A, "A", parseUidSet("1"));
      await deleteMailbox(store, A, "B");
      const results = await purgeAccount(store, A);
      expect(results.map(({ mailbox, purged }) => [mailbox.entry.name, purged]).sort()).toEqual([
        ["A", 1],
        ["B", 3],
      ]);
    }),
  );

  test(
    "P5: used-up modseqs are refused",
    on(async (store) => {
      await createMailbox(store, A, "A", at(1, "a"));
      const { state } = await named(store, "A");
      const after = { ...state, highestModseq: Number.MAX_SAFE_INTEGER };
      await store.apply({ account: A, mailboxId: "a", before: state, after, records: [] });
      expect(await codeOf(() => append(store, "A", 1))).toBe("limit");
    }),
  );
});
