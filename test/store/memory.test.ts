/**
 * The memory store passes the store contract, and gives up on staged messages after a day.
 */
import { expect, test } from "vitest";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { STAGED_KEPT_MS } from "../../src/store/shared/staging.ts";
import { storeContract } from "../contract/store-contract.ts";

storeContract("memory", async () => ({ store: new MemoryStore(), cleanup: async () => {} }));

test("a store can be given its epoch", () => {
  expect(new MemoryStore({ storeEpoch: "ab".repeat(16) }).storeEpoch).toBe("ab".repeat(16));
});

test("a message that was staged and never used is dropped after a day", async () => {
  let now = 1_700_000_000_000;
  const store = new MemoryStore({ now: () => now });
  const guids = await store.stage([Buffer.from("early")]);
  now += STAGED_KEPT_MS - 1;
  expect(await store.compact()).toEqual({ bodiesDropped: 0, bytesFreed: 0 });
  now += 1;
  expect(await store.compact()).toEqual({ bodiesDropped: 1, bytesFreed: 5 });
  expect(await store.missingBodies(guids)).toEqual([0]);
});
