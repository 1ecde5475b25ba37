/**
 * P6, P12: a byte flipped anywhere in a store's files is noticed at the latest by the deep check, and is never brought to another
 * node as a change. `TANDEM_FLIPS=2000 npx vitest run test/store/flips.test.ts` tries more; a failure prints its seed.
 */

import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { compareSides } from "../../src/sync/compare.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { seededBelow } from "../seeded.ts";
import { type Dump, dumpOf } from "../sync/support/checks.ts";
import { ACCOUNT, Node } from "../sync/support/node.ts";
import { withDirectory } from "./checks.ts";

const FLIPS = Number(process.env["TANDEM_FLIPS"] ?? 40);
const SEED = Number(process.env["TANDEM_SEED"] ?? Date.now() % 1_000_000);
/** The end of a snapshot of a damaged index failed, and not in the words of a store. */
const FOUND = [92_798];

/** Two nodes that are in step; the first also as a killed process leaves it: with its write-ahead log. */
async function makePair(parent: string): Promise<void> {
  const stores = [
    await openEmbeddedStore(join(parent, "live"), { create: true }),
    await openEmbeddedStore(join(parent, "healthy"), { create: true }),
  ] as const;
  const a = new Node("a", stores[0]);
  for (const mailbox of ["INBOX", "Work", "Old"]) await a.create(mailbox);
  await stores[0].log.addChannel("healthy");
  const texts = Array.from({ length: 150 }, (_, i) => `message ${i} ${"x".repeat(i)}`);
  await a.deliverAll("INBOX", texts);
  await a.deliverAll("Work", texts.slice(0, 70));
  for (const uid of [1, 2, 70, 71, 140]) await a.expunge("INBOX", uid);
  for (const uid of [3, 80]) await a.set("INBOX", uid, "\\Seen", "$Label");
  await syncStores(stores[0], stores[1], DEFAULT_SYNC_OPTIONS);
  await a.set("Work", 5, "\\Flagged");
  await cp(join(parent, "live"), join(parent, "killed"), {
    recursive: true,
    filter: (path) => !path.endsWith("-shm"),
  });
  for (const store of stores) await store.close();
}

interface Flip {
  readonly file: string;
  readonly at: number;
  readonly mask: number;
}

async function filesIn(directory: string): Promise<string[]> {
  const segments = (await readdir(join(directory, "segments"))).map((name) => join("segments", name));
  const logs = (await readdir(directory)).filter((name) => name === "index.db-wal");
  // Each kind of file as often as the others, however many segments there are.
  return ["index.db", logs[0] ?? "index.db", segments[0] as string, "commits"];
}

async function flipped(directory: string, random: (below: number) => number): Promise<Flip> {
  const files = await filesIn(directory);
  const file = files[random(files.length)] as string;
  const bytes = await readFile(join(directory, file));
  const [at, mask] = [random(bytes.length), 1 + random(255)];
  bytes[at] = (bytes[at] as number) ^ mask;
  await writeFile(join(directory, file), bytes);
  return { file, at, mask };
}

/** What the deep check says of a store, null if it finds nothing. */
async function deepCheck(store: MailboxStore): Promise<string | null> {
  try {
    const peer = new LocalPeer(store, store.storeEpoch);
    const { differences } = await compareSides(peer, peer, { account: null, deep: true });
    const found = [...differences.map(({ what }) => what), ...(await store.check())];
    return found.length === 0 ? null : found.join("; ");
  } catch (error) {
    if (isTandemError(error) && error.code !== "internal") return error.message;
    throw error;
  }
}

/** Opens, checks and syncs a damaged store. */
async function tried(directory: string, healthy: MailboxStore): Promise<{ found: string | null; dump: Dump | null }> {
  try {
    const store = await openEmbeddedStore(directory);
    try {
      const found = await deepCheck(store);
      const dump = found === null ? await dumpOf(store) : null;
      await syncStores(store, healthy, DEFAULT_SYNC_OPTIONS);
      return { found, dump };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (isTandemError(error) && error.code !== "internal") return { found: error.message, dump: null };
    throw error;
  }
}

/** Live messages by mailbox: GUID and flags under each UID. */
function liveIn(dump: Dump): Map<string, string> {
  const live = new Map<string, string>();
  for (const { tree, records } of dump.accounts.filter(({ account }) => account === ACCOUNT))
    for (const { entry } of tree.mailboxes)
      for (const record of records[entry.mailboxId] ?? [])
        if (!record.expunged)
          live.set(`${entry.name} ${record.uid}`, `${record.guid} ${record.systemFlags} ${record.keywords}`);
  return live;
}

/** A store that has lost commits says so by a warning of the process; here it is what is expected. */
const listeners = process.listeners("warning");
beforeAll(() => void process.removeAllListeners("warning"));
afterAll(() => {
  for (const listener of listeners) process.on("warning", listener);
});

test.each([...FOUND, SEED])(
  `P6, P12: whatever byte is flipped (seed %d, ${FLIPS} flips)`,
  { timeout: 600_000 },
  (seed) =>
    withDirectory(async (parent) => {
      await makePair(parent);
      const random = seededBelow(seed);
      const place = (name: string) => join(parent, name);
      const fresh = async (from: string, to: string) => {
        await rm(place(to), { recursive: true, force: true });
        await cp(place(from), place(to), { recursive: true });
      };
      await fresh("killed", "run-a");
      await fresh("healthy", "run-b");
      const soundB = await openEmbeddedStore(place("run-b"));
      const before = liveIn(await dumpOf(soundB));
      const sound = await tried(place("run-a"), soundB);
      const after = liveIn(await dumpOf(soundB));
      await soundB.close();
      expect(sound.found).toBeNull();
      for (let i = 0; i < FLIPS; i++) {
        await fresh(i % 2 === 0 ? "killed" : "live", "run-a");
        await fresh("healthy", "run-b");
        const flip = await flipped(place("run-a"), random);
        const healthy = await openEmbeddedStore(place("run-b"));
        const { found, dump } = await tried(place("run-a"), healthy);
        const now = liveIn(await dumpOf(healthy));
        await healthy.close();
        const about = { seed, i, flip, found };
        if (found === null)
          expect({ ...about, accounts: dump?.accounts }).toEqual({ ...about, accounts: sound.dump?.accounts });
        // Each message of the healthy node is as it was, or as the sound store would have changed it.
        const wrong = [...before].filter(([key, was]) => now.get(key) !== was && now.get(key) !== after.get(key));
        const strange = [...now].filter(([key]) => !before.has(key));
        expect({ ...about, wrong, strange }).toEqual({ ...about, wrong: [], strange: [] });
      }
    }),
);
