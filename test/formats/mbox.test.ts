/** Reading mbox files: where messages begin and end, dates, flags, bytes as they are. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { readMbox } from "../../src/formats/mbox.ts";
import { dateOfFromLine, isFromLine } from "../../src/formats/mbox-from.ts";
import { collect, tempDirectory } from "./helpers.ts";

const FROM = "From ann@example.org Sat Jan  3 01:05:34 1998";
let directory: string;

beforeAll(async () => {
  directory = await tempDirectory();
});

async function read(text: string | Buffer) {
  const path = join(directory, "mbox");
  await writeFile(path, typeof text === "string" ? Buffer.from(text, "latin1") : text);
  return collect(readMbox(path));
}

async function texts(text: string): Promise<string[]> {
  return (await read(text)).messages.map((message) => message.text);
}

describe("From_ lines", () => {
  test.each([
    [FROM, "1998-01-03T01:05:34.000Z"],
    ["From - Tue Apr 05 08:09:10 2005", "2005-04-05T08:09:10.000Z"],
    ["From MAILER-DAEMON Fri Jul  8 12:08:34 2011", "2011-07-08T12:08:34.000Z"],
    ["From a b c@x  Mon Mar  4 10:00:00 +0200 2024", "2024-03-04T08:00:00.000Z"],
    ["From x@y Mon Mar  4 10:00:00 2024 -0530", "2024-03-04T15:30:00.000Z"],
    ["From x@y Mon Mar  4 10:00:00 PST 2024", "2024-03-04T18:00:00.000Z"],
    ["From x@y Wed, 12 May 2004 10:22:33 +0100", "2004-05-12T09:22:33.000Z"],
    ["From x@y Wed May 12 10:22 2004", "2004-05-12T10:22:00.000Z"],
    ["From x Wed May 12 10:22:33 2004 remote from host", "2004-05-12T10:22:33.000Z"],
  ])("%s", (line, date) => {
    expect(isFromLine(line)).toBe(true);
    expect(new Date(dateOfFromLine(line) ?? 0).toISOString()).toBe(date);
  });

  test.each([
    "From what I can see, it was fine.",
    "From Monday on, at 10:00, we meet in May 2004.",
    "From: Ann <ann@example.org>",
    ">From x@y Wed May 12 10:22:33 2004",
    "From ",
  ])("not %s", (line) => {
    expect(isFromLine(line)).toBe(false);
  });

  test("an impossible date is none", () => {
    expect(dateOfFromLine("From x@y Wed May 42 10:22:33 2004")).toBeNull();
    expect(dateOfFromLine("From x@y Wed May 12 27:22:33 2004")).toBeNull();
  });
});

describe("messages", () => {
  test("each ends before the one empty line that mbox puts behind it", async () => {
    expect(await texts(`${FROM}\nA: 1\n\nx\n\n${FROM}\nB: 2\n\ny\n\n\n`)).toEqual(["A: 1\n\nx\n", "B: 2\n\ny\n\n"]);
  });

  test("scenario 9: CRLF, bare CR, NUL, 8-bit, no final newline stay as they are", async () => {
    expect(await texts(`${FROM}\r\nA: 1\r\n\r\nx\r\n\r\n${FROM}\r\nB\r\0\xff`)).toEqual([
      "A: 1\r\n\r\nx\r\n",
      "B\r\0\xff",
    ]);
  });

  test("quoted From lines stay quoted, and From lines inside of text do not split", async () => {
    const body = "S: 1\n\n>From here\n>>From there\nFrom ann Sat Jan  3 01:05:34 1998\n\nFrom what I know\n";
    expect(await texts(`${FROM}\n${body}\n`)).toEqual([body]);
  });

  test("empty messages and a From_ line at the very end", async () => {
    expect(await texts(`${FROM}\n\n${FROM}\n\n`)).toEqual(["", ""]);
    expect(await texts(`${FROM}\nx\n\n${FROM}`)).toEqual(["x\n", ""]);
  });

  test("an empty file is an mbox without messages", async () => {
    expect(await read("")).toMatchObject({ messages: [], faults: [] });
  });

  test("a file that is no mbox gives one clear fault and no message", async () => {
    const { messages, faults } = await read(`Subject: x\n\n${FROM}\n\nbody\n`);
    expect(messages).toEqual([]);
    expect(faults).toMatchObject([{ sentence: expect.stringMatching(/is not an mbox.*nothing was imported/) }]);
  });

  test("dates come from the From_ line, flags from Status and X-Status, only in headers", async () => {
    const { messages } = await read(`${FROM}\nStatus: RO\nX-Status: AFDT\n\nb\n\n${FROM}\nS: 1\n\nStatus: R\n`);
    expect(messages[0]?.flags).toEqual(["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]);
    expect(messages[1]?.flags).toEqual([]);
    expect(messages[0]?.internalDate).toBe(Date.UTC(1998, 0, 3, 1, 5, 34));
    expect(messages[0]?.text).toContain("X-Status: AFDT\n");
  });

  test("messages are told apart in error messages", async () => {
    const { messages } = await read(`${FROM}\nx\n\n${FROM}\ny\n`);
    expect(messages[1]?.origin).toMatch(/mbox, message 2 \(byte \d+\)$/);
  });

  test("From_ lines are found wherever the pieces of a large file are cut", async () => {
    const wanted: string[] = [];
    const parts: string[] = [];
    // Sizes around the piece of 1 MiB, so that cuts fall into every part of a From_ line and the lines before it.
    for (const size of [...Array(70).keys()].map((i) => 1024 * 1024 - 140 + i * 2)) {
      const body = `N: ${size}\n\n${"x".repeat(size)}\n`;
      wanted.push(body.slice(0, 20));
      parts.push(`${FROM}\n${body}\n`);
    }
    const { messages } = await read(parts.join(""));
    expect(messages.map((message) => message.text.slice(0, 20))).toEqual(wanted);
  });

  test("a message too large for memory is a range of the file", async () => {
    const body = Buffer.alloc(9 * 1024 * 1024, "large ");
    const { messages } = await read(
      Buffer.concat([Buffer.from(`${FROM}\nStatus: R\n\n`), body, Buffer.from(`\n\n${FROM}\ny\n`)]),
    );
    expect(messages.map(({ content }) => content.kind)).toEqual(["file", "bytes"]);
    expect(messages[0]?.text === `Status: R\n\n${body.toString("latin1")}\n`).toBe(true);
    expect(messages[0]?.flags).toEqual(["\\Seen"]);
  });

  test("any messages whose From lines are quoted come back byte for byte", async () => {
    const line = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("", "From me", `>${FROM}`, "\r", "\0"));
    const message = fc.array(line, { maxLength: 6 }).map((lines) => lines.map((text) => `${text}\n`).join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 5 }), async (messages) => {
        const binary = messages.map((text) => Buffer.from(text).toString("latin1"));
        expect(await texts(binary.map((text) => `${FROM}\n${text}\n`).join(""))).toEqual(binary);
      }),
      { numRuns: 50 },
    );
  });
});
