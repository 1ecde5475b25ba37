/** A set that forgets: the last of many texts. */
import { expect, test } from "vitest";
import { RecentSet } from "../../src/sync/recent-set.ts";

test("the last ones are remembered, and never more than twice as many", () => {
  const set = new RecentSet(100);
  for (let i = 0; i < 1000; i++) set.add(`${i}`);
  const known = Array.from({ length: 1000 }, (_, i) => i).filter((i) => set.has(`${i}`));
  expect(known.length).toBeGreaterThanOrEqual(100);
  expect(known.length).toBeLessThanOrEqual(200);
  expect(known).toEqual(Array.from({ length: known.length }, (_, i) => 1000 - known.length + i));
});
