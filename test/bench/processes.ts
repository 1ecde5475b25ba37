/**
 * Real processes for the benchmarks: a serving node and commands, each with its peak memory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MEASURED = fileURLToPath(new URL("./measured.js", import.meta.url));

export interface Finished {
  readonly stdout: string;
  /** Peak resident memory, MB. */
  readonly rss: number;
  readonly elapsedMs: number;
}

/** Runs one command to its end. */
export async function runCommand(...args: string[]): Promise<Finished> {
  const started = performance.now();
  const child = start(args);
  let stdout = "";
  child.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const code = await child.ended;
  const elapsedMs = performance.now() - started;
  if (code !== 0) throw new Error(`tandem ${args.join(" ")} ended with ${code}`);
  return { stdout, rss: child.rss(), elapsedMs };
}

export interface RunningNode {
  readonly url: string;
  /** Ends the node and returns its peak resident memory, MB. */
  stop(): Promise<number>;
}

/** Starts a node on loopback. */
export async function startNode(store: string): Promise<RunningNode> {
  const child = start(["serve", store, "--listen", "127.0.0.1:0", "--json"]);
  const lines = createInterface({ input: child.process.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    const url = (JSON.parse(line) as { listening: string }).listening;
    const stop = async () => {
      child.process.kill("SIGTERM");
      await child.ended;
      return child.rss();
    };
    return { url, stop };
  }
  throw new Error("the node ended before it listened");
}

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  rss(): number;
}

function start(args: readonly string[]): Started {
  const directory = mkdtempSync(join(tmpdir(), "tandem-rss-"));
  const file = join(directory, "rss");
  const child = spawn(process.execPath, [MEASURED, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TANDEM_BENCH_RSS: file },
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const rss = () => {
    const kib = Number(readFileSync(file, "utf8"));
    rmSync(directory, { recursive: true });
    return kib / 1024;
  };
  return { process: child, ended, rss };
}
