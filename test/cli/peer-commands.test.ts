/** `tandem status`, `wait`, `allow` and `forget`: what they say, and their exit statuses. */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { jsonLines, MAIN, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { makePair, type Side, untilStatus } from "./pairs.ts";

const COMMANDS = [["status"], ["wait"], ["allow"], ["forget"]] as const;

/** A side that has run with its peer unreachable, and has one mailbox waiting for it. */
async function lonely(): Promise<Side> {
  const { a } = await makePair();
  await succeed(["append", a.store, "INBOX"], { input: "waiting" });
  const node = await a.start();
  await untilStatus(a, ({ connection }) => connection === "unreachable");
  await node.end();
  return a;
}

describe("2: could not tell", () => {
  test.each(COMMANDS)("%s without a store, and makes none", async (command) => {
    const store = await newStore();
    expect(await refuse([command, store, "--peer", "b"], 2)).toContain(store);
    await refuse(["ls", store]);
  });

  test.each(COMMANDS)("%s of a peer there is none of, with the ones there are", async (command) => {
    const store = await newStore();
    await succeed(["append", store, "INBOX"], { input: "x" });
    expect(await refuse([command, store, "--peer", "b"], 2)).toMatch(/no channel to the peer "b"; there are none;/);
  });

  test("wrong options", async () => {
    const store = await newStore();
    await succeed(["append", store, "INBOX"], { input: "x" });
    expect(await refuse(["status", store, "--max-lag", "soon"], 2)).toMatch(/--max-lag "soon" is no number of seconds/);
    expect(await refuse(["wait", store, "--peer", "b", "--timeout", "-1"], 2)).toMatch(/--timeout/);
    expect(await refuse(["wait", store], 2)).toMatch(/--peer <name>' not specified/);
  });
});

describe("a node whose peers only connect to it", () => {
  test("is well as long as its store is not damaged, for status as for /healthz", async () => {
    const { a, b } = await makePair({}, { more: ["metrics: 127.0.0.1:0"] });
    await writeFile(b.config, (await readFile(b.config, "utf8")).replace(/^ +url: .*\n/m, ""));
    const nodes = [await a.start(), await b.start()];
    await untilStatus(a, ({ connection }) => connection === "connected");
    expect((await succeed(["status", b.store])).stdout).toMatch(/^no channel to any peer: /);
    expect(await jsonLines(["status", b.store])).toEqual([
      { peer: null, healthy: true, reasons: [], accounts: [], faults: [] },
    ]);
    expect((await fetch(`${nodes[1]?.metrics}/healthz`)).status).toBe(200);
    await Promise.all(nodes.map((node) => node.end()));
  });
});

describe("a peer that is down", () => {
  test("status 1 with the reason, wait 1 at its timeout with what waits, allow 1, forget removes it", async () => {
    const side = await lonely();
    const { code, stdout } = await tandem(["status", side.store, "--max-lag", "0"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^b: not in sync, no daemon keeps it up to date since \d{4}-/);
    expect(stdout).toMatch(/! No daemon keeps b up to date since \d{4}-.*; start it, or forget the peer .*\.$/m);
    expect(stdout).toMatch(/! 1 mailbox waiting for b, the oldest for \d+ s\.$/m);
    expect(stdout).toMatch(/^ {2}default +behind +1 /m);
    const json = JSON.parse((await tandem(["status", side.store, "--json"])).stdout);
    expect(json).toMatchObject({ peer: "b", healthy: false, connection: "none", waiting: 1 });
    expect(json.accounts[0]).toMatchObject({ account: "default", inSync: false, waiting: 1, lastSuccess: null });

    const waited = await tandem(["wait", side.store, "--peer", "b", "--timeout", "0.1", "--json"]);
    expect({ code: waited.code, value: JSON.parse(waited.stdout) }).toEqual({
      code: 1,
      value: { peer: "b", waiting: 1 },
    });
    const allowed = await tandem(["allow", side.store, "--peer", "b", "--json"]);
    expect({ code: allowed.code, value: JSON.parse(allowed.stdout) }).toEqual({
      code: 1,
      value: { peer: "b", allowed: 0 },
    });

    expect((await succeed(["forget", side.store, "--peer", "b"])).stdout).toBe(
      "forgot b, for which 1 mailbox waited\n",
    );
    await refuse(["forget", side.store, "--peer", "b"], 2);
  });

  test("wait ends at Ctrl-C", async () => {
    const side = await lonely();
    const child = spawn(process.execPath, [MAIN, "wait", side.store, "--peer", "b"]);
    const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    child.once("spawn", () => child.kill("SIGINT"));
    expect(await ended).toBe("SIGINT");
  });

  test("a daemon that runs keeps its channel", async () => {
    const { a } = await makePair();
    const node = await a.start();
    await untilStatus(a, ({ connection }) => connection === "unreachable");
    expect(await refuse(["forget", a.store, "--peer", "b"], 2)).toMatch(/take the peer out of its configuration/);
    expect(await node.end()).toBe(0);
  });
});

test("a held mass deletion is shown by status and let through by allow", async () => {
  const { a, b } = await makePair();
  const mail = await tempDirectory(
    Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`${i}.eml`, `Subject: ${i}\n\n${i}\n`])),
  );
  await succeed(["import", a.store, mail, "--mailbox", "Big"]);
  await succeed(["append", a.store, "INBOX"], { input: "stays" });
  const nodes = [await a.start(), await b.start()];
  await succeed(["wait", a.store, "--peer", "b", "--timeout", "100"]);
  await succeed(["mailbox", "delete", a.store, "Big"]);
  expect(await nodes[0]?.logged("plan-held")).toMatchObject({ peer: "b", account: "default", code: "brake" });
  await untilStatus(a, ({ accounts }) => accounts.some(({ lastError }) => lastError?.code === "brake"));
  const { code, stdout } = await tandem(["status", a.store]);
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(/Big: brake: .*120 of the 121.*"tandem allow" lets/),
  });
  expect(stdout).not.toContain("--allow-mass-deletion");
  expect((await succeed(["ls", b.store])).stdout).toContain("Big");

  expect((await tandem(["allow", a.store, "--peer", "b", "--account", "ann"])).code).toBe(1);
  expect((await succeed(["allow", a.store, "--peer", "b"])).stdout).toBe("1 plan for b may go on\n");
  await succeed(["wait", a.store, "--peer", "b", "--timeout", "100"]);
  expect((await succeed(["ls", b.store])).stdout).not.toContain("Big");
  await succeed(["verify", a.store, b.store, "--deep"]);
  expect((await tandem(["allow", a.store, "--peer", "b"])).code).toBe(1);
  await Promise.all(nodes.map((node) => node.end()));
});
