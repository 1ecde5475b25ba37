/**
 * P1-P10 over random histories of two and three nodes: deliveries, the same mail on two nodes, copies, flags, expunges,
 * purges, whole, interrupted and crossing exchanges, lost cursors, restored nodes.
 *
 * TANDEM_SEED is the first seed, TANDEM_HISTORIES how many follow. Nothing is left to the machine: the same seed is the
 * same history everywhere.
 */
import { describe, expect, it } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import { failureOf, shrink, tell } from "./model/history.ts";
import { randomHistory } from "./model/random.ts";

const FIRST_SEED = Number(process.env["TANDEM_SEED"] ?? 1);
const HISTORIES = Number(process.env["TANDEM_HISTORIES"] ?? 10_000);
/** Histories in one test, so that progress shows. */
const PORTION = Math.max(1, Math.ceil(HISTORIES / 4));

const PORTIONS = Array.from({ length: Math.ceil(HISTORIES / PORTION) }, (_, i) => {
  const from = FIRST_SEED + i * PORTION;
  return [from, Math.min(from + PORTION, FIRST_SEED + HISTORIES) - 1] as const;
});

/** The shortest history that breaks what the seed's history breaks, as a list to read and as JSON to keep. */
function report(seed: number): string {
  const shortest = shrink(randomHistory(seed), planMerge);
  return [
    `Seed ${seed} breaks the merge rule; the shortest history that does:`,
    tell(shortest, planMerge),
    `Keep it in test/merge/found/: ${JSON.stringify(shortest)}`,
    `Repeat it: TANDEM_SEED=${seed} TANDEM_HISTORIES=1 npx vitest run test/merge/random.test.ts`,
  ].join("\n");
}

describe("P1-P10 hold in random histories", () => {
  it.each(PORTIONS)(
    "seeds %i to %i",
    (from, to) => {
      for (let seed = from; seed <= to; seed++)
        if (failureOf(randomHistory(seed), planMerge) !== null) expect.fail(report(seed));
      expect(to).toBeGreaterThanOrEqual(from);
    },
    24 * 3600_000,
  );
});
