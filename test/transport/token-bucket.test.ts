/** The token bucket keeps to its rate whatever comes, and holds nobody up who stays below it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../src/transport/token-bucket.ts";

const RATE = fc.integer({ min: 1, max: 50_000 });
const BURST = fc.integer({ min: 1, max: 200 });
/** Milliseconds between two events. */
const GAPS = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 300 });

/** When events pass that arrive after these gaps, if each waits as the bucket says. */
function passing(rate: number, burst: number, gaps: readonly number[]): { arrived: number[]; passed: number[] } {
  const bucket = new TokenBucket(rate, burst, 0);
  const arrived: number[] = [];
  const passed: number[] = [];
  let at = 0;
  let free = 0;
  for (const gap of gaps) {
    at += gap;
    arrived.push(at);
    const now = Math.max(at, free);
    passed.push(now);
    free = now + bucket.take(now);
  }
  return { arrived, passed };
}

describe("token bucket", () => {
  it("in no span of time does more pass than the burst and what the rate allows", () => {
    fc.assert(
      fc.property(RATE, BURST, GAPS, (rate, burst, gaps) => {
        const { passed } = passing(rate, burst, gaps);
        for (const [i, from] of passed.entries())
          for (let j = i; j < passed.length; j++) {
            const allowed = burst + 1 + (((passed[j] as number) - from) * rate) / 1000;
            expect(j - i + 1).toBeLessThanOrEqual(allowed + 1e-6);
          }
      }),
      { numRuns: 100 },
    );
  });

  it("whoever stays below the rate never waits", () => {
    fc.assert(
      fc.property(RATE, BURST, GAPS, (rate, burst, gaps) => {
        const slow = gaps.map((gap) => gap + 1000 / rate + 1e-6);
        const { arrived, passed } = passing(rate, burst, slow);
        expect(passed).toEqual(arrived);
      }),
    );
  });

  it("a burst passes at once, and what follows waits as long as the rate says", () => {
    const bucket = new TokenBucket(100, 3, 0);
    expect([0, 0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 0, 10, 20]);
    expect(bucket.take(30)).toBe(0);
    expect(bucket.take(1_000_000)).toBe(0);
    expect([1, 2, 3].map(() => bucket.take(1_000_000))).toEqual([0, 0, 10]);
  });
});
