/** Messages on their way into a store. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { BodyIntake } from "../../src/sync/body-intake.ts";
import { twoAlike } from "../alike.ts";

test("a message that has arrived is known until the store knows it, and none that only begins like it", async () => {
  const store = new MemoryStore({ storeEpoch: "11".repeat(16) });
  const intake = new BodyIntake(store);
  const [one, two] = twoAlike();
  const isKnown = () => [one, two].map(({ guid }) => intake.has(guid));
  expect(isKnown()).toEqual([false, false]);
  await intake.add([one.bytes]);
  expect(isKnown()).toEqual([true, false]);
  await intake.add([two.bytes]);
  expect(isKnown()).toEqual([true, true]);
  await intake.settle();
  expect(isKnown()).toEqual([false, false]);
  expect(await store.missingBodies([one.guid, two.guid])).toEqual([]);
});
