/** Whom a node calls back when a peer that it could not reach connects here. */
import { expect, it } from "vitest";
import { TandemError } from "../../src/model/errors.ts";
import { SYSTEM } from "../../src/replicator/environment.ts";
import { Replicator } from "../../src/replicator/replicator.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { openRemote } from "../../src/sync/session.ts";
import { FULL_ACCESS } from "../../src/sync/trust.ts";
import { createPair } from "../../src/transport/pair.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { MEMORY } from "../sync/support/stores.ts";

/** A line to a node that has this very store. */
function lineToCopy(store: MailboxStore): FrameConnection {
  const [master, replica] = createPair();
  void serveReplica(store, replica, { node: "b" }).catch(() => undefined);
  return master;
}

it.each([
  { what: "one that was down is called at once", isCopy: false, most: 6, least: 2 },
  { what: "one with a copy of this store is not, as it would call back for ever", isCopy: true, most: 1, least: 1 },
])("$what", async ({ isCopy, most, least }) => {
  const { store, cleanup } = await MEMORY.open();
  let calls = 0;
  let failed = () => {};
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const replicator = new Replicator({
    store,
    node: "a",
    // Time stands still: nothing is tried again by itself.
    environment: { ...SYSTEM, now: () => 0 },
    peers: [
      {
        name: "b",
        access: FULL_ACCESS,
        connect: async () => {
          calls++;
          if (isCopy) return lineToCopy(store);
          throw new TandemError("disconnected", "The peer is down.");
        },
      },
    ],
    onEvent: ({ event }) => {
      if (event === "peer-unreachable") failed();
    },
  });
  await replicator.start();
  await hasFailed;
  for (let i = 0; i < 5; i++) {
    const [master, replica] = createPair();
    const served = replicator.serve(replica);
    await (await openRemote(store, master, "b")).close();
    await served;
  }
  await replicator.stop(1000);
  expect(calls).toBeGreaterThanOrEqual(least);
  expect(calls).toBeLessThanOrEqual(most);
  await cleanup();
});
