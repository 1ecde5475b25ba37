/**
 * P1-P11 over all short histories of two nodes on two messages: every list of clients' operations on one side, every one
 * on the other, then an exchange in all the ways it can go: driven from either end, dying half way, its cursor lost,
 * crossed by another. However it goes, the mailbox is the same in the end.
 *
 * TANDEM_EXHAUSTIVE=full tries up to three operations on each side, which takes hours; the default is one on one side and
 * two on the other, and two on each where both sides start equal.
 */
import { describe, expect, it } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import { STARTS, tryAll } from "./model/exhaustive.ts";
import { tell } from "./model/history.ts";

const FULL = process.env["TANDEM_EXHAUSTIVE"] === "full";

/** Most operations on each side, for each start. */
function sizesFor(start: string): (readonly [number, number])[] {
  if (FULL) return [[3, 3]];
  return start === "two messages on both" ? [[2, 2]] : [[1, 2]];
}

const CASES = Object.entries(STARTS).flatMap(([name, start]) =>
  sizesFor(name).map((most) => [`${name}, up to ${most[0]} operations on A and ${most[1]} on B`, start, most] as const),
);

describe("P1-P11 hold in all short histories", () => {
  it.each(CASES)(
    "%s",
    (_name, start, most) => {
      const { histories, shortest } = tryAll(start, most, planMerge);
      if (shortest !== null)
        expect.fail(`${tell({ nodes: 2, ops: shortest.ops }, planMerge)}\n${shortest.violation.message}`);
      expect(histories).toBeGreaterThan(50);
    },
    24 * 3600_000,
  );
});
