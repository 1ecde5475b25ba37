/**
 * Full resync by ranges finds exactly what walking two whole lists finds (section 4, P9): on random mailboxes, on both stores,
 * with the sides in this process and behind a connection.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import { comparePairs } from "../../src/merge/walk.ts";
import { type IndexRecord, type LiveRecord, MAX_UID, tombstoneOf } from "../../src/model/record.ts";
import type { MailboxState } from "../../src/model/state.ts";
import { digestOfRecords, packRecords } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { compareRanges, type RangesCompared } from "../../src/sync/compare-ranges.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import type { Peer } from "../../src/sync/peer.ts";
import { openRemote } from "../../src/sync/session.ts";
import { recordsOf } from "./support/node.ts";
import { EMBEDDED, MEMORY, type STORE_KINDS, type TestStore } from "./support/stores.ts";
import { openWire } from "./support/wire.ts";

const ACCOUNT = "default";
const BODIES = ["a", "b", "c"].map((text) => Buffer.from(`Subject: ${text}\r\n\r\n`));

/** What one UID holds on each side: nothing, one of some live records, or one of some tombstones. */
type Kind = 0 | 1 | 2 | 3 | 4 | 5;

interface Spot {
  readonly gap: number;
  readonly left: Kind;
  readonly right: Kind;
  /** How many UIDs in a row are like this. */
  readonly length: number;
}

const kind = fc.constantFrom<Kind>(0, 1, 2, 3, 4, 5);
const same = kind.map((one) => ({ left: one, right: one }));
const other = fc.record({ left: kind, right: kind });
const spot: fc.Arbitrary<Spot> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.nat(3) },
      { weight: 1, arbitrary: fc.constantFrom(60, 1000, 70_000, 3_000_000) },
    ),
    fc.oneof({ weight: 3, arbitrary: same }, { weight: 1, arbitrary: other }),
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.constantFrom(64, 130) },
    ),
  )
  .map(([gap, kinds, length]) => ({ gap, ...kinds, length }));

/** The two lists that some spots describe. */
function listsOf(spots: readonly Spot[], guids: readonly string[]): { left: IndexRecord[]; right: IndexRecord[] } {
  const lists = { left: [] as IndexRecord[], right: [] as IndexRecord[] };
  let uid = 0;
  for (const { gap, length, ...kinds } of spots) {
    uid += gap;
    for (let i = 0; i < length && uid < MAX_UID - 1; i++) {
      uid++;
      for (const side of ["left", "right"] as const) lists[side].push(...recordOf(uid, kinds[side], guids));
    }
  }
  return lists;
}

function recordOf(uid: number, kind: Kind, guids: readonly string[]): IndexRecord[] {
  if (kind === 0) return [];
  const record: LiveRecord = {
    expunged: false,
    uid,
    modseq: kind === 2 ? 3 : 2,
    createdModseq: 2,
    guid: guids[kind === 3 ? 1 : 0] as string,
    size: 14,
    internalDate: 1_700_000_000_000,
    systemFlags: kind === 2 ? 1 : 0,
    keywords: [],
    flagStamps: [],
    formerUids: [],
  };
  if (kind < 4) return [record];
  return [kind === 4 ? tombstoneOf(record, 3) : { expunged: true, uid, modseq: 4, graves: [] }];
}

async function fill(store: MailboxStore, records: readonly IndexRecord[]): Promise<void> {
  const { modseq } = await store.tree(ACCOUNT);
  const stamps = { nameStamp: modseq + 1, createdStamp: modseq + 1, modseq: modseq + 1 };
  const mailboxId = `box${modseq + 1}`;
  const fixed = { deleted: false, attributes: [], aliases: [], formerNames: [] };
  const put = { entry: { mailboxId, name: mailboxId, ...stamps, ...fixed }, uidValidity: 7 };
  await store.applyTree({ account: ACCOUNT, before: modseq, after: modseq + 1, puts: [put] });
  const before = (await store.mailbox(ACCOUNT, mailboxId))?.state as MailboxState;
  const after = {
    ...before,
    uidNext: (records.at(-1)?.uid ?? 0) + 1,
    highestModseq: 5,
    digest: digestOfRecords(records),
  };
  expect(await store.apply({ account: ACCOUNT, mailboxId, before, after, records: packRecords(records) })).toBe(
    "applied",
  );
}

/** The mailbox filled last. */
async function newest(store: MailboxStore): Promise<string> {
  return `box${(await store.tree(ACCOUNT)).modseq}`;
}

async function compared(left: Peer, right: Peer, mailboxId: string, toUid: number): Promise<RangesCompared> {
  const views = await Promise.all([left.ranges(ACCOUNT, mailboxId), right.ranges(ACCOUNT, mailboxId)]);
  try {
    return await compareRanges(views[0], views[1], toUid);
  } finally {
    for (const view of views) await view.close();
  }
}

async function withPair(kinds: typeof STORE_KINDS, use: (left: TestStore, right: TestStore) => Promise<void>) {
  const stores = [];
  for (const one of kinds) stores.push(await one.open());
  const [left, right] = stores as [TestStore, TestStore];
  try {
    await use(left, right);
  } finally {
    for (const { cleanup } of stores) await cleanup();
  }
}

describe.each([
  ["memory, memory", [MEMORY, MEMORY], 40],
  ["memory, embedded", [MEMORY, EMBEDDED], 30],
  ["embedded, embedded", [EMBEDDED, EMBEDDED], 30],
] as const)("%s", (_, kinds, numRuns) => {
  test("P9: the pairs and the plan are those of the whole walk, whichever side is behind a connection", async () => {
    await withPair(kinds, async (left, right) => {
      const guids = await left.store.stage(BODIES);
      await right.store.stage(BODIES);
      const wires = [openWire(right.store), openWire(left.store)] as const;
      const remote = {
        right: await openRemote(left.store, wires[0].master, "m"),
        left: await openRemote(right.store, wires[1].master, "m"),
      };
      const local = { left: new LocalPeer(left.store, "0"), right: new LocalPeer(right.store, "0") };
      await fc.assert(
        fc.asyncProperty(fc.array(spot, { maxLength: 40 }), fc.nat(5000), async (spots, toUid) => {
          const lists = listsOf(spots, guids);
          await fill(left.store, lists.left);
          await fill(right.store, lists.right);
          const box = await newest(left.store);
          const pairs = comparePairs(lists.left, lists.right);
          for (const [one, two] of [
            [local.left, local.right],
            [local.left, remote.right],
            [remote.left, local.right],
            [remote.left, remote.right],
          ] as const) {
            const found = await compared(one, two, box, toUid);
            expect(found.pairs).toEqual(pairs);
            expect(found.isComplete).toBe(true);
            const input = { left: found.left.state, right: found.right.state, base: null, delta: false };
            expect(planMerge({ ...input, pairs: found.pairs })).toEqual(planMerge({ ...input, pairs }));
          }
        }),
        { numRuns },
      );
      for (const peer of Object.values(remote)) await peer.close();
      for (const wire of wires) await wire.served;
    });
  });
});

test("the lists the random ones are made of are those the stores hold", async () => {
  await withPair([MEMORY, EMBEDDED], async ({ store }, other) => {
    const guids = await store.stage(BODIES);
    await other.store.stage(BODIES);
    const { left } = listsOf(
      [
        { gap: 0, left: 1, right: 1, length: 70 },
        { gap: 70_000, left: 5, right: 1, length: 3 },
      ],
      guids,
    );
    for (const one of [store, other.store]) {
      await fill(one, left);
      expect(await recordsOf(one, ACCOUNT, await newest(one))).toEqual(left);
    }
  });
});
