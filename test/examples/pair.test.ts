/** The pair from outside: real daemons, killed and ended, and both stores afterwards. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { everything, guidsOf } from "../../examples/demo/view.ts";
import { openEmbeddedStore } from "../../src/index.ts";
import { succeed, tempDirectory } from "../cli/helpers.ts";

const MAIN = join(import.meta.dirname, "../../dist/examples/pair/main.js");

interface Run {
  readonly process: ChildProcess;
  /** The first line that fits, once it is there; null if the run ends without one. */
  line(pattern: RegExp): Promise<string | null>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

const running = new Set<ChildProcess>();

function run(...args: readonly string[]): Run {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run "npm run build" first.`);
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const lines: string[] = [];
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, stdout: lines.join("\n"), stderr });
    }),
  );
  const line = (pattern: RegExp) =>
    new Promise<string | null>((resolve) => {
      const look = () => {
        const found = lines.find((one) => pattern.test(one));
        if (found !== undefined) resolve(found);
      };
      reader.on("line", look).once("close", () => resolve(null));
      look();
    });
  return { process: child, line, ended };
}

/** Checks that both stores hold the same, tombstones and counters included. Returns the messages that are there. */
async function expectIdentical(data: string): Promise<string[]> {
  const [a, b] = [await openEmbeddedStore(join(data, "a")), await openEmbeddedStore(join(data, "b"))];
  try {
    expect(await everything(b)).toBe(await everything(a));
    return await guidsOf(a);
  } finally {
    await a.close();
    await b.close();
  }
}

/** The processes that are noted as running: the one that shows, then the daemons of a and b. */
async function pids(data: string): Promise<number[]> {
  return (await readFile(join(data, "running"), "utf8")).trim().split(" ").map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const DATA = async () => join(await tempDirectory(), "data");
/** Both daemons run, and mail has arrived on both. */
const BUSY = /a has [1-9]\d* messages?, .* b has [1-9]/;

afterAll(() => {
  for (const child of running) child.kill("SIGTERM");
});

describe("npm start", () => {
  it("--once: used on both, a daemon killed and started again, all identical and nothing missing", async () => {
    const data = await DATA();
    const { code, stdout, stderr } = await run("--once", "--data", data).ended;
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: expect.any(String) });
    expect(stdout).toMatch(/The daemon of b is killed \(SIGKILL, process \d+\)/);
    expect(stdout).toMatch(/Done by now: 300 messages delivered, \d+ times flags changed/);
    const last = stdout.split("\n").slice(-3);
    expect(last[0]).toMatch(/^Identical: \d+ mailboxes, \d+ messages; every UID, flag, modseq and tombstone/);
    expect(last[1]).toMatch(/^Nothing is missing or doubled: all \d+ messages are there/);
    expect(last[2]).toBe(`Everything is in ${data}.`);
    await expectIdentical(data);
    await succeed(["verify", join(data, "a"), join(data, "b"), "--deep"]);
  });

  it("ends at Ctrl-C with both identical, and goes on with the same data", async () => {
    const data = await DATA();
    const first = run("--data", data, "--rate", "20");
    expect(await first.line(BUSY)).not.toBeNull();
    const daemons = (await pids(data)).slice(1);
    first.process.kill("SIGINT");
    const { code, stdout, stderr } = await first.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/\nBoth are in step: \d+ mailboxes, \d+ messages, the same digests\.\nEverything is in /);
    expect(stdout).toContain(`npx tandem status ${data}/a`);
    expect(daemons.map(isAlive)).toEqual([false, false]);
    const before = await expectIdentical(data);

    const second = run("--data", data, "--rate", "1");
    expect(await second.line(BUSY)).not.toBeNull();
    second.process.kill("SIGINT");
    expect((await second.ended).code).toBe(0);
    const after = new Set(await expectIdentical(data));
    expect(before.filter((guid) => after.has(guid)).length).toBeGreaterThan(0);
  });

  it("says so and ends with status 1 if a daemon dies", async () => {
    const data = await DATA();
    const { process: child, line, ended } = run("--data", data);
    expect(await line(BUSY)).not.toBeNull();
    const [main, a = 0, b = 0] = await pids(data);
    expect(main).toBe(child.pid);
    process.kill(b, "SIGKILL");
    const { code, stdout } = await ended;
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringContaining(`of b (process ${b}) ended by SIGKILL`),
    });
    expect(isAlive(a)).toBe(false);
  });

  it("keeps secret and configuration from others, and refuses a second start on the same data", async () => {
    const data = await DATA();
    const first = run("--data", data);
    expect(await first.line(BUSY)).not.toBeNull();
    for (const name of ["secret", "a.yaml", "b.yaml"]) expect((await stat(join(data, name))).mode & 0o777).toBe(0o600);
    await succeed(["serve", "--config", join(data, "a.yaml"), "--check"]);
    await succeed(["status", join(data, "a")]);
    const second = await run("--data", data).ended;
    expect(second).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^A pair runs on .* already/) });
    first.process.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);
  });

  it("leaves a directory that is not its own as it is", async () => {
    const directory = await tempDirectory({ "letters.txt": "mine" });
    const { code, stderr } = await run("--data", directory).ended;
    const sentence = `${directory} holds something else, which is left as it is; give another directory by --data.\n`;
    expect({ code, stderr }).toEqual({ code: 1, stderr: sentence });
    expect(await readFile(join(directory, "letters.txt"), "utf8")).toBe("mine");
    const file = await run("--data", join(directory, "letters.txt")).ended;
    expect(file).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be made (EEXIST)") });
    // A directory that is there, and takes none in.
    const nowhere = await run("--data", "/proc/pair").ended;
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("/proc/pair cannot be made (E") });
  });

  it.each(["0", "-1", "x", "501"])("refuses --rate %s, with what would be right", async (rate) => {
    const { code, stderr } = await run("--rate", rate).ended;
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("above 0 and up to 500") });
  });

  it("explains itself", async () => {
    const { code, stdout } = await run("--help").ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("npm start -- --once") });
  });
});
