/**
 * The table of notes: what programs keep for themselves in a store. Every function runs in whatever transaction is open.
 */
import type { Connection } from "./connection.ts";
import { rowSum } from "./row-sums.ts";

/** Under this name it is kept that commits were lost; "" once somebody has taken note of it. */
export const LOSS_NOTE = "lost commits";

/** See `MailboxStore.note`. A damaged note is none. */
export function readNote(db: Connection, name: string): string | null {
  const row = db.row<[string, number]>("SELECT value, sum FROM note WHERE name = ?", name);
  return row === undefined || row[1] !== rowSum(name, row[0]) ? null : row[0];
}

export function writeNote(db: Connection, name: string, value: string): void {
  db.run("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", name, value, rowSum(name, value));
}

/** A sentence if notes are damaged. */
export function noteFaults(db: Connection): string[] {
  const rows = db.rows<[string, string, number]>("SELECT name, value, sum FROM note");
  const wrong = rows.filter(([name, value, sum]) => sum !== rowSum(name, value));
  return wrong.map(([name]) => `The note ${JSON.stringify(name)} is damaged.`);
}

/** What is kept of a loss of commits. */
export function lossTold(db: Connection): string[] {
  const told = readNote(db, LOSS_NOTE);
  return told === null || told === "" ? [] : [told];
}
