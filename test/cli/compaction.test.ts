/** The daemon's compaction: once a day, slowly, on virtual time. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Compaction } from "../../src/cli/daemon/compaction.ts";
import { DAY_MS } from "../../src/cli/daemon/schema.ts";
import { appendMessages, createMailbox, expungeMessages, parseUidSet } from "../../src/operations/index.ts";
import { type Environment, SYSTEM } from "../../src/replicator/environment.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { tempDirectory } from "./helpers.ts";

const MINUTE_MS = 60_000;
const SIZE = 1_000_000;

let store: MailboxStore;
let now = 1_700_000_000_000;

beforeEach(async () => {
  store = await openEmbeddedStore(`${await tempDirectory()}/store`, { create: true });
  await createMailbox(store, "ann", "INBOX");
});

afterEach(() => store.close());

/** Appends ten messages and expunges the first six of them. */
async function use(): Promise<void> {
  const messages = Array.from({ length: 10 }, () => ({ bytes: Buffer.alloc(SIZE, ++now), flags: [], internalDate: 0 }));
  const { uids } = await appendMessages(store, "ann", "INBOX", messages);
  await expungeMessages(store, "ann", "INBOX", parseUidSet(`${uids[0]}:${uids[5]}`));
}

/** Runs a compaction until `isLast`; time passes only while it waits. @returns what it logged, and how long it waited. */
async function runUntil(isLast: (waits: readonly number[], events: readonly object[]) => boolean, given = store) {
  const waits: number[] = [];
  const events: object[] = [];
  const environment: Environment = {
    ...SYSTEM,
    now: () => now,
    after: (ms, action) => {
      now += ms;
      waits.push(ms);
      if (isLast(waits, events)) compaction.stop();
      const waiting = setImmediate(action);
      return () => clearImmediate(waiting);
    },
  };
  const compaction = new Compaction(given, (event) => events.push(event), environment);
  await compaction.run();
  return { waits, events };
}

const compacted = (_: readonly number[], events: readonly object[]) => events.length > 0;

test("gives space back ten minutes after the first start, at most 1 MiB a second, then a day later", async () => {
  await use();
  const first = await runUntil(compacted);
  expect(first.events).toMatchObject([{ event: "compacted", messages: 6, bytes: expect.any(Number) }]);
  expect(first.waits[0]).toBe(10 * MINUTE_MS);
  const moved = 4 * SIZE;
  const paused = first.waits.slice(1, -1).reduce((sum, ms) => sum + ms, 0);
  expect(paused).toBeGreaterThanOrEqual((1000 * 2 * moved) / 2 ** 20);
  expect(Math.max(...first.waits.slice(1, -1))).toBeLessThanOrEqual(10_000);
  expect(first.waits.at(-1)).toBe(DAY_MS);

  // A day has passed; a node that starts again within a day goes on where it was.
  const second = await runUntil(compacted);
  expect(second.events).toMatchObject([{ event: "compacted", messages: 0, bytes: 0 }]);
  now -= DAY_MS - MINUTE_MS;
  await use();
  const third = await runUntil((waits) => waits.length === 2);
  expect(third).toMatchObject({ events: [], waits: [10 * MINUTE_MS, DAY_MS - 11 * MINUTE_MS - 10] });
});

test("a node that ends in the middle of it ends at once, and does the rest after the next start", async () => {
  await use();
  const { events, waits } = await runUntil((all) => all.some((ms) => ms > 1000 && ms < MINUTE_MS));
  expect(events).toEqual([]);
  expect(waits.length).toBeGreaterThan(2);
  expect((await runUntil(compacted)).events).toMatchObject([{ event: "compacted", messages: 0 }]);
  expect((await store.mailboxNamed("ann", "INBOX"))?.state.digest.count).toBe(4);
});

test("where it fails it says so, and tries again in an hour", async () => {
  const failing = await openEmbeddedStore(`${await tempDirectory()}/gone`, { create: true });
  await failing.close();
  const { events, waits } = await runUntil(compacted, failing);
  expect(events).toMatchObject([{ event: "compact-failed", message: expect.any(String) }]);
  expect(waits).toEqual([10 * MINUTE_MS, 60 * MINUTE_MS]);
});
