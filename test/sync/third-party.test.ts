/** An exchange between two nodes that is driven by a third process, which has neither store: both sides are behind a line. */
import { describe, expect, it } from "vitest";
import type { MailboxStore } from "../../src/store/store.ts";
import { exchange } from "../../src/sync/exchange.ts";
import { RemotePeer } from "../../src/sync/remote-peer.ts";
import type { SyncReport } from "../../src/sync/report.ts";
import { DEFAULT_SYNC_OPTIONS } from "../../src/sync/session.ts";
import { STORE_KINDS } from "./support/stores.ts";
import { openWire } from "./support/wire.ts";
import { World } from "./support/world.ts";

/** Introduces the driver to each node by the other one's epoch. */
async function drive(a: MailboxStore, b: MailboxStore): Promise<SyncReport> {
  const [toA, toB] = [openWire(a), openWire(b)];
  const open = (wire: typeof toA, storeEpoch: string) =>
    RemotePeer.open(wire.master, { storeEpoch, node: "third", references: async (guids) => guids.map(() => 0) });
  const [left, right] = [await open(toA, b.storeEpoch), await open(toB, a.storeEpoch)];
  try {
    return await exchange(left, right, DEFAULT_SYNC_OPTIONS);
  } finally {
    await left.close();
    await right.close();
    await Promise.all([toA.served, toB.served]);
  }
}

describe.each(STORE_KINDS)("a third process drives, $kind stores", (kind) => {
  it("P1, P6: where both nodes changed since they last met, everything keeps its UID", async () => {
    const world = await World.open(kind);
    try {
      const { a, b } = world;
      await a.create();
      await a.deliver("INBOX", "one", "two", "three");
      await drive(a.store, b.store);
      await a.set("INBOX", 1, "\\Seen");
      await b.deliver("INBOX", "four");
      await b.set("INBOX", 2, "\\Flagged");
      const { issues, counts } = await drive(a.store, b.store);
      expect({ issues, renumbered: counts.renumbered }).toEqual({ issues: [], renumbered: 0 });
      expect(await b.messages("INBOX")).toEqual({ 1: "one", 2: "two", 3: "three", 4: "four" });
      expect(await a.flags("INBOX")).toEqual({ 1: ["\\Seen"], 2: ["\\Flagged"], 3: [], 4: [] });
      await world.expectConverged();
    } finally {
      await world.close();
    }
  });
});
