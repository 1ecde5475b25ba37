/**
 * Figures of a sync that has little or nothing to do in a large mailbox.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_SYNC_OPTIONS, type MailboxStore, parseUidSet, storeFlags, syncStores } from "../../src/index.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { openRemote } from "../../src/sync/session.ts";
import { createPair } from "../../src/transport/pair.ts";
import { runCommand, startNode } from "./processes.ts";
import { ACCOUNT, recordStore, withStore } from "./stores.ts";
import { figure, median, most, type Row } from "./table.ts";

const MESSAGES = 100_000;
const RUNS = 21;

export async function quietRows(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  const [a, b] = [join(directory, "a"), join(directory, "b")];
  await recordStore(a, MESSAGES);
  const inProcess = await withStore(a, (left) => withStore(b, (right) => changeFlags(left, right)));
  return [...(await quietRow(a, b)), ...inProcess];
}

/** Nothing to do, between two processes; bytes include the greeting. */
async function quietRow(a: string, b: string): Promise<Row[]> {
  const node = await startNode(b);
  try {
    const results: { elapsedMs: number; bytesSent: number; bytesReceived: number; roundTrips: number }[] = [];
    for (let run = 0; run < 5; run++)
      results.push(JSON.parse((await runCommand("sync", a, node.url, "--json")).stdout));
    const last = results.at(-1) as (typeof results)[number];
    const time = `${median(results.map((one) => one.elapsedMs))} ms with connecting`;
    return [
      most("nothing to do, 100,000: bytes there", last.bytesSent, 300, "B", "greeting included"),
      most("  bytes back", last.bytesReceived, 300, "B"),
      most("  round trips", last.roundTrips, 1, "", time),
    ];
  } finally {
    await node.stop();
  }
}

async function changeFlags(left: MailboxStore, right: MailboxStore): Promise<Row[]> {
  const first = performance.now();
  await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
  const firstMs = performance.now() - first;
  const times: number[] = [];
  let result = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
  for (let run = 0; run < RUNS; run++) {
    const edit = run % 2 === 0 ? { add: ["\\Flagged"] } : { remove: ["\\Flagged"] };
    await storeFlags(left, ACCOUNT, "INBOX", parseUidSet("54321"), edit);
    const started = performance.now();
    result = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
    times.push(performance.now() - started);
  }
  const greeting = await greetingOf(left, right);
  const note = `after the greeting of ${greeting.there} B there and ${greeting.back} B back`;
  return [
    figure("first sync of 100,000 records, one body", `${Math.round(firstMs)} ms`, "in one process"),
    most("1 flag changed in 100,000: bytes there", result.bytesSent - greeting.there, 400, "B", note),
    most("  bytes back", result.bytesReceived - greeting.back, 400, "B"),
    most("  round trips", result.roundTrips, 1, ""),
    most("  time in one process, both sides", median(times), 10, "ms", "with both commits and their fsync"),
  ];
}

/** Bytes by which two nodes introduce themselves. */
async function greetingOf(left: MailboxStore, right: MailboxStore): Promise<{ there: number; back: number }> {
  const [master, replica] = createPair();
  const served = serveReplica(right, replica, { node: "tandem" });
  const remote = await openRemote(left, master, "tandem");
  const { bytesSent, bytesReceived } = remote.stats;
  await remote.close();
  await served;
  return { there: bytesSent, back: bytesReceived };
}
