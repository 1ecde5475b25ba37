/**
 * Figures of continuous replication between two daemons: delay, sustained load, and what they cost when idle.
 */

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { appendMessages, DEFAULT_SYNC_OPTIONS, type MailboxStore, syncStores, waitForPeer } from "../../src/index.ts";
import { BLOCK_UIDS } from "../../src/store/shared/blocks.ts";
import { freePort } from "../transport/free-ports.ts";
import { ACCOUNT, fewMessagesEach, manyMailboxes, message, withStore } from "./stores.ts";
import { count, figure, most, type Row, rate } from "./table.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const LOAD = fileURLToPath(new URL("./load.js", import.meta.url));
const SINGLE_MESSAGES = 1000;
const LOADED_MAILBOXES = 1000;
const CHANGES_PER_SECOND = Number(process.env["TANDEM_BENCH_RATE"] ?? 3000);
/** How long the load lasts; 600 shows that memory stays flat. */
const LOAD_SECONDS = Number(process.env["TANDEM_BENCH_SECONDS"] ?? 60);
/** How long before it grows to that rate. The mailboxes are of all sizes: a change costs more the fuller a block is. */
const RAMP_SECONDS = 10;
const IDLE_SECONDS = 20;
/** Before that, until what follows a first copy is over. */
const SETTLE_SECONDS = 15;
/** Pause between two looks at the other store: short where nothing else runs, long where each look takes from the daemons. */
const LOOK_MS = 0.2;
const LOOK_UNDER_LOAD_MS = 5;

interface Daemon {
  readonly pid: number;
  stop(): Promise<void>;
}

interface PairOfDaemons {
  readonly a: MailboxStore;
  readonly b: MailboxStore;
  readonly paths: { readonly a: string; readonly b: string };
  readonly daemons: readonly [Daemon, Daemon];
}

export async function continuousRows(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  const rows = await withPair(join(directory, "pair"), async (pair) => [
    ...(await told("delay", delayRows(pair))),
    await told("idle", idleRow(pair)),
    ...(await told("load", loadRows(pair))),
  ]);
  for (const count of [1000, 100_000])
    rows.push(...(await told(`reconnect ${count}`, reconnectRows(directory, count))));
  return rows;
}

/** Says how long a part took: some of them take minutes. */
async function told<T>(part: string, work: Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work;
  process.stderr.write(`  ${part}: ${Math.round((performance.now() - started) / 1000)} s\n`);
  return result;
}

/** Two daemons, each with a channel to the other, and mailboxes that are in step. */
async function withPair(directory: string, use: (pair: PairOfDaemons) => Promise<Row[]>): Promise<Row[]> {
  mkdirSync(directory, { recursive: true });
  const paths = { a: join(directory, "a"), b: join(directory, "b") };
  const [portA, portB] = [await freePort(), await freePort()];
  return withStore(paths.a, async (a) => {
    await fewMessagesEach(a, await manyMailboxes(a, LOADED_MAILBOXES), BLOCK_UIDS);
    return withStore(paths.b, async (b) => {
      const daemons = [
        await startDaemon("a", paths.a, portA, "b", portB),
        await startDaemon("b", paths.b, portB, "a", portA),
      ] as const;
      try {
        await waitForPeer(a, "b", { timeoutMs: 60_000 });
        await waitForPeer(b, "a", { timeoutMs: 60_000 });
        return await use({ a, b, paths, daemons: [daemons[0], daemons[1]] });
      } finally {
        for (const daemon of daemons) await daemon.stop();
      }
    });
  });
}

async function startDaemon(node: string, path: string, port: number, peer: string, peerPort: number): Promise<Daemon> {
  const args = ["serve", path, "--node", node, "--listen", `127.0.0.1:${port}`];
  const child = spawn(process.execPath, [MAIN, ...args, "--peer", `${peer}=ws://127.0.0.1:${peerPort}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for await (const _ of createInterface({ input: child.stdout })) break;
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { pid: child.pid as number, stop };
}

/** Messages appended one at a time on an idle pair, until each is visible on the other node. */
async function delayRows({ a, b }: PairOfDaemons): Promise<Row[]> {
  const delays: number[] = [];
  for (let number = 0; number < SINGLE_MESSAGES; number++) delays.push(await delayOf(a, b, "box 0", number, LOOK_MS));
  const note = "from the append's return; idle pair, one at a time";
  return [
    most("append on A until visible on B, p50", share(delays, 0.5), 5, "ms", note),
    most("  p99", share(delays, 0.99), 25, "ms"),
  ];
}

/** Milliseconds from the moment an append returned until its message is visible on the other side. */
async function delayOf(
  from: MailboxStore,
  to: MailboxStore,
  name: string,
  number: number,
  lookMs: number,
): Promise<number> {
  const bytes = message(number + 1_000_000, 2048);
  const mail = { bytes, flags: [], internalDate: Date.now() };
  const [uid = 0] = (await appendMessages(from, ACCOUNT, name, [mail])).uids;
  const returned = performance.now();
  while (((await to.mailboxNamed(ACCOUNT, name))?.state.uidNext ?? 0) <= uid) sleep(lookMs);
  return performance.now() - returned;
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function idleRow({ daemons }: PairOfDaemons): Promise<Row> {
  await new Promise((resolve) => setTimeout(resolve, 1000 * SETTLE_SECONDS));
  const before = daemons.map(({ pid }) => cpuMs(pid));
  await new Promise((resolve) => setTimeout(resolve, 1000 * IDLE_SECONDS));
  const used = daemons.map(({ pid }, i) => cpuMs(pid) - (before[i] as number));
  return most("idle daemon, share of a core", Math.max(...used) / (10 * IDLE_SECONDS), 1, "%", "the busier of two");
}

/** Milliseconds of processor time a process has used (proc(5): in ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** Both nodes are written to by a process each, while single messages measure the delay. */
async function loadRows({ a, b, paths, daemons }: PairOfDaemons): Promise<Row[]> {
  const loads = [startLoad(paths.a), startLoad(paths.b)];
  let isOver = false;
  const ended = Promise.all(loads.map(({ result }) => result)).finally(() => (isOver = true));
  await Promise.race([Promise.all(loads.map(({ reached }) => reached)), ended]);
  const delays: number[] = [];
  const memory: number[] = [];
  for (let number = 0; !isOver; number++) {
    const [from, to] = number % 2 === 0 ? [a, b] : [b, a];
    delays.push(await delayOf(from, to, `box ${number % LOADED_MAILBOXES}`, 10_000 + number, LOOK_UNDER_LOAD_MS));
    memory.push(Math.max(...daemons.map(({ pid }) => rssMb(pid))));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const results = await ended;
  const perSecond = results.reduce((sum, { done, elapsedMs }) => sum + (1000 * done) / elapsedMs, 0);
  const third = Math.floor(memory.length / 3);
  const [early, late] = [share(memory.slice(0, third), 0.5), share(memory.slice(-third), 0.5)];
  const drained = performance.now();
  await waitForPeer(a, "b", { timeoutMs: 600_000 });
  await waitForPeer(b, "a", { timeoutMs: 600_000 });
  const inStep = `${count(performance.now() - drained)} ms until in step`;
  const note = `${LOAD_SECONDS} s after ${RAMP_SECONDS} s of growing, ${LOADED_MAILBOXES} mailboxes; ${inStep}`;
  return [
    rate("sustained load on both nodes", perSecond, CHANGES_PER_SECOND, "changes", note),
    most(
      "  delay, p99",
      share(delays, 0.99),
      250,
      "ms",
      `p50 ${share(delays, 0.5).toFixed(1)} ms, ${delays.length} probes`,
    ),
    figure("  memory of a daemon", `${count(early)} MB -> ${count(late)} MB`, "median of the first and the last third"),
  ];
}

/** A process that changes mail: when it does so at the full rate, and what it did from then on. */
interface Load {
  readonly reached: Promise<void>;
  readonly result: Promise<{ done: number; elapsedMs: number }>;
}

function startLoad(path: string): Load {
  const settings = [CHANGES_PER_SECOND / 2, RAMP_SECONDS, LOAD_SECONDS, LOADED_MAILBOXES].map(String);
  const child = spawn(process.execPath, [LOAD, path, ...settings], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const reached = lines.next();
  const result = reached.then(async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("a load process ended without a result");
    return JSON.parse(value) as { done: number; elapsedMs: number };
  });
  return { reached: reached.then(() => undefined), result };
}

/** What a reconnection costs when nothing changed, whatever the number of mailboxes. */
async function reconnectRows(directory: string, mailboxes: number): Promise<Row[]> {
  const [a, b] = [join(directory, `many-${mailboxes}-a`), join(directory, `many-${mailboxes}-b`)];
  return withStore(a, async (left) => {
    await manyMailboxes(left, mailboxes);
    return withStore(b, async (right) => {
      await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
      const started = performance.now();
      const { bytesSent, bytesReceived, roundTrips } = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
      const time = `${count(performance.now() - started)} ms, both sides in one process`;
      const work = `nothing to do, ${count(mailboxes)} mailboxes, reconnect`;
      return [
        most(`${work}: bytes both ways`, bytesSent + bytesReceived, 1024, "B", "greeting included"),
        most("  round trips", roundTrips, 1, "", time),
      ];
    });
  });
}

/** The value below which a share of all lies. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
