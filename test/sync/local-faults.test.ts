/** What is wrong in a node's own store is a local fault: told of, corrected, and never taken for a difference. */
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { exchange } from "../../src/sync/exchange.ts";
import type { LocalFault } from "../../src/sync/local-faults.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import { mendStore } from "../../src/sync/mend-store.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, openRemote } from "../../src/sync/session.ts";
import { createPair } from "../../src/transport/pair.ts";
import { withDirectory } from "../store/checks.ts";
import { changeRows } from "../store/damage.ts";
import { dumpOf, expectIdentical, expectSound } from "./support/checks.ts";
import { ACCOUNT, Node } from "./support/node.ts";

const opened: MailboxStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

/** Two nodes that are in step, with 150 messages. */
function withPair(body: (a: Node, b: Node, directories: { a: string; b: string }) => Promise<void>): Promise<void> {
  return withDirectory(async (parent) => {
    const directories = { a: join(parent, "a"), b: join(parent, "b") };
    const stores = [];
    for (const directory of Object.values(directories))
      stores.push(await openEmbeddedStore(directory, { create: true }));
    opened.push(...stores);
    const [a, b] = [new Node("a", stores[0] as MailboxStore), new Node("b", stores[1] as MailboxStore)];
    await a.create();
    await a.deliverAll(
      "INBOX",
      Array.from({ length: 150 }, (_, i) => `message ${i}`),
    );
    await a.expunge("INBOX", 7);
    await sync(a.store, b.store);
    await body(a, b, directories);
  });
}

interface Synced {
  readonly records: number;
  readonly issues: readonly unknown[];
  readonly left: LocalFault[];
  readonly right: LocalFault[];
}

/** One exchange, with the faults that each side told of. */
async function sync(left: MailboxStore, right: MailboxStore): Promise<Synced> {
  const faults = { left: [] as LocalFault[], right: [] as LocalFault[] };
  const [master, replica] = createPair();
  const served = serveReplica(right, replica, { node: "right", onFault: (fault) => faults.right.push(fault) });
  const remote = await openRemote(left, master, "left");
  const own = new LocalPeer(left, remote.storeEpoch, (fault) => faults.left.push(fault));
  const { counts, issues } = await exchange(own, remote, DEFAULT_SYNC_OPTIONS);
  await remote.close();
  await served;
  return { records: counts.recordsSent + counts.recordsReceived, issues, ...faults };
}

const WRONG = ["UPDATE mailbox SET crc = crc + 1", "UPDATE mailbox SET live = live + 3, crc_c = 0"];

describe("a stored digest that does not fit its records", () => {
  test.each(
    WRONG.flatMap((sql) =>
      (["a", "b"] as const).flatMap((where) => [true, false].map((isMaster) => [sql, where, isMaster] as const)),
    ),
  )("(%s at %s, which is master: %s) is corrected, and no record is sent", (sql, where, isMaster) =>
    withPair(async (a, b, directories) => {
      const before = [await dumpOf(a.store), await dumpOf(b.store)];
      changeRows(directories[where], sql);
      const [own, other] = where === "a" ? [a, b] : [b, a];
      const [left, right] = isMaster ? [own, other] : [other, own];
      const result = await sync(left.store, right.store);
      expect(result).toMatchObject({ records: 0, issues: [] });
      const [told, silent] = isMaster ? [result.left, result.right] : [result.right, result.left];
      expect(silent).toEqual([]);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ account: ACCOUNT, code: "digest-fault", isRepaired: true });
      const sentence =
        /digest of mailbox "INBOX" of account "default" was \d+ messages with digest \w{16}, its records give 149 messages/;
      expect(told[0]?.message).toMatch(sentence);
      expect((await dumpOf(a.store)).accounts).toEqual(before[0]?.accounts);
      expect((await dumpOf(b.store)).accounts).toEqual(before[1]?.accounts);
      await expectIdentical(a.store, b.store);
      expect(await sync(left.store, right.store)).toEqual({ records: 0, issues: [], left: [], right: [] });
    }),
  );

  test("P8: is corrected beside changes of both sides, which all arrive", () =>
    withPair(async (a, b, directories) => {
      changeRows(directories.a, WRONG[0] as string);
      await a.set("INBOX", 3, "\\Seen");
      await b.set("INBOX", 3, "\\Flagged");
      await b.deliver("INBOX", "new at b");
      const { issues, left } = await sync(a.store, b.store);
      expect({ issues, faults: left.length }).toEqual({ issues: [], faults: 1 });
      await expectIdentical(a.store, b.store);
    }));
});

describe("a stored digest that is wrong, met by a first copy", () => {
  for (const pushes of [true, false])
    test(`P9: is corrected, and ${pushes ? "pushed" : "pulled"}, all is there`, () =>
      withPair(async (a, _b, directories) => {
        changeRows(directories.a, WRONG[0] as string);
        const empty = await openEmbeddedStore(join(directories.b, "..", "c"), { create: true });
        opened.push(empty);
        const { issues, left, right } = await (pushes ? sync(a.store, empty) : sync(empty, a.store));
        expect({ issues, faults: (pushes ? left : right).length }).toEqual({ issues: [], faults: 1 });
        await expectIdentical(a.store, empty);
      }));
});

describe("records that are damaged", () => {
  test("P6, P12: are not brought to the other side as if they were gone; they are put back as they were", () =>
    withPair(async (a, b, directories) => {
      const before = await dumpOf(b.store);
      changeRows(
        directories.a,
        "UPDATE block SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT min(id) FROM block)",
      );
      for (const [left, right] of [
        [a, b],
        [b, a],
      ] as const)
        for (let i = 0; i < 2; i++) await sync(left.store, right.store);
      expect((await dumpOf(b.store)).accounts).toEqual(before.accounts);
      const repairs: string[] = [];
      const onRepair = ({ mailbox, what }: { mailbox: string; what: string }) => repairs.push(`${mailbox}: ${what}`);
      await mendStore(a.store, new LocalPeer(b.store, a.store.storeEpoch), { account: null, onRepair });
      expect(repairs).toEqual(["INBOX: the records of 1 blocks were put back"]);
      await sync(a.store, b.store);
      await expectIdentical(a.store, b.store);
      await expectSound(a.store);
    }));
});
