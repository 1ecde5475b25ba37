/** Accounts with more mailboxes than a frame holds. */
import { describe, expect, it } from "vitest";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { STORE_KINDS } from "./support/stores.ts";
import { World } from "./support/world.ts";

const MAILBOXES = 5000;

describe.each(STORE_KINDS)("an account of many mailboxes, $kind store", (kind) => {
  it("P9: is brought over in several changes of the tree, swapped names included", async () => {
    const world = await World.open(kind);
    try {
      const { a, b } = world;
      await a.create("first");
      await a.create("second");
      await world.sync();
      await a.rename("first", "aside");
      await a.rename("second", "first");
      await a.rename("aside", "second");
      const { modseq } = await a.store.tree("default");
      const stamps = { nameStamp: modseq + 1, createdStamp: modseq + 1, modseq: modseq + 1 };
      const rest = { deleted: false, attributes: [], aliases: [], formerNames: [] };
      const puts = Array.from({ length: MAILBOXES }, (_, i) => ({
        entry: { mailboxId: `m${i}`, name: `Archive/${"x".repeat(100)}/${i}`, ...stamps, ...rest },
        uidValidity: 7,
      }));
      await a.store.applyTree({ account: "default", before: modseq, after: modseq + 1, puts });
      const first = await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
      expect(first.issues).toEqual([]);
      expect(await b.names()).toEqual(await a.names());
      expect([await b.id("first"), await b.id("second")]).toEqual([await a.id("first"), await a.id("second")]);
      await world.expectConverged();
    } finally {
      await world.close();
    }
  });
});
