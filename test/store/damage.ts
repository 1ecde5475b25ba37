/**
 * What a disk does to a store: bytes that change behind its back.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";

/** Flips a bit of a text wherever it stands in the messages of a store; it has to stand somewhere. */
export async function flipText(store: string, text: string): Promise<void> {
  let found = 0;
  for (const name of await readdir(join(store, "segments"))) {
    const file = join(store, "segments", name);
    const bytes = await readFile(file);
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at] = (bytes[at] as number) ^ 1;
      found++;
    }
    await writeFile(file, bytes);
  }
  if (found === 0) throw new Error(`${text} is in no segment of ${store}.`);
}

/** Changes rows of the index, their checksums left as they are. */
export function changeRows(store: string, sql: string): void {
  const db = new Database(join(store, "index.db"));
  db.exec(sql);
  db.close();
}
