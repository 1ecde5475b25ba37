/** Maildirs as they are found, and the trees that are exported: reading, writing, and both after each other. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readEmlDirectory } from "../../src/formats/eml.ts";
import { contentChunks } from "../../src/formats/file.ts";
import { readMaildir } from "../../src/formats/maildir-reader.ts";
import { type ExportMessage, MaildirFolder, openMaildirTree } from "../../src/formats/maildir-writer.ts";
import { collect, tempDirectory } from "./helpers.ts";

const CORPUS = join(import.meta.dirname, "../../../shared/corpus");

async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await tempDirectory();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(path.endsWith("/") ? join(root, path) : dirname(join(root, path)), { recursive: true });
    if (!path.endsWith("/")) await writeFile(join(root, path), Buffer.from(text, "latin1"));
  }
  return root;
}

describe("reading", () => {
  test("root, Maildir++ folders, flags, keywords, new mail", async () => {
    const root = await tree({
      "cur/100.a:2,FS": "one",
      "cur/.hidden": "no message",
      "new/200.b:2,S": "two",
      "tmp/300.c": "unfinished",
      "dovecot-keywords": "0 work\n3 $Label1\n",
      "cur/150.d:2,ad": "three",
      ".Entw&APw-rfe.2024/cur/1.x:2,D": "draft",
      ".Empty/new/": "",
      ".git/config": "nothing",
    });
    const { messages, mailboxes, faults } = await collect(readMaildir(root));
    expect(faults).toEqual([]);
    expect(mailboxes.map(({ mailbox, expected }) => [mailbox, expected])).toEqual([
      [null, 3],
      ["Empty", 0],
      ["Entwürfe/2024", 1],
    ]);
    expect(messages.map(({ mailbox, text, flags }) => [mailbox, text, flags])).toEqual([
      [null, "one", ["\\Flagged", "\\Seen"]],
      [null, "three", ["work", "$Label1"]],
      [null, "two", []],
      ["Entwürfe/2024", "draft", ["\\Draft"]],
    ]);
  });

  test("the internal date is the file's time, to the millisecond; files without a time in their name go by it", async () => {
    const root = await tree({ "cur/b": "later", "cur/c": "earlier", "cur/500.x": "between" });
    await utimes(join(root, "cur/b"), 600, 600.123);
    await utimes(join(root, "cur/c"), 400, 400);
    const { messages } = await collect(readMaildir(root));
    expect(messages.map(({ text }) => text)).toEqual(["earlier", "between", "later"]);
    expect(messages[2]?.internalDate).toBe(600_123);
  });

  test("plain directories that are Maildirs, at any depth, through links, each once", async () => {
    const root = await tree({
      "INBOX/cur/1.a": "1",
      "Work/Big&AC8-Small/new/1.b": "2",
      "Work/notes/readme": "no mail",
    });
    await symlink(root, join(root, "Work/loop"));
    const { messages, faults } = await collect(readMaildir(root));
    expect(messages.map(({ mailbox, text }) => [mailbox, text])).toEqual([
      ["INBOX", "1"],
      ["Work/Big/Small", "2"],
    ]);
    expect(faults).toEqual([]);
  });

  test("what cannot be read is reported with a sentence, the rest is read", async () => {
    const root = await tree({ "cur/1.a": "1", "cur/2.b/": "", "cur/3.c": "3", "dovecot-keywords": "0 two words\n" });
    await symlink(join(root, "nowhere"), join(root, "cur/4.d"));
    const { messages, faults } = await collect(readMaildir(root));
    expect(messages.map(({ text }) => text)).toEqual(["1", "3"]);
    expect(faults.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining('the keyword "two words" has a character'),
      expect.stringMatching(/2\.b is not a regular file, .+\.$/),
      expect.stringMatching(/4\.d does not exist; .+\.$/),
    ]);
  });

  test("names that are not UTF-8 are reported", async () => {
    const root = await tree({ "cur/1.a": "1" });
    await writeFile(Buffer.concat([Buffer.from(`${root}/cur/2.`), Buffer.from([0xff])]), "2");
    const { messages, faults } = await collect(readMaildir(root));
    expect(messages).toHaveLength(1);
    expect(faults).toMatchObject([{ sentence: expect.stringMatching(/is not UTF-8; rename it/) }]);
  });
});

function message(uid: number, text: string, more: Partial<ExportMessage> = {}): ExportMessage {
  const bytes = Buffer.from(text, "latin1");
  return {
    uid,
    guid: createHash("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    internalDate: 1_600_000_000_000 + uid,
    flags: [],
    bytes: contentChunks({ kind: "bytes", bytes }),
    ...more,
  };
}

async function write(root: string, mailbox: string, messages: readonly ExportMessage[]) {
  const folder = await MaildirFolder.open(root, mailbox);
  const written = [];
  for (const one of messages) written.push(await folder.add(one));
  await folder.close();
  return { written, keywordsLeftOut: folder.keywordsLeftOut };
}

describe("writing", () => {
  test("what is written is read back: order, bytes, flags, keywords, dates, folders", async () => {
    const root = join(await tempDirectory(), "out");
    await openMaildirTree(root, "ann");
    const inbox = [
      message(7, "late", { internalDate: 1_700_000_000_123, flags: ["\\Seen", "Work", "$Forwarded"] }),
      message(9, "early\0\r\n", { internalDate: 1_000_000_000_007, flags: ["\\Draft", "other"] }),
      message(30, "", { internalDate: -1000, flags: ["\\Answered", "\\Flagged", "\\Deleted"] }),
    ];
    const long = `long/${"ü.".repeat(300)}`;
    await write(root, "INBOX", inbox);
    await write(root, "a.b//c", [message(1, "odd")]);
    await write(root, long, [message(1, "far")]);
    const { messages, faults } = await collect(readMaildir(root));
    expect(faults).toEqual([]);
    expect(
      messages.slice(0, 3).map(({ text, flags, internalDate }) => [text, [...flags].sort(), internalDate]),
    ).toEqual([
      ["late", ["$Forwarded", "Work", "\\Seen"], 1_700_000_000_123],
      ["early\0\r\n", ["\\Draft", "other"], 1_000_000_000_007],
      ["", ["\\Answered", "\\Deleted", "\\Flagged"], -1000],
    ]);
    expect(new Set(messages.slice(3).map(({ mailbox, text }) => `${mailbox}: ${text}`))).toEqual(
      new Set(["a.b//c: odd", `${long}: far`]),
    );
    expect(await readdir(join(root, "tmp"))).toEqual([]);
  });

  test("again: nothing twice, copies stay as many, flags are brought up to date, new mail is added", async () => {
    const root = await tempDirectory();
    await openMaildirTree(root, "ann");
    expect((await write(root, "INBOX", [message(1, "x"), message(2, "x"), message(3, "y")])).written).toEqual(
      Array(3).fill("written"),
    );
    const [first] = await readdir(join(root, "cur"));
    await rename(join(root, "cur", first as string), join(root, "new", (first as string).replace(":2,", "")));
    const again = [message(1, "x"), message(8, "x", { flags: ["\\Seen"] }), message(9, "y"), message(10, "x")];
    expect((await write(root, "INBOX", again)).written).toEqual([
      "flags-changed",
      "flags-changed",
      "present",
      "written",
    ]);
    const { messages } = await collect(readMaildir(root));
    expect(messages.map(({ text, flags }) => [text, flags])).toEqual([
      ["x", []],
      ["x", ["\\Seen"]],
      ["y", []],
      ["x", []],
    ]);
  });

  test("keyword letters stay the same from export to export; those above 26 are told", async () => {
    const root = await tempDirectory();
    await openMaildirTree(root, "ann");
    const keywords = Array.from({ length: 28 }, (_, i) => `k${String(i).padStart(2, "0")}`);
    await write(root, "INBOX", [message(1, "x", { flags: ["k05"] })]);
    const second = await write(root, "INBOX", [
      message(1, "x", { flags: ["K05"] }),
      message(2, "y", { flags: keywords }),
    ]);
    expect(second.written).toEqual(["present", "written"]);
    expect(second.keywordsLeftOut).toEqual(["k26", "k27"]);
    expect((await readFile(join(root, "dovecot-keywords"), "utf8")).split("\n").slice(0, 2)).toEqual([
      "0 k05",
      "1 k00",
    ]);
    const { messages } = await collect(readMaildir(root));
    expect([...(messages[1]?.flags ?? [])].sort()).toEqual(keywords.slice(0, 26));
  });

  test("a message whose bytes fail leaves nothing behind", async () => {
    const root = await tempDirectory();
    await openMaildirTree(root, "ann");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("gone");
    }
    await expect(write(root, "INBOX", [message(1, "x", { bytes: broken() })])).rejects.toThrow();
    expect([...(await readdir(join(root, "cur"))), ...(await readdir(join(root, "tmp")))]).toEqual([]);
  });

  test("a directory with other things in it, or with another account's mail, is refused and stays as it is", async () => {
    const foreign = await tree({ "notes.txt": "mine" });
    await expect(openMaildirTree(foreign, "ann")).rejects.toMatchObject({ code: "refused" });
    expect(await readdir(foreign)).toEqual(["notes.txt"]);
    const other = await tempDirectory();
    await openMaildirTree(other, "bob");
    await expect(openMaildirTree(other, "ann")).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining('"bob"'),
    });
    await expect(openMaildirTree(join(foreign, "notes.txt"), "ann")).rejects.toMatchObject({ code: "io" });
  });
});

describe.skipIf(!existsSync(CORPUS))("corpus (skipped if ../shared/corpus is absent)", () => {
  test("real mail goes through a Maildir tree byte for byte, with its dates, in order", async () => {
    const root = await tempDirectory();
    await openMaildirTree(root, "ann");
    const before = await collect(readEmlDirectory(CORPUS));
    await write(
      root,
      "INBOX",
      before.messages.map(({ text, internalDate }, i) => message(i + 1, text, { internalDate })),
    );
    const after = await collect(readMaildir(root));
    expect(before.messages.length).toBeGreaterThan(1000);
    expect(after.faults).toEqual([]);
    const differing = before.messages.filter(
      (one, i) => one.text !== after.messages[i]?.text || one.internalDate !== after.messages[i]?.internalDate,
    );
    expect(differing.map(({ origin }) => origin)).toEqual([]);
    expect(after.messages.length).toBe(before.messages.length);
  });
});
