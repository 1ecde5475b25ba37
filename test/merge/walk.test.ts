/**
 * The merge walker beside a naive one: the same pairs, however the lists are cut and in whatever order they come.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sameRecord } from "../../src/merge/equal.ts";
import type { SideName } from "../../src/merge/identity.ts";
import type { RecordPair } from "../../src/merge/plan.ts";
import { comparePairs, Walker } from "../../src/merge/walk.ts";
import type { RecordBatch } from "../../src/model/batch.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import { packRecords } from "../../src/store/shared/blocks.ts";
import { box, record } from "./boxes.ts";

interface Lists {
  readonly left: readonly IndexRecord[];
  readonly right: readonly IndexRecord[];
}

/** What stands under one UID on both sides: mostly the same. */
const slots = fc.array(
  fc.record({
    gap: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 }) }),
    both: fc.oneof(
      { weight: 12, arbitrary: fc.constant(["E@5", "E@5"]) },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          ["E@5", null],
          [null, "E@5"],
          ["E@5", "F@5"],
          ["E@5", "E@6"],
          ["E@5", "-"],
          ["-", "-"],
          ["-", null],
        ),
      },
    ),
  }),
  { maxLength: 250 },
);

const lists: fc.Arbitrary<Lists> = slots.map((list) => {
  const sides: Lists & { left: IndexRecord[]; right: IndexRecord[] } = { left: [], right: [] };
  let uid = 0;
  for (const { gap, both } of list) {
    uid += gap;
    for (const [i, text] of both.entries())
      if (text != null) sides[i === 0 ? "left" : "right"].push(record(text === "-" ? `-${uid}:E@9` : `${uid}:${text}`));
  }
  return sides;
});

/** Looks every UID up on both sides. */
function naive({ left, right }: Lists): RecordPair[] {
  const [mine, theirs] = [left, right].map((list) => new Map(list.map((one) => [one.uid, one])));
  const uids = [...new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])])].sort((a, b) => a - b);
  const pairs = uids.map((uid) => ({ uid, left: mine?.get(uid) ?? null, right: theirs?.get(uid) ?? null }));
  return pairs.filter(({ left: a, right: b }) => a === null || b === null || !sameRecord(a, b));
}

type Cut = (records: readonly IndexRecord[]) => RecordBatch[];

/** Cuts anywhere, as the numbers say. */
function cutAt(sizes: readonly number[]): Cut {
  return (records) => {
    const batches: RecordBatch[] = [];
    for (let at = 0, i = 0; at < records.length; i++) {
      const size = sizes[i % sizes.length] ?? 1;
      batches.push(encodeBatch(records.slice(at, at + size)));
      at += size;
    }
    return batches;
  };
}

const blocks: Cut = (records) => [...packRecords(records)];
const cuts = fc.oneof(
  fc.constant(blocks),
  fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 8 }).map(cutAt),
);

/** Feeds one batch at a time, always to the side the walker wants. */
function walkAsWanted(batches: Record<SideName, readonly RecordBatch[]>): { pairs: RecordPair[]; fed: number } {
  const walker = new Walker();
  const next = { left: 0, right: 0 };
  const pairs: RecordPair[] = [];
  for (let side = walker.wants(); side !== null; side = walker.wants()) {
    const batch = batches[side][next[side]++];
    if (batch === undefined) walker.finish(side);
    else walker.feed(side, [batch]);
    pairs.push(...walker.walk());
  }
  return { pairs, fed: next.left + next.right };
}

describe("the walker", () => {
  it("finds what a naive comparison finds, in UID order, cut anywhere", () => {
    fc.assert(
      fc.property(lists, cuts, cuts, (two, cutLeft, cutRight) => {
        const wanted = naive(two);
        const { pairs } = walkAsWanted({ left: cutLeft(two.left), right: cutRight(two.right) });
        expect(pairs).toEqual(wanted);
        expect(comparePairs(two.left, two.right)).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  it("needs no more than every batch once, and its word that a list is complete", () => {
    fc.assert(
      fc.property(lists, cuts, ({ left, right }, cut) => {
        const batches = { left: cut(left), right: cut(right) };
        expect(walkAsWanted(batches).fed).toBe(batches.left.length + batches.right.length + 2);
      }),
    );
  });

  it("fed ahead in any order, it hands out every pair as soon as both lists reach it, and none twice", () => {
    fc.assert(
      fc.property(lists, cuts, fc.infiniteStream(fc.boolean()), (two, cut, coins) => {
        const walker = new Walker();
        const open = { left: cut(two.left), right: cut(two.right) };
        const reached = { left: 0, right: 0 };
        const pairs: RecordPair[] = [];
        while (Math.min(reached.left, reached.right) < Number.POSITIVE_INFINITY) {
          const side = coins.next().value ? "left" : "right";
          const batch = open[side].shift();
          if (batch === undefined) walker.finish(side);
          else walker.feed(side, [batch]);
          reached[side] = batch?.lastUid ?? Number.POSITIVE_INFINITY;
          pairs.push(...walker.walk());
          const known = Math.min(reached.left, reached.right);
          expect(pairs).toEqual(naive(two).filter(({ uid }) => uid <= known));
        }
        expect(walker.wants()).toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  it("advances only past what it matched or handed out: one record more on one side shifts nothing", () => {
    const [left, right] = [box("9@9 | 1:A@1 2:B@2 3:C@3 4:D@4"), box("9@9 | 2:B@2 3:C@3 4:D@4")];
    const { pairs } = walkAsWanted({ left: blocks(left.records), right: blocks(right.records) });
    expect(pairs).toEqual([{ uid: 1, left: record("1:A@1"), right: null }]);
  });

  it("skips equal blocks without looking into them", () => {
    const broken = { count: 1, firstUid: 1, lastUid: 1, bytes: Uint8Array.of(0xff) };
    const tail = encodeBatch([record("70:A@9")]);
    const walked = walkAsWanted({ left: [broken, tail], right: [broken] });
    expect(walked.pairs).toEqual([{ uid: 70, left: record("70:A@9"), right: null }]);
  });

  it("is through at once with two empty lists", () => {
    expect(walkAsWanted({ left: [], right: [] })).toEqual({ pairs: [], fed: 2 });
  });
});
