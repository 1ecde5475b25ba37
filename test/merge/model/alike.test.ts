/**
 * That it is enough to try one of all worlds that are alike: every history is tried here, and alike ones must end alike.
 */
import { describe, expect, it } from "vitest";
import { planMerge } from "../../../src/merge/merge.ts";
import { likeness } from "./alike.ts";
import { EVERY, STARTS, tryAll } from "./exhaustive.ts";
import { MUTANTS } from "./mutants.ts";
import type { Op } from "./op.ts";
import { Violation } from "./violation.ts";
import type { Outcome } from "./ways.ts";

const HOURS = 3600_000;

/** Most operations on each side. */
const MOST = process.env["TANDEM_EXHAUSTIVE"] === "full" ? ([2, 2] as const) : ([2, 1] as const);

/** How every way ends: what it breaks, or what both nodes hold and the observer knows in the end. */
function fingerprint(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ ended }) => (ended instanceof Violation ? ended.broken : likeness(ended))).join("\n");
}

/** The ends of all histories, by what they have in common before the exchanges. */
function endsByLikeness(start: readonly Op[], most: readonly [number, number], merge: typeof planMerge) {
  const ends = new Map<string, Set<string>>();
  const { histories } = tryAll(start, most, merge, {
    ...EVERY,
    tried: (world, outcomes) => {
      const key = likeness(world);
      ends.set(key, (ends.get(key) ?? new Set()).add(fingerprint(outcomes)));
    },
  });
  return { histories, ends };
}

describe("alike histories end alike", () => {
  it.each(Object.entries(STARTS))(
    "from %s",
    (_name, start) => {
      const { histories, ends } = endsByLikeness(start, MOST, planMerge);
      expect([...ends].filter(([, different]) => different.size > 1)).toEqual([]);
      expect(ends.size).toBeLessThan(histories);
    },
    HOURS,
  );
});

describe("of alike histories one shows all that a faulty rule breaks, such as one in which", () => {
  it.each(MUTANTS.map((mutant) => [mutant.fault, mutant] as const))(
    "%s",
    (_fault, { merge }) => {
      const known = new Set<string>();
      const [all, ofOne] = [new Set<string>(), new Set<string>()];
      tryAll(STARTS["two messages on both"] ?? [], [1, 2], merge, {
        ...EVERY,
        tried: (world, outcomes) => {
          const isFirst = known.size < known.add(likeness(world)).size;
          for (const { ended } of outcomes) {
            if (!(ended instanceof Violation)) continue;
            all.add(ended.broken);
            if (isFirst) ofOne.add(ended.broken);
          }
        },
      });
      expect([...ofOne].sort()).toEqual([...all].sort());
    },
    HOURS,
  );
});
