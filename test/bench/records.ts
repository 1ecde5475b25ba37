/**
 * Figures of what works on records alone: scanning a store, walking two lists.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { decodeColumns, type MailboxStore, parseUidSet, type RecordBatch, storeFlags } from "../../src/index.ts";
import { Walker } from "../../src/merge/walk.ts";
import { ACCOUNT, recordStore, withStore } from "./stores.ts";
import { median, type Row, rate } from "./table.ts";

const RECORDS = 1_000_000;
const DIFFERENCES = 1000;
const RUNS = 5;

export async function recordRows(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "million");
  await recordStore(path, RECORDS);
  return withStore(path, async (store) => [await scanRow(store), ...(await walkRows(store))]);
}

/** Reads every UID, modseq and flag byte. */
async function scanRow(store: MailboxStore): Promise<Row> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    let seen = 0;
    for (const batch of await batchesOf(store)) seen += decodeColumns(batch.bytes).count;
    if (seen !== RECORDS) throw new Error(`the scan saw ${seen} records`);
    times.push(performance.now() - started);
  }
  return rate("scan of 1,000,000 records, columns decoded", (1000 * RECORDS) / median(times), 5e6, "records");
}

async function walkRows(store: MailboxStore): Promise<Row[]> {
  const before = await batchesOf(store);
  const step = RECORDS / DIFFERENCES;
  const uids = Array.from({ length: DIFFERENCES }, (_, i) => i * step + 1 + (i % step)).join(",");
  await storeFlags(store, ACCOUNT, "INBOX", parseUidSet(uids), { add: ["\\Seen"] });
  const after = await batchesOf(store);
  const times = Array.from({ length: RUNS }, () => walk(before, after));
  return [rate("merge walk of two lists, 1,000 differences", (1000 * RECORDS) / median(times), 3e6, "records")];
}

function walk(left: readonly RecordBatch[], right: readonly RecordBatch[]): number {
  const started = performance.now();
  const walker = new Walker();
  walker.feed("left", left);
  walker.feed("right", right);
  walker.finish("left");
  walker.finish("right");
  const pairs = walker.walk();
  if (pairs.length !== DIFFERENCES) throw new Error(`the walk found ${pairs.length} differences`);
  return performance.now() - started;
}

async function batchesOf(store: MailboxStore): Promise<RecordBatch[]> {
  const mailbox = await store.mailboxNamed(ACCOUNT, "INBOX");
  const snapshot = await store.snapshot(ACCOUNT, mailbox?.entry.mailboxId ?? "");
  try {
    const batches: RecordBatch[] = [];
    for await (const page of snapshot.scan()) batches.push(...page);
    return batches;
  } finally {
    await snapshot.close();
  }
}
