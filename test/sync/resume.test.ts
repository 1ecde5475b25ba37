/**
 * The resume property (P11): an exchange cut off at any frame leaves two valid stores; the next one completes it, loses and
 * doubles nothing, and sends no message again that has arrived.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver } from "../../src/sync/session.ts";
import { makeBusy } from "./support/busy.ts";
import { expectIdentical, expectSound } from "./support/checks.ts";
import { Node } from "./support/node.ts";
import { EMBEDDED, MEMORY, type StoreKind, type TestStore } from "./support/stores.ts";
import { Crossings, type Direction, openWire, type Wire, type WireOptions } from "./support/wire.ts";
import { expectIdle, World } from "./support/world.ts";

interface Cut {
  readonly direction: Direction;
  readonly when: "before" | "after";
}

const CUTS: readonly Cut[] = [
  { direction: "toReplica", when: "before" },
  { direction: "toReplica", when: "after" },
  { direction: "toMaster", when: "before" },
  { direction: "toMaster", when: "after" },
];

/** Texts of all messages by the mailbox's name, as multisets. */
async function allMail(store: MailboxStore): Promise<Record<string, string[]>> {
  const node = new Node("any", store);
  const mail: Record<string, string[]> = {};
  for (const name of await node.names()) mail[name] = Object.values(await node.messages(name)).sort();
  return mail;
}

async function run(master: MailboxStore, replica: MailboxStore, options: WireOptions): Promise<SyncResult | unknown> {
  const wire: Wire = openWire(replica, options);
  const result = await syncOver(master, wire.master, DEFAULT_SYNC_OPTIONS).catch((error: unknown) => error);
  await wire.served;
  return result;
}

/** How many frames an uninterrupted exchange takes each way, and what is there afterwards. */
async function uninterrupted(kind: StoreKind, a: TestStore, b: TestStore) {
  const [left, right] = [await kind.copy(a), await kind.copy(b)];
  const wire = openWire(right.store);
  const { issues } = await syncOver(left.store, wire.master, DEFAULT_SYNC_OPTIONS);
  await wire.served;
  const mail = await allMail(left.store);
  await left.cleanup();
  await right.cleanup();
  return { issues, mail, frames: { toReplica: wire.counts.framesToReplica, toMaster: wire.counts.framesToMaster } };
}

async function arrived(store: MailboxStore, guids: readonly string[]): Promise<string[]> {
  const missing = new Set(await store.missingBodies(guids));
  return guids.filter((_, i) => !missing.has(i));
}

/** Cuts one exchange, checks both stores, and lets the next one finish. */
async function cutAndResume(left: MailboxStore, right: MailboxStore, cut: Cut & { frame: number }): Promise<unknown> {
  const first = new Crossings();
  const failure = await run(left, right, { onMessage: first.watch, cutAt: cut });
  await expectSound(left);
  await expectSound(right);
  const kept = { toMaster: await arrived(left, first.toMaster), toReplica: await arrived(right, first.toReplica) };
  const second = new Crossings();
  const result = await run(left, right, { onMessage: second.watch });
  expect(result).toMatchObject({ issues: [] });
  for (const way of ["toMaster", "toReplica"] as const) {
    expect(second[way].filter((guid) => kept[way].includes(guid))).toEqual([]);
    expect(second[way]).toEqual([...new Set(second[way])]);
  }
  return failure;
}

describe.each([MEMORY, EMBEDDED])("on the $kind store", (kind) => {
  let world: World;
  let stores: { a: TestStore; b: TestStore };
  let whole: Awaited<ReturnType<typeof uninterrupted>>;

  beforeAll(async () => {
    world = await World.open(kind);
    await makeBusy(world);
    stores = world.stores;
    whole = await uninterrupted(kind, stores.a, stores.b);
  });
  afterAll(() => world.close());

  test("P9: the exchange that is going to be cut does all kinds of work and completes", () => {
    expect(whole.issues).toEqual([]);
    expect(Object.keys(whole.mail)).toEqual(["Flags", "INBOX", "Kept", "Made at A", "Made at B", "New", "Twice"]);
    expect(whole.mail["INBOX"]).toEqual(
      ["2 in INBOX", "3 in INBOX", "A takes UID 4", "B takes UID 4", "B's second", "delivered to both"].sort(),
    );
    expect(Math.min(whole.frames.toReplica, whole.frames.toMaster)).toBeGreaterThan(15);
  });

  // On disk every tenth frame: each run copies two stores.
  const step = kind === MEMORY ? 1 : 10;

  test.each(CUTS)("P11: cut $when any frame $direction, then resumed", async (cut) => {
    for (let frame = 1; frame <= whole.frames[cut.direction]; frame += step) {
      const [left, right] = [await kind.copy(stores.a), await kind.copy(stores.b)];
      try {
        const failure = await cutAndResume(left.store, right.store, { ...cut, frame });
        // After the last answer nothing is left to fail.
        const isOver = cut.when === "after" && cut.direction === "toMaster" && frame === whole.frames.toMaster;
        expect(failure).toMatchObject(isOver ? { issues: [] } : { code: "disconnected" });
        await expectIdentical(left.store, right.store);
        await expectIdle(left.store, right.store);
        expect(await allMail(left.store)).toEqual(whole.mail);
      } finally {
        await left.cleanup();
        await right.cleanup();
      }
    }
  });
});
