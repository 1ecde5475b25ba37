/** Runs the built command as a user would, and keeps the tests' temporary directories. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect } from "vitest";

export const MAIN = join(import.meta.dirname, "../../dist/src/cli/main.js");
/** 1,183 real messages; may be absent. */
export const CORPUS = join(import.meta.dirname, "../../../shared/corpus");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. */
  readonly cwd?: string;
}

/** Runs `tandem` with `args` to its end. */
export function tandem(args: readonly string[], { input = "", env = {}, cwd }: RunOptions = {}): Promise<Result> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run "npm run build" first.`);
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, cwd });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A command that ends before it has read its input is not the test's failure.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const bytes = Buffer.concat(out);
      resolve({ code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** As `tandem`, for commands that must succeed without a word on stderr. */
export async function succeed(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const result = await tandem(args, options);
  expect({ args, code: result.code, stderr: result.stderr }).toEqual({ args, code: 0, stderr: "" });
  return result;
}

/** As `tandem`, for commands that must fail with one clear sentence and no stack trace; returns that sentence. */
export async function refuse(args: readonly string[], status = 1, options: RunOptions = {}): Promise<string> {
  const { code, stderr } = await tandem(args, options);
  expect({ args, code, stderr }).toEqual({ args, code: status, stderr: expect.stringMatching(/^tandem: [^\n]+\.\n$/) });
  expect(stderr).not.toContain("internal error");
  return stderr.slice("tandem: ".length, -1);
}

/** The JSON values, one a line, that a command prints. */
export async function jsonLines(args: readonly string[]): Promise<unknown[]> {
  const { stdout } = await succeed([...args, "--json"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const made: string[] = [];

/** A new directory with `files` in it, removed when the test file is done. A path that ends in "/" is a directory. */
export async function tempDirectory(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tandem-test-"));
  made.push(directory);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(path.endsWith("/") ? join(directory, path) : dirname(join(directory, path)), { recursive: true });
    if (!path.endsWith("/")) await writeFile(join(directory, path), content);
  }
  return directory;
}

/** A path for a store that is not there yet. */
export async function newStore(): Promise<string> {
  return join(await tempDirectory(), "store");
}

afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});
