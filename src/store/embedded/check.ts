/**
 * Looks for damage in the index: how SQLite has built it, and every row that has a checksum but for those of records. Reads
 * only.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { isTandemError } from "../../model/errors.ts";
import type { LogTable } from "./change-log.ts";
import type { Connection } from "./connection.ts";
import { sequenceOf } from "./guid-index.ts";
import { accountNames, accountOf, cursorFaults, damagedMailboxes } from "./mailboxes.ts";
import { lossTold, noteFaults } from "./notes.ts";
import { unsoundPacks } from "./packs.ts";
import { rowSum } from "./row-sums.ts";

/** Faults of SQLite's that are told: the first ones say enough. */
const MOST_FAULTS = 20;

/** Runs in a thread of its own, since it reads all of the index in one go. */
const THREAD = `
const { parentPort, workerData } = require("node:worker_threads");
const Database = require(workerData.driver);
try {
  const db = new Database(workerData.index, { readonly: true, fileMustExist: true });
  parentPort.postMessage(db.pragma("integrity_check(${MOST_FAULTS})").map((row) => row.integrity_check));
  db.close();
} catch (error) {
  parentPort.postMessage([String(error.message)]);
}`;

/** A sentence for each fault. @param index path of the database. */
export async function checkIndex(db: Connection, log: LogTable, index: string): Promise<string[]> {
  const faults = await structureFaults(index);
  for (const look of [rowFaults, entryFaults, cursorFaultsOf, segmentFaults, packFaults, noteFaults, lossTold]) {
    faults.push(...db.read(() => told(() => look(db))));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return [...faults, ...db.read(() => told(() => log.faults()))];
}

async function structureFaults(index: string): Promise<string[]> {
  const driver = createRequire(import.meta.url).resolve("better-sqlite3");
  const worker = new Worker(THREAD, { eval: true, workerData: { driver, index } });
  const found = await new Promise<string[]>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  const faults = found.flatMap((text) => text.split("\n")).filter((line) => line !== "ok" && !line.startsWith("***"));
  return faults.map((line) => `The index is damaged: ${line}.`);
}

/** What `look` finds, or what it fails with because of a row that it needs. */
function told(look: () => string[]): string[] {
  try {
    return look();
  } catch (error) {
    if (isTandemError(error)) return [error.message];
    throw error;
  }
}

function rowFaults(db: Connection): string[] {
  sequenceOf(db);
  return accountNames(db).flatMap((name) =>
    told(() => {
      accountOf(db, name);
      return [];
    }),
  );
}

function entryFaults(db: Connection): string[] {
  return damagedMailboxes(db).map((name) => `What is kept of mailbox ${JSON.stringify(name)} is damaged.`);
}

function cursorFaultsOf(db: Connection): string[] {
  const count = cursorFaults(db);
  return count === 0 ? [] : [`${count} cursors are damaged: their mailboxes are compared as a whole.`];
}

function segmentFaults(db: Connection): string[] {
  const rows = db.rows<[number, number, number, number]>("SELECT id, reserved, sealed, sum FROM segment");
  const wrong = rows.filter(([id, reserved, sealed, sum]) => sum !== rowSum(id, reserved, sealed));
  return wrong.map(([id]) => `What is reserved of segment ${id} is damaged: nothing more is written to it.`);
}

function packFaults(db: Connection): string[] {
  const count = unsoundPacks(db);
  return count === 0 ? [] : [`${count} counts of references are damaged: the space of their messages is not freed.`];
}
