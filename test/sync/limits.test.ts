/** UIDs and modseqs at the ends of their ranges: what fits is done, the rest is refused with a clear error, nothing is lost. */
import { describe, expect, test } from "vitest";
import { MAX_KEYWORD_BYTES, MAX_KEYWORDS } from "../../src/model/flags.ts";
import { MAX_MODSEQ, MAX_UID } from "../../src/model/record.ts";
import { digestOfRecords } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { dumpOf, expectIdentical, expectSound } from "./support/checks.ts";
import { ACCOUNT, type Node } from "./support/node.ts";
import { STORE_KINDS } from "./support/stores.ts";
import { World } from "./support/world.ts";

/** Raises the counters of INBOX on one node. */
async function raise(store: MailboxStore, counters: { readonly uidNext?: number; readonly highestModseq?: number }) {
  const { entry, state } = (await store.mailboxNamed(ACCOUNT, "INBOX")) as NonNullable<
    Awaited<ReturnType<MailboxStore["mailboxNamed"]>>
  >;
  const change = { account: ACCOUNT, mailboxId: entry.mailboxId, before: state, after: { ...state, ...counters } };
  expect(await store.apply({ ...change, records: [] })).toBe("applied");
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );
}

const codes = (result: { issues: readonly { code: string }[] }) => result.issues.map(({ code }) => code);

/** GUIDs of all live messages, each once. */
async function guidsAt({ store }: Node): Promise<Set<string>> {
  const { accounts } = await dumpOf(store);
  const records = accounts.flatMap((one) => Object.values(one.records).flat());
  return new Set(records.flatMap((record) => (record.expunged ? [] : [record.guid])));
}

describe.each(STORE_KINDS)("$kind store", (kind) => {
  const inWorld = (body: (world: World) => Promise<void>) => async () => {
    const world = await World.open(kind);
    await world.a.create();
    await world.sync();
    await body(world).finally(() => world.close());
  };

  test(
    "the last UID is given, brought over, and the one after it refused",
    inWorld(async (world) => {
      const { a, b } = world;
      await raise(a.store, { uidNext: MAX_UID });
      expect(await a.deliver("INBOX", "the last one")).toEqual([MAX_UID]);
      expect(await codeOf(a.deliver("INBOX", "one too many"))).toBe("limit");
      await a.set("INBOX", MAX_UID, "\\Seen");
      await world.converge();
      await b.expunge("INBOX", MAX_UID);
      await world.converge();
      expect(await codeOf(b.deliver("INBOX", "none is free again"))).toBe("limit");
    }),
  );

  test(
    "P6: a merge that would need more UIDs than there are is told of, and both keep their messages",
    inWorld(async (world) => {
      const { a, b } = world;
      for (const { store } of [a, b]) await raise(store, { uidNext: MAX_UID });
      await a.deliver("INBOX", "at a");
      await b.deliver("INBOX", "at b");
      const before = [await guidsAt(a), await guidsAt(b)];
      for (let i = 0; i < 2; i++)
        expect(codes(await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS))).toEqual(["limit"]);
      expect([await guidsAt(a), await guidsAt(b)]).toEqual(before);
      for (const { store } of [a, b]) await expectSound(store);
    }),
  );

  test(
    "the last modseq is given, brought over, and the one after it refused",
    inWorld(async (world) => {
      const { a, b } = world;
      await a.deliver("INBOX", "some mail");
      await raise(a.store, { highestModseq: MAX_MODSEQ - 1 });
      await a.set("INBOX", 1, "\\Seen");
      await world.converge();
      for (const node of [a, b]) {
        expect(await codeOf(node.set("INBOX", 1, "\\Flagged"))).toBe("limit");
        expect(await codeOf(node.deliver("INBOX", "more"))).toBe("limit");
        expect(await codeOf(node.expunge("INBOX", 1))).toBe("limit");
      }
      await expectIdentical(a.store, b.store);
    }),
  );

  test(
    "P6: a merge that would need a modseq above the last is told of, and both keep what they have",
    inWorld(async (world) => {
      const { a, b } = world;
      await a.deliver("INBOX", "some mail");
      await world.sync();
      for (const { store } of [a, b]) await raise(store, { highestModseq: MAX_MODSEQ - 1 });
      await a.set("INBOX", 1, "\\Seen");
      await b.set("INBOX", 1, "\\Flagged");
      const before = [await dumpOf(a.store), await dumpOf(b.store)].map(({ accounts }) => accounts);
      for (const [left, right] of [
        [a, b],
        [b, a],
      ] as const)
        expect(codes(await syncStores(left.store, right.store, DEFAULT_SYNC_OPTIONS))).toEqual(["limit"]);
      expect([await dumpOf(a.store), await dumpOf(b.store)].map(({ accounts }) => accounts)).toEqual(before);
    }),
  );

  test(
    "names and keywords as long and as many as they may be cross whole",
    inWorld(async (world) => {
      const { a } = world;
      const name = `${"ä".repeat(200)}/${"x".repeat(100)}`;
      await a.create(name);
      const keywords = Array.from({ length: MAX_KEYWORDS }, (_, i) => `k${i}`.padEnd(MAX_KEYWORD_BYTES, "y"));
      await a.deliverWith(name, "marked all over", keywords);
      await world.converge();
      const { tree, records } = (await dumpOf(world.b.store)).accounts[0] as NonNullable<
        Awaited<ReturnType<typeof dumpOf>>["accounts"][0]
      >;
      const { entry, state } = tree.mailboxes.find((one) => one.entry.name === name) as (typeof tree.mailboxes)[0];
      const [record] = records[entry.mailboxId] ?? [];
      expect(record).toMatchObject({ keywords: expect.objectContaining({ length: MAX_KEYWORDS }) });
      expect(digestOfRecords(records[entry.mailboxId] ?? [])).toEqual(state.digest);
    }),
  );
});
