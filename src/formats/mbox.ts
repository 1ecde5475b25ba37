/**
 * Reads an mbox file of any size as a stream of messages.
 *
 * A message begins at a From_ line (`isFromLine`) at the start of the file or after an empty line. Its bytes are those
 * between its From_ line and the next one, without the one empty line that mbox puts behind each message. Nothing in
 * them is changed: quoted lines (`>From `) stay quoted, because whether they were quoted by the mbox or by their author
 * cannot be told, and `Content-Length` is not trusted. `Status` and `X-Status` headers give the flags and stay as well.
 */
import { closeSync } from "node:fs";
import { basename } from "node:path";
import { isTandemError, TandemError } from "../model/errors.ts";
import { clampDate, fileError, openRegular, readRange } from "./file.ts";
import { dateOfFromLine, isFromLine } from "./mbox-from.ts";
import { LARGE_MESSAGE, type MessageContent, type SourceItem, type SourceMessage } from "./source.ts";

const CHUNK = 1024 * 1024;
/** Longest From_ line looked at; longer ones are text. */
const MAX_LINE = 1000;
/** Bytes before a From_ line that tell whether the line before is empty: `\n\r\n`. */
const BEFORE = 3;
/** How far the headers are searched for flags. */
const MAX_HEADERS = 256 * 1024;
const LF = 0x0a;
const CR = 0x0d;

/** Flags by their letter in `Status` and `X-Status` headers (mutt, pine, dovecot). */
const STATUS_FLAGS = new Map([
  ["R", "\\Seen"],
  ["A", "\\Answered"],
  ["F", "\\Flagged"],
  ["D", "\\Deleted"],
  ["T", "\\Draft"],
]);

/** A From_ line: where it begins, where the line behind it begins, and how long the empty line before it is. */
interface Separator {
  readonly line: string;
  readonly at: number;
  readonly next: number;
  readonly emptyBefore: number;
}

/** True if the file begins with a From_ line. @throws TandemError `io`. */
export function beginsAsMbox(start: Uint8Array): boolean {
  const bytes = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, MAX_LINE));
  return lineAt(bytes, 0) !== null;
}

/** True for files called `mbox` or `*.mbox`, in any case. */
export function isMboxName(path: string): boolean {
  return /(^|\.)mbox$/i.test(basename(path));
}

/** All messages in the order of the file. A file that is no mbox gives one fault and nothing else. */
export async function* readMbox(path: string): AsyncGenerator<SourceItem> {
  let fd: number | null = null;
  try {
    const { fd: opened, stats } = openRegular(path);
    fd = opened;
    const { size, mtimeMs } = stats;
    if (size > 0 && !beginsAsMbox(readRange(fd, 0, Math.min(size, MAX_LINE))))
      throw new TandemError(
        "invalid-argument",
        `${path} is not an mbox: it does not begin with a "From " line; nothing was imported from it.`,
      );
    yield { kind: "mailbox", mailbox: null, expected: 0 };
    yield* messages(fd, path, size, clampDate(mtimeMs));
  } catch (error) {
    const sentence = isTandemError(error) ? error.message : fileError("read", path, error).message;
    yield { kind: "fault", origin: path, sentence };
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function* messages(fd: number, path: string, size: number, fileDate: number): Generator<SourceMessage> {
  let open: Separator | null = null;
  let number = 0;
  for (const separator of separators(fd, size)) {
    if (open !== null) yield message(fd, path, open, separator.at - separator.emptyBefore, fileDate, ++number);
    open = separator;
  }
  if (open !== null) yield message(fd, path, open, endOfLast(fd, open.next, size), fileDate, ++number);
}

/** Where the last message ends: before the empty line at the end of the file, if there is one. */
function endOfLast(fd: number, start: number, size: number): number {
  const from = Math.max(start - 1, size - BEFORE);
  const tail = readRange(fd, from, size - from);
  return size - emptyLineBefore(tail, tail.length);
}

function* separators(fd: number, size: number): Generator<Separator> {
  for (let base = 0; base < size; base += CHUNK) {
    const from = Math.max(0, base - BEFORE);
    const bytes = readRange(fd, from, Math.min(size, base + CHUNK + MAX_LINE) - from);
    yield* separatorsIn(bytes, from, base, base + CHUNK);
  }
}

/** From_ lines that begin in the file's range `first` to `end`; `bytes` begin at `from` and reach a line further. */
function* separatorsIn(bytes: Buffer, from: number, first: number, end: number): Generator<Separator> {
  for (
    let at = bytes.indexOf("From ", first - from);
    at !== -1 && from + at < end;
    at = bytes.indexOf("From ", at + 5)
  ) {
    const emptyBefore = emptyLineBefore(bytes, at);
    if (emptyBefore === 0 && from + at !== 0) continue;
    const found = lineAt(bytes, at);
    if (found !== null) yield { line: found.line, at: from + at, next: from + found.next, emptyBefore };
  }
}

/** Length of the empty line that ends at `at`, line end included; 0 if there is none. */
function emptyLineBefore(bytes: Buffer, at: number): number {
  if (bytes[at - 1] !== LF) return 0;
  if (bytes[at - 2] === LF) return 1;
  return bytes[at - 2] === CR && bytes[at - 3] === LF ? 2 : 0;
}

function lineAt(bytes: Buffer, at: number): { line: string; next: number } | null {
  const end = bytes.indexOf(LF, at);
  const stop = end === -1 ? bytes.length : end;
  if (stop - at > MAX_LINE) return null;
  const line = bytes.toString("latin1", at, stop).replace(/\r$/, "");
  return isFromLine(line) ? { line, next: end === -1 ? bytes.length : end + 1 } : null;
}

function message(
  fd: number,
  path: string,
  from: Separator,
  end: number,
  fileDate: number,
  number: number,
): SourceMessage {
  const size = end - from.next;
  const head = readRange(fd, from.next, Math.min(size, size > LARGE_MESSAGE ? MAX_HEADERS : size));
  const content: MessageContent =
    size > LARGE_MESSAGE ? { kind: "file", path, offset: from.next, size } : { kind: "bytes", bytes: head };
  return {
    kind: "message",
    mailbox: null,
    flags: statusFlags(head),
    internalDate: clampDate(dateOfFromLine(from.line) ?? fileDate),
    content,
    origin: `${path}, message ${number} (byte ${from.next})`,
  };
}

/** The flags that `Status` and `X-Status` headers give. */
function statusFlags(bytes: Buffer): string[] {
  const text = bytes.toString("latin1", 0, MAX_HEADERS);
  const headers = text.slice(0, /^\r?\n/m.exec(text)?.index ?? text.length);
  const letters = [...headers.matchAll(/^(?:X-)?Status:(.*)$/gim)].map((match) => match[1]).join("");
  return [...STATUS_FLAGS].filter(([letter]) => letters.includes(letter)).map(([, flag]) => flag);
}
