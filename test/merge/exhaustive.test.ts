/**
 * P1-P11 over all short histories of two nodes on two messages: every list of clients' operations on one side, every one
 * on the other, then an exchange in all the ways it can go: driven from either end, dying half way, its cursor lost,
 * crossed by another. However it goes, the mailbox is the same in the end. Of histories that nothing tells apart
 * (`model/alike.ts`) one is tried.
 *
 * TANDEM_EXHAUSTIVE=full, that is `npm run exhaustive`, tries up to three operations on each side, from all starts, and
 * tells on stderr how far it is.
 */
import { describe, expect, it } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import { oneOfAlike, STARTS, type Tally, tryAll } from "./model/exhaustive.ts";
import { tell } from "./model/history.ts";

const FULL = process.env["TANDEM_EXHAUSTIVE"] === "full";

/** Most operations on each side, for each start. */
function sizesFor(start: string): (readonly [number, number])[] {
  if (FULL || start === "two empty mailboxes") return [[3, 3]];
  return [
    [2, 2],
    [1, 3],
  ];
}

const CASES = Object.entries(STARTS).flatMap(([name, start]) =>
  sizesFor(name).map((most) => [`${name}, up to ${most[0]} operations on A and ${most[1]} on B`, start, most] as const),
);

function report(name: string, { histories, worlds }: Tally): void {
  if (FULL && worlds % 5000 === 0) process.stderr.write(`${name}: ${histories} histories, ${worlds} of them tried\n`);
}

describe("P1-P11 hold in all short histories", () => {
  it.each(CASES)(
    "%s",
    (name, start, most) => {
      const isKnown = oneOfAlike();
      const tally = tryAll(start, most, planMerge, { isKnown, tried: (_world, _outcomes, now) => report(name, now) });
      const { shortest } = tally;
      if (shortest !== null)
        expect.fail(`${tell({ nodes: 2, ops: shortest.ops }, planMerge)}\n${shortest.violation.message}`);
      expect(tally.worlds).toBeGreaterThan(50);
    },
    24 * 3600_000,
  );
});
