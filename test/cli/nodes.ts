/** Serving nodes for the tests: real processes, ended by their id. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { MAIN } from "./helpers.ts";

export interface Node {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it wrote on stderr so far. */
  stderr(): string;
  /** Sends a signal and waits for the end; the exit status, or null if the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();

/** Starts `tandem serve` on a free port of loopback and waits until it listens. */
export async function startNode(store: string, listen = "127.0.0.1:0"): Promise<Node> {
  const child = spawn(process.execPath, [MAIN, "serve", store, "--listen", listen, "--json"]);
  running.add(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = JSON.parse(line) as { listening: string };
    const end = (signal: NodeJS.Signals = "SIGTERM") => {
      child.kill(signal);
      return ended.finally(() => running.delete(child));
    };
    return { url: listening, process: child, stderr: () => stderr, end };
  }
  throw new Error(`the node ended before it listened: ${stderr}`);
}

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});
