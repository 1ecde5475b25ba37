/** `tandem export`: trees, a second run, what it refuses. */
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { jsonLines, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";

let store: string;

beforeAll(async () => {
  store = await newStore();
  const append = (mailbox: string, input: string, ...options: string[]) =>
    succeed(["append", store, mailbox, ...options], { input });
  await append("INBOX", "S: 1\n", "--flag", "\\Seen", "--flag", "Work", "--date", "2024-05-01T12:00:00.250Z");
  await append("INBOX", "S: 2\n", "--flag", "$Forwarded");
  await append("Archive/Entwürfe", "S: 3\n", "--flag", "Draft");
  await succeed(["mailbox", "create", store, "Empty"]);
});

describe("trees", () => {
  test("INBOX in the root, folders below, flags in names, keywords in their file, dates as file times", async () => {
    const dest = `${await newStore()}.out`;
    const { stdout } = await succeed(["export", store, dest]);
    expect(stdout).toBe(
      "Archive/Entwürfe: 1 written, 0 with new flags, 0 already there\n" +
        "Empty: 0 written, 0 with new flags, 0 already there\n" +
        "INBOX: 2 written, 0 with new flags, 0 already there\n",
    );
    const [first, second] = (await readdir(join(dest, "cur"))).sort((a, b) =>
      a.includes("U0000000001") ? -1 : b.length,
    );
    expect(first).toMatch(/^1714564800\.U0000000001G[0-9a-f]{64}\.tandem,S=5:2,Sa$/);
    expect(second).toMatch(/:2,P$/);
    expect(await readFile(join(dest, "cur", first as string), "utf8")).toBe("S: 1\n");
    expect((await stat(join(dest, "cur", first as string))).mtimeMs).toBeCloseTo(1_714_564_800_250, 0);
    expect(await readFile(join(dest, "dovecot-keywords"), "utf8")).toBe("0 Work\n");
    expect(await readdir(join(dest, ".Archive.Entw&APw-rfe/cur"))).toEqual([expect.stringMatching(/:2,D$/)]);
    expect((await readdir(join(dest, ".Empty"))).sort()).toEqual(["cur", "maildirfolder", "new", "tmp"]);
  });

  test("again into the same tree: nothing twice, new flags and new mail arrive", async () => {
    const dest = `${await newStore()}.out`;
    await succeed(["append", store, "Twice"], { input: "S: x\n" });
    await succeed(["append", store, "Twice"], { input: "S: x\n" });
    await succeed(["export", store, dest, "--mailbox", "Twice"]);
    await succeed(["flag", store, "Twice", "2", "+\\Flagged"]);
    await succeed(["append", store, "Twice"], { input: "S: y\n" });
    expect(await jsonLines(["export", store, dest, "--mailbox", "Twice"])).toEqual([
      { mailboxes: [{ mailbox: "Twice", written: 1, flagsChanged: 1, alreadyThere: 1 }], errors: [] },
    ]);
    expect((await readdir(join(dest, ".Twice/cur"))).map((name) => name.replace(/^.*:2,/, "")).sort()).toEqual([
      "",
      "",
      "F",
    ]);
    await succeed(["mailbox", "delete", store, "Twice"]);
  });
});

describe("refusals", () => {
  test("a directory with other things in it is left as it is", async () => {
    const foreign = await tempDirectory({ "notes.txt": "mine" });
    expect(await refuse(["export", store, foreign])).toMatch(/is not empty.*name a new or empty directory/);
    expect(await refuse(["export", store, store])).toMatch(/is not empty/);
    expect(await readdir(foreign)).toEqual(["notes.txt"]);
  });

  test("a tree of another account, a file, a mailbox or account that is not there", async () => {
    const dest = `${await newStore()}.out`;
    expect(await refuse(["export", store, dest, "--mailbox", "Nowhere"])).toMatch(/no mailbox "Nowhere".*"INBOX"/);
    expect(await refuse(["export", store, dest, "--account", "ann"])).toMatch(/no account "ann".*"default"/);
    expect(existsSync(dest)).toBe(false);
    await succeed(["export", store, dest]);
    await succeed(["append", store, "INBOX", "--account", "bob"], { input: "S: bob\n" });
    expect(await refuse(["export", store, dest, "--account", "bob"])).toContain('of the account "default"');
    const file = join(await tempDirectory({ file: "x" }), "file");
    expect(await refuse(["export", store, file])).toContain("is not a directory");
  });

  test("more keywords than a Maildir can hold are reported, the message is written", async () => {
    const keywords = Array.from({ length: 27 }, (_, i) => ["--flag", `k${String(i).padStart(2, "0")}`]).flat();
    await succeed(["append", store, "Keywords", ...keywords, "--account", "many"], { input: "S: x\n" });
    const { code, stdout, stderr } = await tandem(["export", store, `${await newStore()}.out`, "--account", "many"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "Keywords: 1 written, 0 with new flags, 0 already there\n" });
    expect(stderr).toMatch(/^tandem: Keywords has more than the 26 keywords .* left out: k26\.\n$/);
  });
});
