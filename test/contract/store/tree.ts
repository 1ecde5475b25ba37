/**
 * Store contract: accounts, mailboxes and their names.
 */
import { describe, expect, test } from "vitest";
import { EMPTY_DIGEST } from "../../../src/model/state.ts";
import type { TreePut } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  codeOf,
  entryOf,
  getMailbox,
  live,
  makeMailbox,
  put,
  type StoreFactory,
  withStore,
} from "./fixtures.ts";

const account = ACCOUNT;

export function treeContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () => withStore(factory, body);
  const puts = (...entries: TreePut["entry"][]) => entries.map((entry) => ({ entry, uidValidity: 7 }));

  describe("tree", () => {
    test(
      "a new store has a random epoch and nothing in it",
      on(async (store) => {
        expect(store.storeEpoch).toMatch(/^[0-9a-f]{32}$/);
        expect(await store.accounts()).toEqual([]);
        expect(await store.tree(account)).toEqual({ modseq: 0, mailboxes: [] });
        expect(await store.mailbox(account, "box")).toBeNull();
        expect(await store.mailboxNamed(account, "INBOX")).toBeNull();
        expect(await codeOf(() => store.snapshot(account, "box"))).toBe("not-found");
      }),
    );

    test(
      "a new mailbox is empty and is found by id and by name",
      on(async (store) => {
        const mailbox = await makeMailbox(store);
        const state = { uidValidity: 100, uidNext: 1, highestModseq: 1, purgedModseq: 0, digest: EMPTY_DIGEST };
        expect(mailbox).toEqual({ entry: entryOf("box", "INBOX", 1), state, tombstones: EMPTY_DIGEST });
        expect(await store.mailboxNamed(account, "INBOX")).toEqual(mailbox);
        expect(await store.tree(account)).toEqual({ modseq: 1, mailboxes: [mailbox] });
      }),
    );

    test(
      "scenario 8: names and all attributes come back as they were",
      on(async (store) => {
        const names = ['a "b" %*/\\', "Entwürfe", "Entwu\u0308rfe", "日本 😀", "x".repeat(1000), " ", "inbox", "INBOX"];
        const attributes = [{ key: "subscribed", value: "1", stamp: 1 }];
        const formerNames = [{ name: "née", uidValidity: 3 }];
        const entries = names.map((name, i) =>
          entryOf(`m${i}`, name, 1, { attributes, formerNames, aliases: [`o${i}`] }),
        );
        await store.applyTree({ account, before: 0, after: 1, puts: puts(...entries) });
        for (const [i, name] of names.entries())
          expect((await store.mailboxNamed(account, name))?.entry).toEqual(entries[i]);
        expect((await store.tree(account)).mailboxes.map((mailbox) => mailbox.entry)).toEqual(entries);
      }),
    );

    test(
      "scenario 47: accounts are apart, also where one name begins with the other",
      on(async (store) => {
        for (const name of ["uab", "ua", "ü"]) await makeMailbox(store, "box", "INBOX", name);
        expect(await store.accounts()).toEqual(["ua", "uab", "ü"]);
        const gone = entryOf("box", "INBOX", 2, { deleted: true });
        await store.applyTree({ account: "ua", before: 1, after: 2, puts: puts(gone) });
        expect((await getMailbox(store, "box", "uab")).entry.deleted).toBe(false);
        expect(await store.mailboxNamed("ua", "INBOX")).toBeNull();
        expect((await getMailbox(store, "box", "ua")).entry).toEqual(gone);
      }),
    );

    test(
      "compare-and-set: another tree modseq is a conflict and changes nothing",
      on(async (store) => {
        await makeMailbox(store);
        const before = await store.tree(account);
        const change = { account, before: 0, after: 5, puts: puts(entryOf("other", "Other", 5)) };
        expect(await store.applyTree(change)).toBe("conflict");
        expect(await store.applyTree({ ...change, before: 2 })).toBe("conflict");
        expect(await store.tree(account)).toEqual(before);
      }),
    );

    test(
      "a change without entries raises the modseq, or keeps it",
      on(async (store) => {
        expect(await store.applyTree({ account, before: 0, after: 4, puts: [] })).toBe("applied");
        expect(await store.applyTree({ account, before: 4, after: 4, puts: [] })).toBe("applied");
        expect(await store.tree(account)).toEqual({ modseq: 4, mailboxes: [] });
        expect(await store.accounts()).toEqual([account]);
      }),
    );

    test(
      "scenario 41: names are swapped in one change",
      on(async (store) => {
        const entries = ["A", "B", "C"].map((name) => entryOf(name.toLowerCase(), name, 1));
        await store.applyTree({ account, before: 0, after: 1, puts: puts(...entries) });
        const turned = ["B", "C", "A"].map((name, i) => entryOf("abc"[i] as string, name, 2));
        expect(await store.applyTree({ account, before: 1, after: 2, puts: puts(...turned) })).toBe("applied");
        expect((await store.mailboxNamed(account, "A"))?.entry.mailboxId).toBe("c");
        expect((await store.mailboxNamed(account, "B"))?.entry.mailboxId).toBe("a");
      }),
    );

    test(
      "a name is had by one mailbox; a deleted one frees it",
      on(async (store) => {
        await makeMailbox(store, "a", "A");
        const twin = { account, before: 1, after: 2, puts: puts(entryOf("b", "A", 2)) };
        expect(await codeOf(() => store.applyTree(twin))).toBe("exists");
        const both = puts(entryOf("c", "C", 2), entryOf("d", "C", 2));
        expect(await codeOf(() => store.applyTree({ ...twin, puts: both }))).toBe("exists");
        expect(await store.tree(account)).toMatchObject({ modseq: 1, mailboxes: [{ entry: { mailboxId: "a" } }] });
        const replaced = puts(entryOf("a", "A", 2, { deleted: true }), entryOf("b", "A", 2));
        expect(await store.applyTree({ ...twin, puts: replaced })).toBe("applied");
        expect((await store.mailboxNamed(account, "A"))?.entry.mailboxId).toBe("b");
      }),
    );

    test(
      "P4: uidValidity of a mailbox that is there is raised, never lowered, and its records stay",
      on(async (store) => {
        await makeMailbox(store);
        await put(store, [live(1, 2)]);
        const entry = entryOf("box", "Renamed", 2);
        const change = { account, before: 1, after: 2, puts: [{ entry, uidValidity: 99 }] };
        await store.applyTree(change);
        expect((await getMailbox(store)).state.uidValidity).toBe(100);
        await store.applyTree({ ...change, before: 2, after: 3, puts: [{ entry, uidValidity: 101 }] });
        expect((await getMailbox(store)).state).toMatchObject({ uidValidity: 101, uidNext: 2, digest: { count: 1 } });
      }),
    );

    test(
      "impossible entries are refused and change nothing",
      on(async (store) => {
        await makeMailbox(store);
        await put(store, [live(1, 2)]);
        const tree = await store.tree(account);
        const wrong: [number, TreePut][] = [
          [2, { entry: entryOf("n", "a\0b", 2), uidValidity: 1 }],
          [2, { entry: entryOf("no space", "N", 2), uidValidity: 1 }],
          [2, { entry: entryOf("n", "N", 3), uidValidity: 1 }],
          [2, { entry: entryOf("n", "N", 2), uidValidity: 0 }],
          [2, { entry: entryOf("n", "N", 2), uidValidity: 2 ** 32 }],
          [1, { entry: entryOf("n", "N", 1), uidValidity: 1 }],
          [0, { entry: entryOf("n", "N", 0), uidValidity: 1 }],
          [2, { entry: entryOf("box", "INBOX", 2, { deleted: true }), uidValidity: 100 }],
        ];
        for (const [after, one] of wrong)
          expect(await codeOf(() => store.applyTree({ account, before: 1, after, puts: [one] }))).toBe(
            "invalid-change",
          );
        expect(await store.tree(account)).toEqual(tree);
      }),
    );

    test(
      "T05: an alias leads to its mailbox and cannot become another one",
      on(async (store) => {
        const entry = entryOf("new", "INBOX", 1, { aliases: ["old"] });
        await store.applyTree({ account, before: 0, after: 1, puts: puts(entry) });
        expect((await store.mailbox(account, "old"))?.entry).toEqual(entry);
        const clash = { account, before: 1, after: 2, puts: puts(entryOf("old", "Other", 2)) };
        expect(await codeOf(() => store.applyTree(clash))).toBe("exists");
      }),
    );
  });
}
