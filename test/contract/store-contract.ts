/**
 * The contract of every store: one suite, run on each implementation. An embedder runs it on a store of its own with
 * a factory that makes a fresh, empty store.
 */
import { describe } from "vitest";
import { bodyContract } from "./store/bodies.ts";
import { changeLogContract } from "./store/change-log.ts";
import { logEntryContract } from "./store/change-log-entries.ts";
import { changeContract } from "./store/changes.ts";
import { faultContract } from "./store/faults.ts";
import type { StoreFactory } from "./store/fixtures.ts";
import { guardContract } from "./store/guard.ts";
import { modelContract } from "./store/model.ts";
import { readContract } from "./store/reading.ts";
import { treeContract } from "./store/tree.ts";
import { watchContract } from "./store/watching.ts";

export type { StoreFactory, StoreUnderTest } from "./store/fixtures.ts";

/** Declares the whole suite for one kind of store. */
export function storeContract(name: string, factory: StoreFactory): void {
  describe(`store contract: ${name}`, () => {
    treeContract(factory);
    changeContract(factory);
    changeLogContract(factory);
    logEntryContract(factory);
    watchContract(factory);
    guardContract(factory);
    readContract(factory);
    bodyContract(factory);
    faultContract(factory);
    modelContract(factory);
  });
}
