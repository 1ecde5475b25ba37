/** `tandem verify --deep` and `--repair` as a user runs them, and what the daemon tells of damage. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { changeRows, flipText } from "../store/damage.ts";
import { newStore, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startDaemon } from "./nodes.ts";

/** Two stores that are in step, with some messages. */
async function makePair(): Promise<{ a: string; b: string }> {
  const [a, b] = [await newStore(), join(await tempDirectory(), "b")];
  for (const text of ["first", "second, to be damaged", "third"])
    await succeed(["append", a, "INBOX", "--json"], { input: `Subject: ${text}\r\n\r\n${text}` });
  await succeed(["sync", a, b]);
  return { a, b };
}

describe("verify", () => {
  test("scenario 22: --deep tells of damage and repairs nothing; --repair repairs both sides, and changes nothing else", async () => {
    const { a, b } = await makePair();
    const dumps = async () => [
      (await succeed(["dump", a, "--json"])).stdout,
      (await succeed(["dump", b, "--json"])).stdout,
    ];
    const before = await dumps();
    await flipText(a, "to be damaged");
    await flipText(b, "third");
    changeRows(b, "UPDATE mailbox SET crc = crc + 1 WHERE name = 'INBOX'");
    for (let i = 0; i < 2; i++) {
      const { code, stdout } = await tandem(["verify", a, b, "--deep"]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/1 message in A cannot be read/);
      expect(stdout).toMatch(/1 message in B cannot be read/);
      expect(stdout).toMatch(/the stored digest in B, \w{16}, does not fit its records: \w{16} was recomputed/);
    }
    const { stdout } = await succeed(["verify", a, b, "--repair"]);
    expect(stdout.match(/^repaired: /gm)).toHaveLength(3);
    expect(stdout).toMatch(/^equal: /m);
    expect(await dumps()).toEqual(before);
    await succeed(["verify", a, b, "--deep"]);
  });

  test("what both have lost stays told", async () => {
    const { a, b } = await makePair();
    for (const store of [a, b]) await flipText(store, "to be damaged");
    const { code, stdout } = await tandem(["verify", a, b, "--repair", "--json"]);
    expect(code).toBe(1);
    expect(stdout.trim().split("\n")).toHaveLength(3);
    expect(stdout).not.toMatch(/"kind":"repair"/);
  });

  test("damage in how the index is built is told, with what to do", async () => {
    const { a, b } = await makePair();
    const db = new Database(join(a, "index.db"));
    const [root] = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'block_changed'").raw().get() as [
      number,
    ];
    const pageBytes = db.pragma("page_size", { simple: true }) as number;
    db.close();
    const index = await readFile(join(a, "index.db"));
    // The end of the page of an index: its first entry.
    await writeFile(join(a, "index.db"), index.fill(7, root * pageBytes - 4, root * pageBytes));
    const { code, stdout, stderr } = await tandem(["verify", a, b, "--deep"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/The index .*is damaged/);
  });
});

describe("a daemon", () => {
  test("scenario 22: takes a damaged message anew from its peer; what the peer lacks too is in status, metrics and health", async () => {
    const { a, b } = await makePair();
    await flipText(a, "to be damaged");
    for (const store of [a, b]) await flipText(store, "third");
    const node = await startDaemon([b, "--listen", "127.0.0.1:0", "--node", "b", "--scrub-rate", "0"]);
    const args = [a, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--node", "a", "--peer", `b=${node.url}`];
    const own = await startDaemon(args, { env: { TANDEM_LOG: "info" } });
    expect(await own.logged("fault-found")).toMatchObject({ account: "default", code: "body-unreadable" });
    expect(await own.logged("fault-repaired")).toMatchObject({ code: "body-unreadable" });
    expect(await own.logged("scrub-done")).toMatchObject({ messages: 3 });
    const { code, stdout } = await tandem(["status", a]);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(/^! The store is damaged: The bytes of message/),
    });
    const metrics = await (await fetch(`${own.metrics}/metrics`)).text();
    expect(metrics).toMatch(/^tandem_faults 1$/m);
    expect(metrics).toMatch(/^tandem_faults_repaired_total\{code="body-unreadable"\} 1$/m);
    expect((await fetch(`${own.metrics}/healthz`)).status).toBe(503);
    await own.end();
    await node.end();
    const { stdout: told } = await tandem(["verify", a, b, "--deep"]);
    expect(told).toMatch(/^different: 2 differences/m);
    // Without any channel it is damaged all the same.
    await succeed(["forget", a, "--peer", "b"]);
    expect(await tandem(["status", a])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^! The store is damaged/),
    });
    const json = await tandem(["status", a, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      peer: null,
      healthy: false,
      faults: [{ code: "body-unreadable" }],
    });
  });
});
