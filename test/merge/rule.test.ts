/**
 * The table of cases, each in both roles: rows, records, promises, repetition; and the table itself.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import type { Decision, MergeInput, MergePlan } from "../../src/merge/plan.ts";
import { type Holding, MERGE_TABLE, ROW_IDS } from "../../src/merge/rows.ts";
import { TREE_ROW_IDS } from "../../src/merge/tree-plan.ts";
import { comparePairs } from "../../src/merge/walk.ts";
import { TandemError } from "../../src/model/errors.ts";
import { MAX_UID } from "../../src/model/record.ts";
import type { MailboxState } from "../../src/model/state.ts";
import { allPairs, applyBoth, applySide, type Box, box, deltaPairs, mirrored, show } from "./boxes.ts";
import type { Case } from "./rule.case.ts";
import { RULE_CASES } from "./rule.cases.ts";

const HOLDINGS = Object.keys(MERGE_TABLE) as Holding[];
const CELLS = HOLDINGS.flatMap((left) =>
  HOLDINGS.map((right) => ({ left, right, cases: RULE_CASES[left][right], cell: MERGE_TABLE[left][right] })),
);
const CASES = CELLS.flatMap(({ left, right, cases }) =>
  cases.map((one) => ({ title: `${left}/${right}: ${one.name}`, left, right, one })),
);

/** For `it.each`, which shortens titles that it takes from fields. */
function titled<T extends { readonly title: string }>(cases: readonly T[]): [string, T][] {
  return cases.map((one) => [one.title, one]);
}

interface Read {
  readonly left: Box;
  readonly right: Box;
  readonly base: MailboxState | null;
}

function read({ left, right, base }: Case): Read {
  return { left: box(left), right: box(right), base: base === null ? null : box(base).state };
}

/** What the exchange would hand to the rule: a delta as the side that changed the UID sees it, or whole lists. */
function inputOf(one: Case, whole = !one.delta, filled: "left" | "right" = filledSide(one)): MergeInput {
  const { left, right, base } = read(one);
  const pairs = whole
    ? comparePairs(left.records, right.records)
    : deltaPairs(left, right, base?.highestModseq ?? 0, filled);
  return { left: left.state, right: right.state, base, delta: !whole, pairs };
}

/** The side that changed the UID, so that the other's record is the one the delta does not show. */
function filledSide({ left, uid, base }: Case): "left" | "right" {
  const mine = box(left).records.find((record) => record.uid === uid);
  const since = base === null ? 0 : box(base).state.highestModseq;
  return mine !== undefined && mine.modseq > since ? "left" : "right";
}

function showDecision({ row, uid, newUid }: Decision): string {
  return `${row} ${uid}${newUid === undefined ? "" : `>${newUid}`}`;
}

function writers({ left, right }: MergePlan): Case["writes"] {
  if (left.puts.length > 0) return right.puts.length > 0 ? "both" : "left";
  return right.puts.length > 0 ? "right" : "neither";
}

/** What a side holds under a UID, looked up without the rule's own function. */
function holdingOf({ state, records }: Box, uid: number, unchangedSince: number | null): Holding {
  const record = records.find((one) => one.uid === uid);
  if (unchangedSince !== null && record !== undefined && record.modseq <= unchangedSince) return "unchanged";
  if (record !== undefined) return record.expunged ? "tombstone" : "live";
  return uid < state.uidNext ? "below" : "above";
}

describe("the table", () => {
  it.each(CELLS)("$left/$right has cases where there is something to decide, else none", ({ cases, cell }) => {
    expect(cases.length > 0).toBe(cell !== null);
  });

  it("P10: is symmetric", () => {
    for (const left of HOLDINGS)
      for (const right of HOLDINGS) expect(MERGE_TABLE[left][right]).toBe(MERGE_TABLE[right][left]);
  });

  it("has cases for every row", () => {
    const rows = new Set(CASES.flatMap(({ one }) => one.rows.map((row) => row.slice(0, 3))));
    expect([...rows].sort()).toEqual(ROW_IDS.filter((row) => row !== "M01"));
  });

  it("names every case once", () => {
    expect(new Set(CASES.map(({ title }) => title)).size).toBe(CASES.length);
  });

  it("has the rows of protocol/merge-rule.md, and no other", () => {
    const page = readFileSync(new URL("../../protocol/merge-rule.md", import.meta.url), "utf8");
    const named = [...page.matchAll(/^\| ([MT]\d\d) +\|/gm)].map((match) => match[1]);
    expect(named).toEqual([...ROW_IDS, ...TREE_ROW_IDS]);
  });
});

describe.each(titled(CASES))("%s", (_title, { left, right, one }) => {
  it("stands in the cell of its holdings", () => {
    const boxes = read(one);
    const since = one.delta ? (boxes.base?.highestModseq ?? null) : null;
    expect([holdingOf(boxes.left, one.uid, since), holdingOf(boxes.right, one.uid, since)]).toEqual([left, right]);
  });

  it("is decided by its rows, and both sides are the same afterwards", () => {
    const { left: before, right: beforeToo } = read(one);
    const plan = planMerge(inputOf(one));
    const after = applyBoth(before, beforeToo, plan);
    expect(plan.decisions.map(showDecision)).toEqual(one.rows);
    expect([show(after.left), show(after.right)]).toEqual([one.both, one.both]);
    expect(after.left).toEqual(after.right);
    expect(writers(plan)).toBe(one.writes);
  });

  it("P10: gives the mirrored plan with roles swapped", () => {
    const plan = planMerge(inputOf(one));
    const other = planMerge(mirrored(inputOf(one)));
    expect([other.left, other.right]).toEqual([plan.right, plan.left]);
    expect(other.decisions.map(showDecision).sort()).toEqual(plan.decisions.map(showDecision).sort());
  });

  it("P9: a second merge has nothing to do, with and without a base", () => {
    const boxes = read(one);
    const after = applyBoth(boxes.left, boxes.right, planMerge(inputOf(one)));
    for (const base of [null, after.left.state]) {
      const pairs = allPairs(after.left, after.right);
      const again = planMerge({ left: after.left.state, right: after.right.state, base, delta: false, pairs });
      expect([again.left.puts, again.right.puts]).toEqual([[], []]);
      expect([again.left.after, again.right.after]).toEqual([after.left.state, after.left.state]);
    }
  });

  it.each(["left", "right"] as const)("P11: applied on the %s side only and repeated, it gives the same", (first) => {
    const { left: l, right: r, base } = read(one);
    const plan = planMerge(inputOf(one));
    const isLeft = first === "left";
    const half = { left: isLeft ? applySide(l, plan.left) : l, right: isLeft ? r : applySide(r, plan.right) };
    const pairs = comparePairs(half.left.records, half.right.records);
    const again = planMerge({ left: half.left.state, right: half.right.state, base, delta: false, pairs });
    const after = applyBoth(half.left, half.right, again);
    expect([show(after.left), show(after.right)]).toEqual([one.both, one.both]);
  });
});

describe("a delta", () => {
  const deltas = CASES.filter(({ one }) => one.delta);

  it.each(titled(deltas))("gives what whole lists give, whichever side fills it in: %s", (_title, { one }) => {
    const { left, right } = read(one);
    for (const input of [inputOf(one, true), inputOf(one, false, "left"), inputOf(one, false, "right")]) {
      const after = applyBoth(left, right, planMerge(input));
      expect([show(after.left), show(after.right)]).toEqual([one.both, one.both]);
    }
  });
});

describe("scenario 22: messages whose bytes cannot be had", () => {
  const held = (letter: string) => new Set([letter.charCodeAt(0).toString(16).repeat(32)]);
  const plan = (left: Box, right: Box, letter: string): MergePlan =>
    planMerge({
      left: left.state,
      right: right.state,
      base: null,
      delta: false,
      pairs: comparePairs(left.records, right.records),
      held: held(letter),
    });

  it("a new one stays where it is, the rest is exchanged", () => {
    const [left, right] = [box("7@6 | 5:E@5 6:F@6"), box("5@4 |")];
    const { right: part, decisions } = plan(left, right, "E");
    expect(decisions.map(showDecision)).toEqual(["M07 6"]);
    expect(part.puts.map((put) => put.uid)).toEqual([6]);
  });

  it("one that both have is merged all the same", () => {
    const [left, right] = [box("6@7 | 5:E@7/5+S~S:7"), box("6@5 | 5:E@5")];
    expect(plan(left, right, "E").decisions.map(showDecision)).toEqual(["M02 5"]);
  });
});

describe("limits", () => {
  it("says so if the UIDs are used up", () => {
    const last = `${MAX_UID + 1}@5 | ${MAX_UID}`;
    const [left, right] = [box(`${last}:E@5`), box(`${last}:F@5`)];
    const pairs = comparePairs(left.records, right.records);
    const merge = () => planMerge({ left: left.state, right: right.state, base: null, delta: false, pairs });
    expect(merge).toThrow(TandemError);
    expect(merge).toThrow(/UIDs of this mailbox are used up/);
  });
});
