/** Serving nodes for the tests: real processes, ended by their id. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { MAIN } from "./helpers.ts";

export interface Node {
  readonly url: string;
  /** Address of `/metrics`, "" without it. */
  readonly metrics: string;
  readonly process: ChildProcess;
  /** What it wrote on stderr so far. */
  stderr(): string;
  /** The first line of its log with this event, once it is there. */
  logged(event: string): Promise<LogLine>;
  /** Sends a signal and waits for the end; the exit status, or null if the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export interface NodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command that starts the node in turn. */
  readonly prefix?: readonly string[];
}

const running = new Set<ChildProcess>();

/** Starts `tandem serve` on a free port of loopback and waits until it listens. */
export function startNode(store: string, listen = "127.0.0.1:0"): Promise<Node> {
  return startDaemon([store, "--listen", listen]);
}

/** Starts `tandem serve` with these arguments and waits until it listens. */
export async function startDaemon(args: readonly string[], { env = {}, prefix = [] }: NodeOptions = {}): Promise<Node> {
  const [command, ...rest] = [...prefix, process.execPath, MAIN, "serve", ...args, "--json"] as const;
  const child = spawn(command, rest, { env: { ...process.env, ...env } });
  running.add(child);
  let stderr = "";
  const log = new EventEmitter();
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
    log.emit("more");
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening, metrics = "" } = JSON.parse(line) as { listening: string; metrics?: string };
    const end = (signal: NodeJS.Signals = "SIGTERM") => {
      child.kill(signal);
      return ended.finally(() => running.delete(child));
    };
    const logged = async (event: string) => {
      for (;;) {
        const found = logLines(stderr).find((one) => one.event === event);
        if (found !== undefined) return found;
        await once(log, "more");
      }
    };
    return { url: listening, metrics, process: child, stderr: () => stderr, logged, end };
  }
  await ended;
  throw new Error(`the node ended before it listened: ${stderr}`);
}

/** The whole lines of a log. */
export function logLines(stderr: string): LogLine[] {
  const lines = stderr.split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogLine);
}

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});
