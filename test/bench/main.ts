/**
 * `npm run bench`: the figures of the engine, each beside what is to be reached, as one table.
 *
 * Two real processes over loopback, durable at the end. The machine is shared: trust the ratios within one run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { continuousRows } from "./continuous.ts";
import { copyRows } from "./copy.ts";
import { quietRows } from "./quiet.ts";
import { recordRows } from "./records.ts";
import { resyncRows } from "./resync.ts";
import { formatTable, type Row } from "./table.ts";

const PARTS: Record<string, (directory: string) => Promise<Row[]>> = {
  copy: copyRows,
  quiet: quietRows,
  records: recordRows,
  resync: resyncRows,
  continuous: continuousRows,
};

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const names = wanted.length > 0 ? wanted : Object.keys(PARTS);
  const directory = mkdtempSync(join(tmpdir(), "tandem-bench-"));
  const rows: Row[] = [];
  try {
    for (const name of names) {
      const part = PARTS[name];
      if (part === undefined) throw new Error(`no part "${name}"; there are ${Object.keys(PARTS).join(", ")}`);
      process.stderr.write(`measuring ${name} ...\n`);
      rows.push(...(await part(join(directory, name))));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  process.stdout.write(`${formatTable(rows)}\n`);
}

await main();
