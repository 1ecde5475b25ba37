/** Delays before further attempts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/model/errors.ts";
import { entryDelay, linkDelay } from "../../src/replicator/backoff.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("delays", () => {
  it("scenario 48: grow with each failure up to a cap, with jitter", () => {
    const steady = Array.from({ length: 20 }, (_, i) => linkDelay(i + 1, 0.5));
    for (const [i, delay] of steady.entries()) if (i > 0) expect(delay).toBeGreaterThanOrEqual(steady[i - 1] as number);
    expect(steady[0]).toBeLessThan(300);
    expect(steady.at(-1)).toBe(22_500);
    expect(linkDelay(5, 0.1)).not.toBe(linkDelay(5, 0.9));
  });

  it("stay between half and the whole of the step, for every code and any number of failures", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ERROR_CODES),
        fc.integer({ min: 1, max: 1_000_000 }),
        random,
        (code, n, chance) => {
          const [least, delay, most] = [entryDelay(code, n, 0), entryDelay(code, n, chance), entryDelay(code, n, 1)];
          expect(delay).toBeGreaterThanOrEqual(least);
          expect(delay).toBeLessThanOrEqual(most);
          expect(least).toBeGreaterThan(0);
          expect(Math.abs(most - 2 * least)).toBeLessThanOrEqual(1);
          expect(most).toBeLessThanOrEqual(600_000);
        },
      ),
    );
  });

  it("are short for contention, long for what waits for a person", () => {
    expect(entryDelay("conflict", 1, 1)).toBeLessThan(entryDelay("io", 1, 1));
    expect(entryDelay("io", 1, 1)).toBeLessThan(entryDelay("brake", 1, 1));
  });
});
