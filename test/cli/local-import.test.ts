/** `tandem import`: every kind of source, nothing twice, bytes as they are, and what cannot be read. */
import { existsSync } from "node:fs";
import { symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MailboxLine, RecordLine } from "../../src/cli/describe.ts";
import { jsonLines, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";

const FROM = "From ann@example.org Sat Jan  3 01:05:34 1998";

async function dump(store: string, ...options: string[]): Promise<(MailboxLine | RecordLine)[]> {
  return (await jsonLines(["dump", store, ...options])) as (MailboxLine | RecordLine)[];
}

async function names(store: string): Promise<string[]> {
  return ((await jsonLines(["ls", store])) as MailboxLine[]).map(({ account, name }) => `${account} ${name}`);
}

async function counts(store: string, sources: string[], ...options: string[]): Promise<unknown> {
  const [result] = (await jsonLines(["import", store, ...sources, ...options])) as {
    mailboxes: { mailbox: string; imported: number; alreadyThere: number }[];
    errors: string[];
  }[];
  expect(result?.errors).toEqual([]);
  return Object.fromEntries(
    (result?.mailboxes ?? []).map(({ mailbox, imported, alreadyThere }) => [mailbox, [imported, alreadyThere]]),
  );
}

describe("sources", () => {
  test("a Maildir with folders, flags and keywords; a second run imports nothing twice", async () => {
    const maildir = await tempDirectory({
      "cur/1600000000.a:2,FSa": "Subject: one\r\n\r\n",
      "new/1600000001.b": "Subject: two\r\n\r\n",
      "dovecot-keywords": "0 work\n",
      ".Archive.2024/cur/1.x:2,": "Subject: three\r\n\r\n",
      ".Empty/cur/": "",
    });
    await utimes(join(maildir, "cur/1600000000.a:2,FSa"), 1000, 1000.5);
    const store = await newStore();
    expect(await counts(store, [maildir])).toEqual({ INBOX: [2, 0], "Archive/2024": [1, 0], Empty: [0, 0] });
    expect(await names(store)).toEqual(["default Archive/2024", "default Empty", "default INBOX"]);
    const [, first, second] = await dump(store, "--mailbox", "INBOX");
    expect(first).toMatchObject({
      uid: 1,
      size: 16,
      flags: ["\\Flagged", "\\Seen", "work"],
      internalDate: "1970-01-01T00:16:40.500Z",
      expunged: false,
    });
    expect(second).toMatchObject({ uid: 2, flags: [] });
    const before = await dump(store);
    expect(await counts(store, [maildir])).toEqual({ INBOX: [0, 2], "Archive/2024": [0, 1], Empty: [0, 0] });
    expect(await dump(store)).toEqual(before);
  });

  test("mbox, directory of .eml and single files go to INBOX, or where --mailbox says", async () => {
    const files = await tempDirectory({
      "in.mbox": `${FROM}\nSubject: 1\nStatus: R\n\nx\n\n${FROM}\nSubject: 2\n\ny\n`,
      "letters/b.eml": "Subject: b\n",
      "letters/a.eml": "Subject: a\n",
      "letters/readme.txt": "not mail",
      "single.eml": "",
    });
    const sources = ["in.mbox", "letters", "single.eml"].map((name) => join(files, name));
    const store = await newStore();
    expect(await counts(store, sources)).toEqual({ INBOX: [5, 0] });
    const records = (await dump(store)).slice(1) as RecordLine[];
    expect(records.map(({ size, flags }) => [size, flags])).toEqual([
      [24, ["\\Seen"]],
      [14, []],
      [11, []],
      [11, []],
      [0, []],
    ]);
    expect((await succeed(["cat", store, "INBOX", "3"])).stdout).toBe("Subject: a\n");
    expect((await succeed(["cat", store, "INBOX", "5"])).stdout).toBe("");
    expect(records[0]?.internalDate).toBe("1998-01-03T01:05:34.000Z");
    expect(await counts(store, sources, "--mailbox", "Old/1998", "--account", "ann")).toEqual({ "Old/1998": [5, 0] });
    expect(await names(store)).toEqual(["ann Old/1998", "default INBOX"]);
  });

  test("with --mailbox, a Maildir's folders go below it", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "1", ".Sent/cur/1.b": "2" });
    const store = await newStore();
    expect(await counts(store, [maildir], "--mailbox", "Ann")).toEqual({ Ann: [1, 0], "Ann/Sent": [1, 0] });
  });

  test("for people: one line a mailbox", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "1", ".Sent/cur/1.b": "2" });
    const { stdout } = await succeed(["import", await newStore(), maildir]);
    expect(stdout).toBe("INBOX: 1 imported, 0 already there\nSent: 1 imported, 0 already there\n");
  });
});

describe("P7: each message once", () => {
  test("n copies in the sources are n messages, however often they are imported", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "same", "cur/2.b": "same", "cur/3.c": "other" });
    const store = await newStore();
    expect(await counts(store, [maildir])).toEqual({ INBOX: [3, 0] });
    expect(await counts(store, [maildir])).toEqual({ INBOX: [0, 3] });
    expect(await counts(store, [maildir, maildir])).toEqual({ INBOX: [3, 3] });
    expect(await counts(store, [maildir, maildir])).toEqual({ INBOX: [0, 6] });
  });

  test("P2: what was expunged does not come back by importing again", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "gone", "cur/2.b": "stays" });
    const store = await newStore();
    await succeed(["import", store, maildir]);
    await succeed(["expunge", store, "INBOX", "1"]);
    expect(await counts(store, [maildir])).toEqual({ INBOX: [0, 2] });
  });

  test("the same message in two mailboxes is imported to both", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "same", ".Copy/cur/1.a": "same" });
    expect(await counts(await newStore(), [maildir])).toEqual({ INBOX: [1, 0], Copy: [1, 0] });
  });
});

describe("as it is", () => {
  const ODD = ["a/b", "a.b", "a//b", "/", " spaces ", 'quo"te', "100%*", "ü", "u\u0308", "&", "-", "x".repeat(900)];

  test("scenario 8: names survive import, dump and export", async () => {
    const message = await tempDirectory({ "1.eml": "S: x\n" });
    const store = await newStore();
    for (const name of ODD) await succeed(["import", store, join(message, "1.eml"), "--mailbox", name]);
    const out = `${store}.out`;
    await succeed(["export", store, out]);
    const copy = await newStore();
    await succeed(["import", copy, out]);
    const wanted = ODD.map((name) => `default ${name}`).sort();
    expect(await names(store)).toEqual(wanted);
    expect(await names(copy)).toEqual(wanted);
  });

  test("scenario 9: odd bytes survive import, cat and export", async () => {
    const odd: Record<string, Buffer> = {
      "cur/1.a": Buffer.from("no final newline"),
      "cur/2.b": Buffer.from("NUL \0 and 8-bit \xff\xfe", "latin1"),
      "cur/3.c": Buffer.from("bare\rCR\nand LF\r\n"),
      "cur/4.d": Buffer.from("19 bytes, no more.\n"),
      "cur/5.e": Buffer.alloc(1_000_000, "1 MB of it\r\n"),
      "cur/6.f": Buffer.alloc(9 * 1024 * 1024 + 1, "too large for memory\n"),
      "cur/7.g": Buffer.alloc(0),
    };
    const store = await newStore();
    await succeed(["import", store, await tempDirectory(odd)]);
    await succeed(["export", store, `${store}.out`]);
    const copy = await newStore();
    await succeed(["import", copy, `${store}.out`]);
    for (const [i, bytes] of Object.values(odd).entries())
      for (const one of [store, copy]) {
        const { bytes: read } = await succeed(["cat", one, "INBOX", String(i + 1)]);
        expect(read.equals(bytes), `message ${i + 1} of ${one}`).toBe(true);
      }
    const records = (lines: (MailboxLine | RecordLine)[]) => lines.slice(1);
    expect(records(await dump(copy))).toEqual(records(await dump(store)));
  });

  test("a folder whose name cannot be decoded, or would have a NUL, keeps the name it has", async () => {
    const maildir = await tempDirectory({ ".&AAA-x/cur/1.a": "1", ".R&D/cur/1.a": "1" });
    const store = await newStore();
    await succeed(["import", store, maildir]);
    expect(await names(store)).toEqual(["default &AAA-x", "default R&D"]);
  });
});

describe("what cannot be read", () => {
  test("is reported, the rest is imported, and the status is 1", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "1", "cur/2.b/": "", "cur/3.c": "3" });
    await symlink(join(maildir, "nowhere"), join(maildir, "cur/4.d"));
    const store = await newStore();
    const { code, stdout, stderr } = await tandem(["import", store, maildir, join(maildir, "missing"), "--json"]);
    expect(code).toBe(1);
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^tandem: .*missing does not exist; check the path\.$/),
      expect.stringMatching(/^tandem: .*2\.b is not a regular file, .*\.$/),
      expect.stringMatching(/^tandem: .*4\.d does not exist; check the path\.$/),
      "",
    ]);
    expect(JSON.parse(stdout)).toEqual({
      mailboxes: [{ mailbox: "INBOX", imported: 2, alreadyThere: 0 }],
      errors: stderr
        .split("\n")
        .slice(0, 3)
        .map((line) => line.slice("tandem: ".length)),
    });
  });

  test("mail in a directory that is not imported with it is named, and the status is 1", async () => {
    const mixed = await tempDirectory({
      "Work/cur/1.a": "1",
      "a.eml": "S: a\n",
      "old.mbox": `${FROM}\nSubject: 1\n\nx\n`,
      "more/b.eml": "S: b\n",
    });
    const { code, stdout, stderr } = await tandem(["import", await newStore(), mixed]);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: "INBOX: 1 imported, 0 already there\nWork: 1 imported, 0 already there\n",
    });
    expect(stderr).toMatch(/^tandem: .*old\.mbox .* left out; .*\.\ntandem: .*more has \.eml .* left out; .*\.\n$/);
  });

  test("a malformed mbox gives one sentence and nothing else", async () => {
    const files = await tempDirectory({ "bad.mbox": `Subject: x\n\n${FROM}\n\nbody\n` });
    const store = await newStore();
    expect(await refuse(["import", store, join(files, "bad.mbox")])).toContain("nothing was imported from it");
    expect(await names(store)).toEqual([]);
  });

  test("sources that are none make no store", async () => {
    const directory = await tempDirectory({ "sub/notes.txt": "x", program: "\x7fELF\0" });
    const store = await newStore();
    expect(await refuse(["import", store, join(directory, "sub")])).toContain("holds no mail");
    expect(await refuse(["import", store, join(directory, "program")])).toContain("neither an mbox");
    expect(await refuse(["import", store, join(directory, "no\nwhere\u001b[31m")])).toContain(
      "no\\u000awhere\\u001b[31m does not exist",
    );
    expect(existsSync(store)).toBe(false);
  });

  test("impossible names are refused before a store is made", async () => {
    const message = await tempDirectory({ "1.eml": "S: x\n" });
    const store = await newStore();
    expect(await refuse(["import", store, join(message, "1.eml"), "--mailbox", ""], 2)).toContain("is empty");
    expect(await refuse(["import", store, join(message, "1.eml"), "--account", "x".repeat(1001)], 2)).toContain(
      "longer than",
    );
    expect(existsSync(store)).toBe(false);
  });

  test("a folder whose name would be too long is reported, the rest is imported", async () => {
    const maildir = await tempDirectory({ "cur/1.a": "1", ".Sub/cur/1.b": "2" });
    const store = await newStore();
    expect(await refuse(["import", store, maildir, "--mailbox", "x".repeat(998)])).toContain("longer than");
    expect(await names(store)).toEqual([`default ${"x".repeat(998)}`]);
  });
});
