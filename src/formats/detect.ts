/**
 * Finds out what a source is: a Maildir tree, a directory of `.eml` files, an mbox, or a single message.
 */
import { statSync } from "node:fs";
import { isTandemError, TandemError } from "../model/errors.ts";
import { isEmlName, listEml, readEmlDirectory, readEmlFile } from "./eml.ts";
import { fileError, readRange, withFile } from "./file.ts";
import { leftOut, mboxesIn } from "./left-out.ts";
import { isMaildirTree, readMaildir } from "./maildir-reader.ts";
import { beginsAsMbox, isMboxName, readMbox } from "./mbox.ts";
import type { SourceItem, SourceReader } from "./source.ts";

const START = 1024;
/** A header line (RFC 5322 section 2.2): what a message begins with. */
const HEADER = /^[!-9;-~]{1,200}[ \t]*:/;

/**
 * The reader for a source.
 *
 * A directory with `cur` or `new` in it is a Maildir, one below which Maildirs lie is a Maildir tree, and `.eml` files right in
 * either, or in another one, are messages of their own. Other mail in and below it gives a fault. A file called `*.eml` is
 * one message whatever is in it; one that begins with a From_ line, is called `*.mbox` or is empty is an mbox; one that begins with a header is a message.
 * @throws TandemError `io` if it cannot be read, `invalid-argument` if it is none of these.
 */
export function detectSource(path: string): SourceReader {
  return isDirectory(path) ? detectDirectory(path) : detectFile(path);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function detectDirectory(path: string): SourceReader {
  try {
    const hasMessages = listEml(path).length > 0;
    if (hasMessages || isMaildirTree(path)) return () => readDirectory(path, hasMessages);
    const [mbox] = mboxesIn(path);
    if (mbox !== undefined)
      throw new TandemError(
        "invalid-argument",
        `${path} has mbox files in it, which are not read together; name each by itself, e.g. ${mbox}, with the --mailbox it goes to.`,
      );
  } catch (error) {
    throw isTandemError(error) ? error : fileError("read", path, error);
  }
  throw new TandemError(
    "invalid-argument",
    `${path} holds no mail: it is no Maildir (no cur or new in it or below) and has no .eml file; name another directory, or single files.`,
  );
}

/** Its Maildirs, its `.eml` files, and a fault for the mail in it that is not read with them. */
async function* readDirectory(path: string, hasMessages: boolean): AsyncGenerator<SourceItem> {
  yield* readMaildir(path);
  if (hasMessages) yield* readEmlDirectory(path);
  yield* leftOut(path);
}

function detectFile(path: string): SourceReader {
  if (isEmlName(path)) return () => readEmlFile(path);
  const start = withFile(path, (fd, { size }) => readRange(fd, 0, Math.min(START, size)));
  if (start.length === 0 || beginsAsMbox(start) || isMboxName(path)) return () => readMbox(path);
  if (HEADER.test(start.toString("latin1"))) return () => readEmlFile(path);
  throw new TandemError(
    "invalid-argument",
    `${path} is neither an mbox (no "From " line at its start) nor a message (no header); if it is a message, call it *.eml.`,
  );
}
