/**
 * Runs the programs in `children/` as processes of their own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROJECT = join(import.meta.dirname, "../..");

export interface Child {
  readonly process: ChildProcess;
  /** Lines of its standard output, as they come. */
  readonly lines: AsyncIterableIterator<string>;
  /** Its exit status, null if it was killed. */
  readonly exited: Promise<number | null>;
}

/** Starts `children/NAME.mjs`. `prefix` is a command that starts it in turn. */
export function startChild(name: string, args: readonly string[], prefix: readonly string[] = []): Child {
  if (!existsSync(join(PROJECT, "dist/src/store")))
    throw new Error("The children of this test run the built program: run `npm run build` first.");
  const script = join(import.meta.dirname, "children", `${name}.mjs`);
  const [command, ...rest] = [...prefix, process.execPath, script, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit").then(([status]) => status as number | null);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { process: child, lines, exited };
}

/** All remaining lines of a child that ends by itself. */
export async function linesOf(child: Child): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of child.lines) lines.push(line);
  const status = await child.exited;
  if (status !== 0) throw new Error(`A child process ended with status ${status}.`);
  return lines;
}

/** Kills a child and waits until it is gone; returns the lines it had printed. */
export async function killChild(child: Child): Promise<string[]> {
  child.process.kill("SIGKILL");
  await child.exited;
  const lines: string[] = [];
  for await (const line of child.lines) lines.push(line);
  return lines;
}

/** The next line of a child. */
export async function nextLine(child: Child): Promise<string> {
  const { value, done } = await child.lines.next();
  if (done === true) throw new Error("A child process ended too early.");
  return value;
}
