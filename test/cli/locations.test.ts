/** What `sync`, `diff` and `verify` make of the locations and names they are given, before anything is compared. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { MAIN, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startNode } from "./nodes.ts";

let a: string;
let b: string;

beforeEach(async () => {
  [a, b] = [await newStore(), await newStore()];
  await succeed(["append", a, "INBOX", "--account", "ann"], { input: "Subject: x\n\nx\n" });
});

describe("a name that neither side has", () => {
  const WRONG: [string[], RegExp][] = [
    [["--account", "an"], /Neither side has an account "an"; .*tandem ls/],
    [["--mailbox", "INBX"], /Neither side has a mailbox "INBX"; /],
    [["--account", "ann", "--mailbox", "INBX"], /Neither side has a mailbox "INBX" in the account "ann"; /],
    [["--account", "an", "--mailbox", "INBOX"], /Neither side has an account "an"; /],
  ];

  test.each(WRONG)("%j is told, and a TO that is not there is not made", async (options, sentence) => {
    for (const more of [[], ["--one-way", "--mirror"]])
      expect(await refuse(["sync", a, b, ...options, ...more])).toMatch(sentence);
    expect(existsSync(b)).toBe(false);
    await succeed(["sync", a, b]);
    expect(await refuse(["sync", a, b, ...options])).toMatch(sentence);
    expect(await refuse(["diff", a, b, ...options], 2)).toMatch(sentence);
  });

  test("verify could not tell, nodes are asked too", async () => {
    await succeed(["sync", a, b]);
    const node = await startNode(b);
    const options = ["--account", "an"];
    for (const other of [b, node.url]) expect(await refuse(["verify", a, other, ...options], 2)).toMatch(/Neither/);
    await refuse(["verify", a, b, ...options, "--deep"], 2);
    await refuse(["sync", node.url, a, ...options]);
    await node.end();
  });

  test("one side is enough, also where only a deleted mailbox has the name", async () => {
    await succeed(["append", b, "INBOX", "--account", "bob"], { input: "Subject: y\n\ny\n" });
    for (const account of ["ann", "bob"]) {
      expect((await tandem(["verify", a, b, "--account", account])).code).toBe(1);
      expect((await tandem(["diff", a, b, "--account", account, "--mailbox", "INBOX"])).code).toBe(1);
      await succeed(["sync", a, b, "--account", account]);
      await succeed(["verify", a, b, "--account", account]);
    }
    await succeed(["mailbox", "delete", a, "INBOX", "--account", "bob"]);
    await succeed(["sync", a, b, "--mailbox", "INBOX"]);
    await succeed(["diff", a, b, "--account", "bob", "--mailbox", "INBOX"]);
  });

  test("a TO that is not there is made if FROM, here or a node, has it", async () => {
    await succeed(["sync", a, b, "--account", "ann", "--mailbox", "INBOX"]);
    const node = await startNode(a);
    const other = await newStore();
    await succeed(["sync", node.url, other, "--account", "ann"]);
    await succeed(["verify", b, other]);
    await node.end();
  });
});

describe("what cannot be the directory of a store", () => {
  /** Commands with the store they are given; the first ones would make it. */
  const COMMANDS: [string, (store: string) => string[]][] = [
    ["sync", (store) => ["sync", a, store]],
    ["append", (store) => ["append", store, "INBOX"]],
    ["import", (store) => ["import", store, join(import.meta.dirname, "../../README.md")]],
    ["mailbox create", (store) => ["mailbox", "create", store, "Work"]],
    ["diff", (store) => ["diff", a, store]],
    ["verify", (store) => ["verify", store, a]],
    ["ls", (store) => ["ls", store]],
    ["purge", (store) => ["purge", store]],
    ["status", (store) => ["status", store]],
  ];

  test.each(COMMANDS)("%s leaves the working directory alone", async (_, args) => {
    const cwd = await tempDirectory();
    const refusal = (store: string) => refuse(args(store), 2, { cwd, input: "Subject: x\n\nx\n" });
    expect(await refusal("")).toMatch(/^The name of the store is empty; give the path of a directory/);
    expect(await refusal("http://x")).toMatch(/^"http:\/\/x" is no directory; for a node write "ws:\/\/HOST:PORT"/);
    expect(await refusal("127.0.0.1:4190")).toMatch(/looks like .* a node; .*"ws:.*, or "\.\/127\.0\.0\.1:4190" for/);
    expect(await readdir(cwd)).toEqual([]);
  });

  test("a URL is none for commands that go to no node", async () => {
    expect(await refuse(["ls", "ws://127.0.0.1:4190"], 2)).toMatch(/is no directory; .*\(in sync, diff and verify\)/);
  });

  test("a directory of such a name can be named, and one that is there is meant", async () => {
    const cwd = await tempDirectory();
    await succeed(["sync", a, "./mail:4190"], { cwd });
    await succeed(["verify", a, "mail:4190"], { cwd });
    await mkdir(join(cwd, "mail:1"));
    await succeed(["sync", a, "mail:1"], { cwd });
  });
});

describe("where no directory can be made", () => {
  /** Runs `tandem` in a working directory that was removed; its status and what it said on stderr. */
  async function inNoDirectory(...args: string[]): Promise<{ code: number; stderr: string }> {
    const script = 'rmdir "$PWD" && exec "$@"';
    const command = [process.execPath, MAIN, ...args];
    const child = spawn("sh", ["-c", script, "sh", ...command], { cwd: await tempDirectory() });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
    const [code] = (await once(child, "close")) as [number];
    return { code, stderr };
  }

  test("in a working directory that was removed", async () => {
    for (const args of [
      ["sync", a, "./copy"],
      ["sync", a, "copy"],
      ["export", a, "out/mail", "--account", "ann"],
      ["serve", "copy", "--listen", "127.0.0.1:0"],
    ]) {
      const { code, stderr } = await inNoDirectory(...args);
      expect({ args, code, stderr }).toEqual({ args, code: 1, stderr: expect.stringMatching(/^tandem: [^\n]+\.\n$/) });
      expect(stderr).toMatch(/check the path|change to another/);
    }
  });

  test("below a directory that takes none in, and below a dangling link", async () => {
    expect(await refuse(["sync", a, "/proc/store"])).toMatch(/\/proc\/store/);
    expect(await refuse(["export", a, "/proc/store/mail", "--account", "ann"])).toMatch(/\/proc\/store\/mail/);
    const directory = await tempDirectory();
    const link = join(directory, "link");
    await symlink(join(directory, "nowhere"), link);
    for (const store of [link, join(link, "store")])
      expect(await refuse(["sync", a, store])).toMatch(/^Something on the path of the store .* a dangling link/);
    expect(await readdir(directory)).toEqual(["link"]);
  });

  test("an export to no name is told", async () => {
    expect(await refuse(["export", a, "", "--account", "ann"], 2)).toMatch(/^The name of the destination is empty/);
  });
});
