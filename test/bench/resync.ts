/**
 * Figures of a full resync without a common cursor: how many bytes, round trips, milliseconds and megabytes it takes to find what
 * differs.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  appendMessages,
  DEFAULT_SYNC_OPTIONS,
  type MailboxStore,
  parseUidSet,
  storeFlags,
  syncStores,
} from "../../src/index.ts";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { runCommand, startNode } from "./processes.ts";
import { ACCOUNT, manyMailboxes, message, oneMessageEach, recordStore, withStore } from "./stores.ts";
import { figure, median, most, type Row } from "./table.ts";

const MILLION = 1_000_000;
const RUNS = 5;

interface Result {
  readonly elapsedMs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly roundTrips: number;
}

export async function resyncRows(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  return [
    ...(await oneDiffers(directory, 100_000, 4096, 50)),
    ...(await oneDiffers(directory, MILLION, 6144, 150)),
    ...(await manyDiffer(directory)),
    ...(await manyMailboxesRows(directory)),
  ];
}

/** A copy has the epoch of its original, so there are no cursors between them: all that a resync of a lost cursor does, and no saving. */
function copied(directory: string, from: string, name: string): string {
  const to = join(directory, name);
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  return to;
}

async function oneDiffers(directory: string, count: number, bytes: number, ms: number): Promise<Row[]> {
  const a = join(directory, `a${count}`);
  await recordStore(a, count);
  const b = copied(directory, a, `b${count}`);
  const results = await withStore(a, (left) => withStore(b, (right) => flagAgainAndAgain(left, right)));
  const last = results.at(-1) as Result;
  const sum = last.bytesSent + last.bytesReceived;
  const title = `1 differs in ${count.toLocaleString("en-US")}, no cursor: bytes`;
  return [
    most(
      title,
      sum,
      bytes,
      "B",
      "both directions, greeting included; copies keep no cursors, so no round trip for these",
    ),
    most("  round trips", last.roundTrips, 5, ""),
    most(
      "  time in one process, both sides",
      median(results.map(({ elapsedMs }) => elapsedMs)),
      ms,
      "ms",
      "with both commits",
    ),
  ];
}

/** Each run changes another flag on one side: without a cursor, a delta cannot be used. */
async function flagAgainAndAgain(left: MailboxStore, right: MailboxStore): Promise<Result[]> {
  const results: Result[] = [];
  for (let run = 0; run < RUNS; run++) {
    await storeFlags(right, ACCOUNT, "INBOX", parseUidSet(String(54_321 + 1000 * run)), { add: ["\\Flagged"] });
    const started = performance.now();
    const result = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
    results.push({ ...result, elapsedMs: performance.now() - started });
  }
  return results;
}

async function manyDiffer(directory: string): Promise<Row[]> {
  const a = join(directory, `a${MILLION}`);
  const rows: Row[] = [];
  const scattered = copied(directory, a, "scattered");
  const uids = Array.from({ length: 1000 }, (_, i) => 1 + 999 * i).join(",");
  await withStore(scattered, (store) =>
    storeFlags(store, ACCOUNT, "INBOX", parseUidSet(uids), { add: ["\\Answered"] }),
  );
  rows.push(...(await betweenProcesses(a, scattered, "1,000 differ in 1,000,000, scattered", uids)));
  // A backup, restored after ten thousand more came.
  const older = copied(directory, a, "older");
  const newer = copied(directory, a, "newer");
  await withStore(newer, (store) => addRecords(store, 10_000));
  const missing = `${MILLION + 1}:${MILLION + 10_000}`;
  rows.push(...(await betweenProcesses(older, newer, "the last 10,000 missing on one side", missing)));
  const small = join(directory, "a100000");
  const flat = copied(directory, small, "flat");
  await withStore(flat, (store) => storeFlags(store, ACCOUNT, "INBOX", parseUidSet("54321"), { add: ["\\Seen"] }));
  rows.push(...(await peakRows(small, flat, "100,000")));
  return [...rows, ...(await peakRows(a, copied(directory, a, "same"), "1,000,000"))];
}

/** Bytes beside what the records that differ need by themselves, once for each direction in which they go. */
async function betweenProcesses(a: string, b: string, what: string, uids: string): Promise<Row[]> {
  const floor = await withStore(b, (store) => bytesOf(store, uids));
  const node = await startNode(b);
  const { stdout, rss } = await runCommand("sync", a, node.url, "--json");
  const peak = await node.stop();
  const { bytesSent, bytesReceived, roundTrips, elapsedMs } = JSON.parse(stdout) as Result;
  const all = bytesSent + bytesReceived;
  return [
    most(
      `${what}: bytes besides the records`,
      all - floor,
      4 * floor,
      "B",
      `${all} in all, the records alone ${floor}`,
    ),
    figure("  round trips, time", `${roundTrips}, ${Math.round(elapsedMs)} ms`, "two processes"),
    most(
      "  peak memory of the side that has more",
      Math.max(rss, peak),
      200,
      "MB",
      `master ${Math.round(rss)}, node ${Math.round(peak)}`,
    ),
  ];
}

/** Appends copies of the message that all records of the store name. */
async function addRecords(store: MailboxStore, count: number): Promise<void> {
  const [guid = ""] = await store.stage([message(0, 1024)]);
  const one = { guid, size: 1024, flags: [], internalDate: Date.UTC(2026, 5, 1) };
  await appendMessages(
    store,
    ACCOUNT,
    "INBOX",
    Array.from({ length: count }, () => one),
  );
}

async function bytesOf(store: MailboxStore, uids: string): Promise<number> {
  const mailbox = await store.mailboxNamed(ACCOUNT, "INBOX");
  const snapshot = await store.snapshot(ACCOUNT, mailbox?.entry.mailboxId ?? "");
  const wanted = parseUidSet(uids);
  let bytes = 0;
  try {
    const [first, last] = [wanted[0]?.a as number, wanted.at(-1)?.b as number];
    const single = new Set(wanted.map(({ a }) => a));
    const records = [];
    for await (const page of snapshot.scan({ fromUid: first, toUid: last }))
      for (const batch of page)
        records.push(...decodeBatch(batch.bytes).filter(({ uid }) => wanted.length === 1 || single.has(uid)));
    for (let i = 0; i < records.length; i += 1024) bytes += encodeBatch(records.slice(i, i + 1024)).bytes.length;
  } finally {
    await snapshot.close();
  }
  return bytes;
}

/** Peak memory of each of two processes that resync all, with and without a difference. */
async function peakRows(a: string, b: string, what: string): Promise<Row[]> {
  const node = await startNode(b);
  const { rss } = await runCommand("sync", a, node.url, "--full", "--json");
  const peak = await node.stop();
  return [
    most(`full resync of ${what}: peak memory, master`, rss, 200, "MB", "a process each"),
    most("  and node", peak, 200, "MB"),
  ];
}

async function manyMailboxesRows(directory: string): Promise<Row[]> {
  const [a, b] = [join(directory, "boxes"), join(directory, "boxes2")];
  await withStore(a, async (store) => oneMessageEach(store, await manyMailboxes(store, 10_000)));
  copied(directory, a, "boxes2");
  const measured = await withStore(a, (left) =>
    withStore(b, async (right) => {
      const equal = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
      await storeFlags(right, ACCOUNT, "box 77", parseUidSet("1"), { add: ["\\Flagged"] });
      return [equal, await syncStores(left, right, DEFAULT_SYNC_OPTIONS)] as const;
    }),
  );
  const [equal, one] = measured.map(({ bytesSent, bytesReceived }) => bytesSent + bytesReceived);
  return [
    most("10,000 equal mailboxes, no cursor: bytes", equal ?? 0, 600, "B", `${measured[0].roundTrips} round trips`),
    most("1 of 10,000 mailboxes differs: bytes", one ?? 0, 8192, "B", `${measured[1].roundTrips} round trips`),
  ];
}
