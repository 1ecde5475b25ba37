/**
 * The model itself under test: it must see every fault of `mutants.ts`, in few random histories, and name the promise.
 */
import { describe, expect, it } from "vitest";
import { planMerge } from "../../../src/merge/merge.ts";
import { failureOf, shrink, tell } from "./history.ts";
import { MUTANTS } from "./mutants.ts";
import type { History } from "./op.ts";
import { randomHistory } from "./random.ts";
import type { Broken } from "./violation.ts";

/** Random histories in which a fault must show. */
const ENOUGH = 3000;

/** Promises that random histories break with this rule, until one of `breaks` is among them. */
function brokenBy(merge: typeof planMerge, breaks: readonly Broken[]): Broken[] {
  const broken = new Set<Broken>();
  for (let seed = 1; seed <= ENOUGH; seed++) {
    const failure = failureOf(randomHistory(seed), merge);
    if (failure !== null) broken.add(failure.broken);
    if (failure !== null && breaks.includes(failure.broken)) break;
  }
  return [...broken];
}

describe("the model sees a rule in which", () => {
  it.each(MUTANTS.map((mutant) => [mutant.fault, mutant] as const))(
    "%s",
    (_fault, { merge, breaks }) => {
      const broken = brokenBy(merge, breaks);
      expect(broken.filter((one) => breaks.includes(one))).not.toEqual([]);
    },
    3600_000,
  );
});

describe("a counterexample", () => {
  const [mutant] = MUTANTS;
  const conflict: History = {
    nodes: 2,
    ops: [
      { op: "deliver", at: 0, mail: 4 },
      { op: "exchange", from: 0, to: 1 },
      { op: "flag", at: 0, pick: 0, flag: 0, value: true },
      { op: "deliver", at: 0, mail: 7 },
      { op: "deliver", at: 1, mail: 2 },
      { op: "save", at: 1 },
    ],
  };

  it("is made as short as it can be", () => {
    const merge = mutant?.merge ?? planMerge;
    expect(failureOf(conflict, merge)?.broken).toBe("P6");
    expect(shrink(conflict, merge).ops).toEqual([
      { op: "deliver", at: 0, mail: 7 },
      { op: "deliver", at: 1, mail: 2 },
    ]);
  });

  it("is told as a list that people can read", () => {
    const merge = mutant?.merge ?? planMerge;
    expect(tell(shrink(conflict, merge), merge)).toMatch(/^1\. A: deliver mail 7\n.*\n.*\n2\. B: deliver mail 2\n/);
    expect(tell(conflict, planMerge)).toMatch(/holds$/);
  });
});
