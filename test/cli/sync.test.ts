/** `tandem sync`, `serve` and `verify` from outside, as an administrator runs them. */
import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { jsonLines, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startNode } from "./nodes.ts";

let a: string;
let b: string;

beforeEach(async () => {
  [a, b] = [await newStore(), await newStore()];
});

const SUMMARY_KEYS = [
  "mailboxes",
  "recordsSent",
  "recordsReceived",
  "bodiesSent",
  "bodiesReceived",
  "bytesSent",
  "bytesReceived",
  "roundTrips",
  "renumbered",
  "expunged",
  "flagsMerged",
  "fullResyncs",
  "errors",
  "elapsedMs",
];

async function deliver(store: string, text: string, mailbox = "INBOX"): Promise<number> {
  return Number((await succeed(["append", store, mailbox], { input: text })).stdout);
}

async function sync(from: string, to: string, ...options: string[]): Promise<Record<string, number>> {
  const lines = await jsonLines(["sync", from, to, ...options]);
  return lines.at(-1) as Record<string, number>;
}

async function dump(store: string): Promise<string> {
  return (await succeed(["dump", store, "--json"])).stdout;
}

async function expectIdentical(): Promise<void> {
  expect(await dump(b)).toBe(await dump(a));
  expect((await succeed(["verify", a, b, "--deep"])).stdout).toMatch(/^equal: /);
  expect(await sync(a, b)).toMatchObject({ recordsSent: 0, recordsReceived: 0, roundTrips: 1 });
}

describe("sync", () => {
  test("makes TO identical to FROM, and the JSON summary has all its keys", async () => {
    await deliver(a, "one");
    await deliver(a, "two", "Archive/2024");
    const summary = await sync(a, b);
    expect(Object.keys(summary).sort()).toEqual([...SUMMARY_KEYS].sort());
    expect(summary).toMatchObject({ mailboxes: 2, recordsSent: 2, bodiesSent: 2, bodiesReceived: 0, errors: 0 });
    await expectIdentical();
  });

  test("scenario 11: merges both sides, through a node on loopback", async () => {
    await deliver(a, "common");
    await sync(a, b);
    await deliver(a, "at a");
    await deliver(b, "at b");
    await succeed(["flag", a, "INBOX", "1", "+\\Seen"]);
    await succeed(["flag", b, "INBOX", "1", "+\\Flagged"]);
    const node = await startNode(b);
    expect(await sync(a, node.url)).toMatchObject({ renumbered: 2, flagsMerged: 1, errors: 0, roundTrips: 2 });
    expect(await node.end()).toBe(0);
    const records = (await dump(a))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.filter((record) => record.kind === "record").map(({ uid, flags }) => [uid, flags])).toEqual([
      [1, ["\\Flagged", "\\Seen"]],
      [2, []],
      [3, []],
      [4, []],
    ]);
    await expectIdentical();
  });

  test("FROM may be the node: mail is pulled; both may be nodes", async () => {
    await deliver(a, "one");
    await deliver(a, "two", "Söknader");
    const node = await startNode(a);
    expect(await sync(node.url, b)).toMatchObject({ mailboxes: 2, recordsSent: 2, bodiesSent: 2, errors: 0 });
    await deliver(b, "three");
    const other = await startNode(b);
    expect(await sync(node.url, other.url)).toMatchObject({ recordsReceived: 1, bodiesReceived: 1, errors: 0 });
    await Promise.all([node.end(), other.end()]);
    await expectIdentical();
  });

  test("--dry-run prints rows and reasons and writes nothing", async () => {
    await deliver(a, "one");
    await succeed(["mailbox", "create", b, "Other"]);
    const before = [await dump(a), await dump(b)];
    const { stdout } = await succeed(["sync", a, b, "--dry-run"]);
    expect(stdout).toMatch(/^T02 default\/INBOX: /m);
    expect(stdout).toMatch(/^T02 default\/Other: /m);
    expect(stdout).toMatch(/^M07 default\/INBOX UID 1: /m);
    const lines = await jsonLines(["sync", a, b, "--dry-run"]);
    expect(lines).toContainEqual(expect.objectContaining({ kind: "decision", row: "M07", uid: 1, mailbox: "INBOX" }));
    expect([await dump(a), await dump(b)]).toEqual(before);
    expect(await sync(a, b)).toMatchObject({ recordsSent: 1, errors: 0 });
  });

  test("--dry-run to a store that is not there tells what an empty one would get, and makes none", async () => {
    await deliver(a, "one");
    const node = await startNode(a);
    for (const from of [a, node.url]) {
      const { stdout } = await succeed(["sync", from, b, "--dry-run"]);
      expect(stdout).toMatch(/^T02 default\/INBOX: /m);
      expect(stdout).toMatch(/^M07 default\/INBOX UID 1: /m);
      expect(existsSync(b)).toBe(false);
    }
    await node.end();
    const empty = await tempDirectory();
    await succeed(["sync", a, empty, "--dry-run", "--one-way"]);
    expect(await readdir(empty)).toEqual([]);
    const foreign = await tempDirectory({ "letter.txt": "dear" });
    expect(await refuse(["sync", a, foreign, "--dry-run"])).toMatch(/holds other files/);
  });

  test("--one-way refuses what TO has of its own, with a list; FROM is never written", async () => {
    await deliver(a, "one");
    await sync(a, b, "--one-way");
    await deliver(b, "own");
    await deliver(a, "more", "Lists");
    const before = await dump(a);
    const { code, stderr } = await tandem(["sync", a, b, "--one-way"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^tandem: default\/INBOX: TO has something of its own in mailbox "INBOX".*UID 2.*--mirror.*\n$/,
    );
    expect(await dump(a)).toBe(before);
    expect((await succeed(["ls", b])).stdout).toContain("Lists");
  });

  test("--one-way --mirror makes TO exactly FROM, also where one UID was used on both", async () => {
    await deliver(a, "one");
    await sync(a, b);
    await deliver(b, "own");
    await deliver(a, "other, under the same UID");
    await succeed(["flag", b, "INBOX", "1", "+\\Seen"]);
    await deliver(b, "own", "Own");
    const before = await dump(a);
    expect((await tandem(["sync", a, b, "--mirror"])).code).toBe(2);
    await succeed(["sync", a, b, "--one-way", "--mirror"]);
    expect(await dump(a)).toBe(before);
    expect((await succeed(["verify", a, b, "--deep"])).code).toBe(0);
    await deliver(a, "next");
    await succeed(["sync", a, b, "--one-way", "--mirror"]);
    await succeed(["verify", a, b, "--deep"]);
  });

  test("--one-way --mirror of two stores that never met takes FROM's INBOX, under the brake", async () => {
    await deliver(a, "one");
    const mail = await tempDirectory(
      Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`${i}.eml`, `Subject: ${i}\n\n${i}\n`])),
    );
    await succeed(["import", b, mail]);
    const mirror = ["sync", a, b, "--one-way", "--mirror"];
    expect((await tandem(["sync", a, b, "--one-way"])).stderr).toMatch(/: UID 1, .*UID 20 and 100 more; .*--mirror/);
    expect(await refuse(mirror)).toMatch(/120 of the 120 messages.*--allow-mass-deletion/);
    await succeed([...mirror, "--allow-mass-deletion"]);
    expect((await succeed(["cat", b, "INBOX", "1"])).stdout).toBe("one");
    expect(await sync(a, b, "--one-way", "--mirror")).toMatchObject({ recordsSent: 0 });
    await sync(a, b);
    await expectIdentical();
  });

  test("--full compares everything even if the digests agree; --mailbox and --account choose", async () => {
    await deliver(a, "one");
    await deliver(a, "two", "Other");
    await succeed(["append", a, "INBOX", "--account", "ann"], { input: "hers" });
    expect(await sync(a, b, "--mailbox", "Other", "--account", "default")).toMatchObject({ recordsSent: 1 });
    expect((await succeed(["ls", b])).stdout).not.toContain("INBOX");
    expect(await sync(a, b, "--account", "ann")).toMatchObject({ recordsSent: 1 });
    await sync(a, b);
    expect(await sync(a, b, "--full")).toMatchObject({
      mailboxes: 3,
      fullResyncs: 3,
      recordsSent: 0,
      recordsReceived: 0,
    });
    await expectIdentical();
  });

  test("the mass-deletion brake stops until it is allowed", async () => {
    const mail = await tempDirectory(
      Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`${i}.eml`, `Subject: ${i}\n\n${i}\n`])),
    );
    await succeed(["import", a, mail, "--mailbox", "Big"]);
    await sync(a, b);
    await succeed(["mailbox", "delete", a, "Big"]);
    const { code, stderr } = await tandem(["sync", a, b]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/120 of the 120.*--allow-mass-deletion/),
    });
    expect((await succeed(["ls", b])).stdout).toContain("Big");
    await succeed(["sync", a, b, "--allow-mass-deletion"]);
    expect((await succeed(["ls", b])).stdout).not.toContain("Big");
    await expectIdentical();
  });
});

describe("restored and wiped stores", () => {
  test("scenario 37: a store restored from an older copy catches up, mail since the restore is kept", async () => {
    await deliver(a, "one");
    await sync(a, b);
    const backup = await newStore();
    await cp(a, backup, { recursive: true });
    await deliver(a, "lost with the disk, but synced");
    await succeed(["expunge", a, "INBOX", "1"]);
    await sync(a, b);
    await rm(a, { recursive: true });
    await cp(backup, a, { recursive: true });
    await deliver(a, "since the restore");
    await sync(a, b);
    await expectIdentical();
    expect((await succeed(["ls", a])).stdout).toMatch(/^ +2 .*INBOX$/m);
  });

  test("scenario 38: a wiped store is filled again, nothing is deleted at the other", async () => {
    await deliver(a, "one");
    await sync(a, b);
    await rm(a, { recursive: true });
    await succeed(["mailbox", "create", a, "New"]);
    await sync(a, b);
    await expectIdentical();
    expect((await succeed(["ls", a])).stdout).toMatch(/^ +1 .*INBOX$/m);
  });
});

describe("serve", () => {
  test("says where it listens, ends cleanly on SIGTERM and SIGINT, and creates its store", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const node = await startNode(b);
      expect(node.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
      expect(await node.end(signal)).toBe(0);
      expect(node.stderr()).toBe("");
    }
    await succeed(["ls", b]);
  });

  test("a port in use, a wrong address", async () => {
    const node = await startNode(b);
    const port = node.url.slice("ws://".length);
    expect(await refuse(["serve", a, "--listen", port])).toMatch(/in use/);
    expect(await refuse(["serve", a, "--listen", "nonsense"], 2)).toMatch(/HOST:PORT/);
    await node.end();
  });

  test("P11: killed with SIGKILL in mid-copy, both stores stay valid and the next sync goes on where it was", async () => {
    const mail = await tempDirectory(
      Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [`${i}.eml`, `Subject: ${i}\n\n${"x".repeat(20_000)}\n`]),
      ),
    );
    await succeed(["import", a, mail]);
    const node = await startNode(b);
    const running = tandem(["sync", a, node.url]);
    await bodiesArrive(b);
    await node.end("SIGKILL");
    const { code, stderr } = await running;
    expect([0, 1]).toContain(code);
    if (code === 1) expect(stderr).toMatch(/^tandem: [^\n]+\n$/);
    const again = await startNode(b);
    await succeed(["sync", a, again.url]);
    await again.end();
    await expectIdentical();
  });
});

/** Resolves once the store has bytes of messages. */
async function bodiesArrive(store: string): Promise<void> {
  const { watch } = await import("node:fs");
  const { readdirSync, statSync } = await import("node:fs");
  const size = () => {
    const files = readdirSync(join(store, "segments"));
    return files.reduce((sum, file) => sum + statSync(join(store, "segments", file)).size, 0);
  };
  await new Promise<void>((resolve) => {
    const watcher = watch(join(store, "segments"), () => {
      if (size() === 0) return;
      watcher.close();
      resolve();
    });
  });
}

describe("bad input", () => {
  test("scenario 49: an unreachable peer, a wrong one, a wrong URL", async () => {
    await deliver(a, "one");
    expect(await refuse(["sync", a, "ws://127.0.0.1:1"])).toMatch(/Nothing listens/);
    const http = createServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    expect(await refuse(["sync", a, `ws://127.0.0.1:${port}`])).not.toBe("");
    http.close();
    await refuse(["sync", a, "ws://"], 2);
  });

  test("FROM must exist, both must differ, and a foreign directory is left alone", async () => {
    await deliver(a, "one");
    expect(await refuse(["sync", b, a])).toMatch(/no store/i);
    expect(await refuse(["sync", a, a], 2)).toMatch(/same/);
    const foreign = await tempDirectory({ "letter.txt": "dear" });
    await refuse(["sync", a, foreign]);
    await refuse(["sync", foreign, a]);
    expect(await readFile(join(foreign, "letter.txt"), "utf8")).toBe("dear");
  });
});

describe("verify", () => {
  test("0 equal, 1 different and says what, 2 could not tell", async () => {
    await deliver(a, "one");
    await deliver(a, "two");
    await sync(a, b);
    expect((await tandem(["verify", a, b])).code).toBe(0);
    await succeed(["flag", b, "INBOX", "1", "+\\Seen"]);
    const different = await tandem(["verify", a, b]);
    expect(different.code).toBe(1);
    expect(different.stdout).toMatch(
      /^default\/INBOX: 2 messages with digest \w{16} in A, 2 messages with digest \w{16} in B; they differ in UID \d+$/m,
    );
    await succeed(["mailbox", "create", a, "Only"]);
    expect((await tandem(["verify", a, b])).stdout).toMatch(/^default\/Only: only in A$/m);
    expect((await tandem(["verify", a, await newStore()])).code).toBe(2);
    expect((await tandem(["verify", a, "ws://127.0.0.1:1"])).code).toBe(2);
  });

  test("--deep finds a byte flipped in a message, on either side of a connection", async () => {
    await deliver(a, "a message whose bytes will be damaged");
    await sync(a, b);
    await flipByte(b, "damaged");
    expect((await tandem(["verify", a, b])).code).toBe(0);
    const node = await startNode(b);
    const { code, stdout } = await tandem(["verify", a, node.url, "--deep"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/1 message in B cannot be read/) });
    await node.end();
  });
});

async function flipByte(store: string, text: string): Promise<void> {
  const { readdir } = await import("node:fs/promises");
  for (const name of await readdir(join(store, "segments"))) {
    const file = join(store, "segments", name);
    const bytes = await readFile(file);
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(file, bytes);
  }
}
