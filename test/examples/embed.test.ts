/** The embedding program from outside: as a server of its own, and with a wrong command line. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { newStore, succeed, tempDirectory } from "../cli/helpers.ts";

const MAIN = join(import.meta.dirname, "../../dist/examples/embed/main.js");
const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

interface Run {
  readonly child: ChildProcess;
  /** The first line from now on that fits. */
  line(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

function start(...args: readonly string[]): Run {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run "npm run build" first.`);
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const reader = createInterface({ input: child.stdout });
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      reader.on("line", (text) => pattern.test(text) && resolve(text));
      reader.once("close", () => reject(new Error(`It ended without ${pattern}: ${stderr}`)));
    });
  const ended = once(child, "close").then(([code]) => {
    running.delete(child);
    return { code: code as number | null, stderr };
  });
  return { child, line, ended };
}

test("two of them, each as the other's partner, have the same mail; a signal ends them in order", async () => {
  const [a, b] = [await newStore(), await newStore()];
  const first = start(a, "0");
  const address = /127\.0\.0\.1:\d+$/.exec(await first.line(/ answers on /))?.[0];
  const second = start(b, "0", `ws://${address}`);
  expect(await second.line(/^delivered/)).toMatch(/^delivered: uidValidity \d+, UID \d+$/);
  await second.line(/^synced: /);
  first.child.kill("SIGTERM");
  expect(await first.ended).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/^ +at /m) });
  second.child.kill("SIGINT");
  expect(await second.ended).toMatchObject({ code: 0 });
  await succeed(["sync", a, b]);
  await succeed(["verify", a, b, "--deep"]);
});

test.each<readonly [string, readonly string[], RegExp]>([
  ["no arguments", [], /^usage: [^\n]*\n$/],
  ["no port", ["STORE"], /^usage: [^\n]*\n$/],
  ["one too many", ["STORE", "0", "ws://127.0.0.1:1", "more"], /^usage: [^\n]*\n$/],
  ["no number", ["STORE", "imap"], /^"imap" is not a port; [^\n]*\n$/],
  ["no port of TCP", ["STORE", "65536"], /^"65536" is not a port; [^\n]*\n$/],
  ["no address", ["STORE", "0", "127.0.0.1:4190"], /^"127.0.0.1:4190" is not a partner; [^\n]*\n$/],
])("%s: one line, status 2, and no store is made", async (_, args, stderr) => {
  const store = join(await tempDirectory({}), "store");
  const { ended } = start(...args.map((arg) => (arg === "STORE" ? store : arg)));
  expect(await ended).toEqual({ code: 2, stderr: expect.stringMatching(stderr) });
  expect(existsSync(store)).toBe(false);
});

test("a port in use and a foreign directory: one sentence, status 1", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const busy = start(await newStore(), String(port));
  expect(await busy.ended).toEqual({ code: 1, stderr: expect.stringMatching(/^[^\n]+ in use[^\n]*\.\n$/) });
  server.close();
  const foreign = start(await tempDirectory({ "notes.txt": "mine" }), "0");
  expect(await foreign.ended).toEqual({ code: 1, stderr: expect.stringMatching(/^[^\n]+\.\n$/) });
});
