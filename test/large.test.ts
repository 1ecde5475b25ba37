/** Large stores, in the small: what `npm run large` does with two million records and 50,000 mailboxes. */
import { expect, test } from "vitest";
import { measureLarge } from "./bench/large.ts";

test("a large mailbox and an account of many mailboxes are copied once, and then cost next to nothing", async () => {
  const { results, faults } = await measureLarge({ records: 60_000, mailboxes: 6000 });
  expect(
    results.map(({ recordsSent, roundTrips, issues }) => ({ recordsSent, idle: roundTrips === 1, issues })),
  ).toEqual([
    { recordsSent: 60_000, idle: false, issues: [] },
    { recordsSent: 0, idle: true, issues: [] },
    { recordsSent: 1, idle: true, issues: [] },
    { recordsSent: 0, idle: false, issues: [] },
    { recordsSent: 0, idle: false, issues: [] },
    { recordsSent: 0, idle: true, issues: [] },
    { recordsSent: 1, idle: true, issues: [] },
  ]);
  expect(faults).toEqual([]);
});
