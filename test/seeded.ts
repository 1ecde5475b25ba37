/** Random numbers from a seed: the same seed gives the same ones everywhere. */

/** Numbers from 0 up to, not including, 2^32 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  };
}

/** Numbers below `limit`. */
export function seededBelow(seed: number): (limit: number) => number {
  const next = seeded(seed);
  return (limit) => next() % limit;
}
