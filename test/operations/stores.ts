/**
 * Operations are tested on both stores.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";

/** Runs a test body with a fresh store. */
export type OnStore = (body: (store: MailboxStore) => Promise<void>) => () => Promise<void>;

/** Declares the same tests for each kind of store. */
export function onBothStores(declare: (on: OnStore) => void): void {
  describe("memory", () => {
    declare((body) => () => body(new MemoryStore()));
  });
  describe("embedded", () => {
    declare((body) => async () => {
      const directory = await mkdtemp(join(tmpdir(), "tandem-operations-"));
      const store = await openEmbeddedStore(directory, { create: true });
      try {
        await body(store);
      } finally {
        await store.close();
        await rm(directory, { recursive: true });
      }
    });
  });
}
