/**
 * Figures of a first copy, of an import, and of starting the command.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Finished, runCommand, startNode } from "./processes.ts";
import { filledMaildir, filledStore, leastWork, plainWrite } from "./stores.ts";
import { count, figure, median, most, type Row, rate } from "./table.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const RUNS = 3;
/** Messages/s that the design's own trial of a whole replica reached, on a faster machine. */
const DESIGN_FLOOR = 32_000;

interface Copy {
  readonly perSecond: number;
  readonly masterRss: number;
  readonly replicaRss: number;
  readonly there: number;
  readonly back: number;
}

/** Copies a filled store to a fresh node. */
async function firstCopy(source: string, target: string, messages: number, size: number): Promise<Copy> {
  const node = await startNode(target);
  let finished: Finished;
  try {
    finished = await runCommand("sync", source, node.url, "--json");
  } catch (error) {
    await node.stop();
    throw error;
  }
  const replicaRss = await node.stop();
  const result = JSON.parse(finished.stdout) as { elapsedMs: number; bytesSent: number; bytesReceived: number };
  return {
    perSecond: (1000 * messages) / result.elapsedMs,
    masterRss: finished.rss,
    replicaRss,
    there: (result.bytesSent - messages * size) / messages,
    back: result.bytesReceived / messages,
  };
}

export async function copyRows(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  return [...(await copySmall(directory)), ...(await copyLarge(directory)), await importRow(directory), versionRow()];
}

async function copySmall(directory: string): Promise<Row[]> {
  const [messages, size] = [10_000, 4096];
  const source = join(directory, "small");
  await filledStore(source, messages, size);
  const copies: Copy[] = [];
  const writes: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    writes.push(plainWrite(directory, messages, size));
    copies.push(await firstCopy(source, `${source}-copy-${run}`, messages, size));
  }
  const plain = (1000 * messages) / median(writes);
  const speed = median(copies.map((copy) => copy.perSecond));
  const note = `plain write ${beside(speed, plain)}, ${least(directory, speed, messages, size)}, design ${count(DESIGN_FLOOR)}/s`;
  return [
    rate("first copy, 10,000 x 4 KB", speed, 20_000, "msgs", note),
    most("  bytes besides the bodies, there", median(copies.map((copy) => copy.there)), 64, "B/msg"),
    most("  bytes back", median(copies.map((copy) => copy.back)), 8, "B/msg"),
  ];
}

/** A rate of the same run with the measured one as its share. */
function beside(speed: number, other: number): string {
  return `${count(other)}/s (x${(speed / other).toFixed(2)})`;
}

function least(directory: string, speed: number, messages: number, size: number): string {
  const rates = Array.from({ length: RUNS }, () => leastWork(directory, messages, size));
  return `hash, append and rows alone ${beside(speed, median(rates))}`;
}

async function copyLarge(directory: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const messages of [10_000, 100_000, 300_000]) {
    const source = join(directory, `large-${messages}`);
    await filledStore(source, messages, 1024);
    const copies: Copy[] = [];
    for (let run = 0; run < (messages === 100_000 ? RUNS : 1); run++)
      copies.push(await firstCopy(source, `${source}-copy-${run}`, messages, 1024));
    const speed = median(copies.map((copy) => copy.perSecond));
    const rss = Math.max(...copies.flatMap((copy) => [copy.masterRss, copy.replicaRss]));
    const { masterRss, replicaRss } = copies[0] as Copy;
    const work = `first copy, ${count(messages)} x 1 KB`;
    const note = messages === 100_000 ? least(directory, speed, messages, 1024) : "";
    rows.push(messages === 100_000 ? rate(work, speed, 70_000, "msgs", note) : figure(work, `${count(speed)} msgs/s`));
    rows.push(most("  peak RSS", rss, 200, "MB", `master ${count(masterRss)} MB, replica ${count(replicaRss)} MB`));
  }
  return rows;
}

async function importRow(directory: string): Promise<Row> {
  const maildir = join(directory, "maildir");
  filledMaildir(maildir, 10_000, 4096);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++)
    times.push((await runCommand("import", join(directory, `imported-${run}`), maildir)).elapsedMs);
  return rate("import of 10,000 x 4 KB from a Maildir", 1e7 / median(times), 10_000, "msgs", "whole process");
}

function versionRow(): Row {
  const times: number[] = [];
  for (let run = 0; run < 9; run++) {
    const started = performance.now();
    spawnSync(process.execPath, [MAIN, "--version"]);
    times.push(performance.now() - started);
  }
  const bare = Array.from({ length: 9 }, () => {
    const started = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - started;
  });
  return most("tandem --version", median(times), 120, "ms", `node alone, doing nothing: ${count(median(bare))} ms`);
}
