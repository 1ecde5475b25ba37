/** Telling what a source is, and saying clearly when it is none. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { detectSource } from "../../src/formats/detect.ts";
import { collect, tempDirectory } from "./helpers.ts";

const FROM = "From ann@example.org Sat Jan  3 01:05:34 1998";
let root: string;

beforeAll(async () => {
  root = await tempDirectory();
  for (const directory of [
    "maildir/cur",
    "tree/Work/new",
    "letters/below",
    "empty",
    "both/cur",
    "mixed/Work/new",
    "mixed/.Sent/cur",
    "mixed/plain",
    "mboxes",
  ])
    await mkdir(join(root, directory), { recursive: true });
  const files: Record<string, string> = {
    "maildir/cur/1.a": "maildir",
    "tree/Work/new/1.a": "tree",
    "letters/b.eml": "b",
    "letters/A.EML": "A",
    "letters/notes.txt": "no mail",
    "letters/below/notes.txt": "no mail",
    "both/cur/1.a": "maildir",
    "both/x.eml": "beside the Maildir",
    "mixed/x.eml": "beside",
    "mixed/Work/new/1.a": "below",
    "mixed/.Sent/cur/1.a": "folder",
    "mixed/.Sent/y.eml": "in a folder, but no message of it",
    "mixed/plain/z.eml": "deeper",
    "mixed/old.mbox": `${FROM}\nmbox\n`,
    "mixed/plain/Sent": `${FROM}\nmbox\n`,
    "mixed/empty.mbox": "",
    "mixed/notes": "From here it is no mail\n",
    "mboxes/Inbox": `${FROM}\nmbox\n`,
    "inbox.mbox": `${FROM}\nmbox\n`,
    spool: `${FROM}\nmbox\n`,
    "spool.empty": "",
    "saved.eml": `${FROM}\nSubject: one message\n`,
    "none.eml": "",
    letter: "Subject: letter\n\nx",
    "broken.mbox": "Subject: letter\n\nx",
    program: "\x7fELF\0\0",
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
});

describe("sources", () => {
  test.each([
    ["maildir", ["maildir"]],
    ["tree", ["tree"]],
    ["both", ["maildir", "beside the Maildir"]],
    ["letters", ["A", "b"]],
    ["inbox.mbox", ["mbox\n"]],
    ["spool", ["mbox\n"]],
    ["spool.empty", []],
    ["saved.eml", [`${FROM}\nSubject: one message\n`]],
    ["none.eml", [""]],
    ["letter", ["Subject: letter\n\nx"]],
  ])("%s holds %j", async (name, texts) => {
    const { messages, faults } = await collect(detectSource(join(root, name))());
    expect(messages.map(({ text }) => text)).toEqual(texts);
    expect(faults).toEqual([]);
  });

  test("all mail in a directory is read, or named", async () => {
    const mixed = join(root, "mixed");
    const { messages, faults } = await collect(detectSource(mixed)());
    expect(messages.map(({ text, mailbox }) => [text, mailbox])).toEqual([
      ["folder", "Sent"],
      ["below", "Work"],
      ["beside", null],
    ]);
    const hint = "name it as a source of its own, with the --mailbox it goes to.";
    expect(faults.map(({ sentence }) => sentence)).toEqual([
      `${mixed}/old.mbox is an mbox in a directory and was left out; ${hint}`,
      `${mixed}/.Sent has .eml files, which were left out; ${hint}`,
      `${mixed}/plain has .eml files, which were left out; ${hint}`,
      `${mixed}/plain/Sent is an mbox in a directory and was left out; ${hint}`,
    ]);
  });

  test.each([
    ["mboxes", /mboxes has mbox files in it, .* e\.g\. .*mboxes\/Inbox, with the --mailbox it goes to\.$/],
    ["nowhere", /nowhere does not exist; check the path\.$/],
    ["empty", /empty holds no mail: .+; name another directory, or single files\.$/],
    ["program", /program is neither an mbox .+ nor a message .+\.$/],
    ["letters/b.eml/x", /is not a directory, or lies below/],
  ])("%s is refused in one sentence", (name, sentence) => {
    expect(() => detectSource(join(root, name))).toThrow(sentence);
  });

  test("a file called mbox that is none gives nothing but a fault", async () => {
    const { messages, faults } = await collect(detectSource(join(root, "broken.mbox"))());
    expect(messages).toEqual([]);
    expect(faults).toMatchObject([{ sentence: expect.stringContaining("is not an mbox") }]);
  });

  test("dates of .eml files are those of the files", async () => {
    const { messages } = await collect(detectSource(join(root, "letters"))());
    for (const { internalDate } of messages) expect(Math.abs(Date.now() - internalDate)).toBeLessThan(3_600_000);
  });
});
