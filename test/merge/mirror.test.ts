/**
 * `--mirror`: the target becomes exactly the source, its own messages become tombstones.
 */
import { describe, expect, it } from "vitest";
import { changesMeaning, mirrorAnew, planMirror } from "../../src/merge/mirror.ts";
import { guardCounters } from "../../src/model/guard.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import { allPairs, type Box, box, digestOfAll, show } from "./boxes.ts";

/** The target after the plan, applied without the guard's promises, as `overrule` allows. */
function mirrorOf(source: Box, target: Box): { after: Box; expunged: number; rows: string[] } {
  const { target: plan, expunged, decisions } = planMirror(source.state, target.state, allPairs(source, target));
  const byUid = new Map<number, IndexRecord>(target.records.map((one) => [one.uid, one]));
  for (const put of plan.puts) byUid.set(put.uid, put);
  const kept = [...byUid.values()].filter((one) => !one.expunged || one.modseq > plan.after.purgedModseq);
  const after = { state: plan.after, records: kept.sort((a, b) => a.uid - b.uid) };
  expect(plan.after.digest).toEqual(digestOfAll(after.records));
  return { after, expunged, rows: decisions.map(({ row, uid }) => `${row} ${uid}`) };
}

const CASES: readonly (readonly [name: string, source: string, target: string, after: string, expunged: number])[] = [
  ["equal ones stay untouched", "6@5 | 5:E@5", "6@5 | 5:E@5", "6@5 | 5:E@5", 0],
  ["what the target lacks comes as it is", "6@5 | 5:E@5", "1@1 |", "6@5 | 5:E@5", 0],
  ["the target's own messages become tombstones", "6@5 | 5:E@5", "7@9 | 5:E@5 6:F@9", "7@10 | 5:E@5 -6:F@10", 1],
  ["the target's own flags go", "6@5 | 5:E@5", "6@9 | 5:E@9/5+S~S:9", "6@9 | 5:E@5", 0],
  ["another message under one UID gives way", "6@5 | 5:E@5", "6@9 | 5:F@9", "6@9 | 5:E@5", 1],
  ["what the target expunged comes back", "6@5 | 5:E@5", "6@9 | -5:E@9", "6@9 | 5:E@5", 0],
  ["what the source expunged goes", "6@6 | -5:E@6", "6@5 | 5:E@5", "6@6 | -5:E@6", 1],
  ["what the source expunged and purged goes", "6@6-6 |", "6@5 | 5:E@5", "6@7-6 | -5:E@7", 1],
  ["a tombstone the target purged is not brought back", "6@6 | -5:E@6", "6@9-7 |", "6@9-7 |", 0],
  ["a tombstone the target purged still expunges there", "6@6 | -5:E@6", "6@9-7 | 5:E@9", "6@10-7 | -5:E@10", 1],
  ["the target's own tombstones stay", "5@4 | 4:D@4", "6@9 | 4:D@4 -5:E@9", "6@9 | 4:D@4 -5:E@9", 0],
];

describe("planMirror", () => {
  it.each(CASES)("%s", (_name, source, target, wanted, count) => {
    const { after, expunged } = mirrorOf(box(source), box(target));
    expect([show(after), expunged]).toEqual([wanted, count]);
  });

  it.each(CASES)("%s: the live records are the source's, and nothing is left to do", (_name, source, target) => {
    const live = (one: Box) => one.records.filter((record) => !record.expunged);
    const { after } = mirrorOf(box(source), box(target));
    expect(live(after)).toEqual(live(box(source)));
    const again = mirrorOf(box(source), after);
    expect(show(again.after)).toBe(show(after));
    expect(again.expunged).toBe(0);
  });

  it("P4: counters never fall, and the target's clients hear of each expunge under a new modseq", () => {
    const { after, rows } = mirrorOf(box("5@5-2 | 4:D@5"), box("9@30-8 | 4:D@5 8:H@30"));
    expect(show(after)).toBe("9@31-8 | 4:D@5 -8:H@31");
    expect(rows).toContain("M03 8");
  });
});

describe("mirrorAnew", () => {
  it.each<
    readonly [name: string, uidValidity: number, target: string, highest: number, shown: number, expunged: number]
  >([
    ["takes the source's uidValidity where that is higher", 1, "6@3 | 5:E@3", 5, 7, 0],
    ["takes the next one above its own else, and counts what goes", 9, "7@8-2 | 5:F@4 6:G@8", 8, 10, 2],
    ["does not count a message that has another UID at the source", 9, "7@8 | 6:E@8", 8, 10, 0],
  ])("%s", (_name, uidValidity, target, highest, shown, expunged) => {
    const [from, to] = [box("6@5-1 | -4:D@3 5:E@5", 7), box(target, uidValidity)];
    const lists = { leftRecords: from.records, rightRecords: to.records };
    const plan = mirrorAnew({ left: from.state, right: to.state, ...lists });
    const after = { ...from.state, uidValidity: shown, highestModseq: highest };
    expect(plan).toMatchObject({ target: { puts: from.records, after, reset: true }, expunged });
    expect(plan.decisions.filter(({ row }) => row === "M03")).toHaveLength(expunged);
    expect(() => guardCounters(to.state, after, { reset: true, overrule: true })).not.toThrow();
  });

  it("is refused where there is no uidValidity left", () => {
    const [from, to] = [box("1@1 |"), box("1@1 |", 0xffff_ffff)];
    const lists = { leftRecords: from.records, rightRecords: to.records };
    expect(() => mirrorAnew({ left: from.state, right: to.state, ...lists })).toThrow(/uidValidities are used up/);
  });

  it.each<readonly [source: string, target: string, changes: boolean]>([
    ["6@5 | 5:E@5", "6@5 | 5:E@5", false],
    ["6@5 | 5:E@5", "5@4 |", false],
    ["6@5 | -5:E@5", "6@5 | 5:E@4", false],
    ["5@4 |", "6@5 | 5:E@5", false],
    ["6@5 | 5:E@5", "6@5 | 5:F@5", true],
    ["6@5 | 5:E@5", "6@5 | -5:E@5", true],
    ["6@5 | 5:E@5", "6@5-5 |", true],
  ])("%s onto %s changes what a UID means: %s", (source, target, changes) => {
    const { state } = box(target);
    expect(allPairs(box(source), box(target)).some((pair) => changesMeaning(pair, state))).toBe(changes);
  });
});
