/**
 * Reading messages out of files, and saying in words why a file cannot be read or written.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { TandemError } from "../model/errors.ts";
import { MAX_DATE, MIN_DATE } from "../model/record.ts";
import { LARGE_MESSAGE, type MessageContent } from "./source.ts";

const CHUNK = 1024 * 1024;

/** A file's content and its time of last change in milliseconds. */
export interface MessageFile {
  readonly content: MessageContent;
  readonly internalDate: number;
}

/**
 * Reads a whole file as a message.
 *
 * Synchronous on purpose: for the small files of a Maildir, handing open, read and close to the thread pool costs
 * several times the work itself.
 * @throws TandemError `io` with a sentence for people.
 */
export function readMessageFile(path: string): MessageFile {
  return withFile(path, (fd, { size, mtimeMs }) => {
    const internalDate = clampDate(mtimeMs);
    if (size > LARGE_MESSAGE) return { content: { kind: "file", path, offset: 0, size }, internalDate };
    return { content: { kind: "bytes", bytes: readRange(fd, 0, size) }, internalDate };
  });
}

/** Opens a regular file for `use` and closes it. @throws TandemError `io`. */
export function withFile<T>(path: string, use: (fd: number, stats: Stats) => T): T {
  const { fd, stats } = openRegular(path);
  try {
    return use(fd, stats);
  } catch (error) {
    throw fileError("read", path, error);
  } finally {
    closeSync(fd);
  }
}

/** Opens a regular file for reading; whoever calls closes it. @throws TandemError `io`. */
export function openRegular(path: string): { readonly fd: number; readonly stats: Stats } {
  let fd: number | null = null;
  try {
    // Without O_NONBLOCK a named pipe somewhere in a source would hold up the whole import.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, stats };
  } catch (error) {
    if (fd !== null) closeSync(fd);
    throw fileError("read", path, error);
  }
  closeSync(fd);
  throw new TandemError(
    "io",
    `${path} is not a regular file, so there is no message in it; leave it out, or name a file.`,
  );
}

/** Bytes `offset` to `offset + length` of an open file, fewer if it ends before. */
export function readRange(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** The bytes of a message in pieces. @throws TandemError `io`. */
export async function* contentChunks(content: MessageContent): AsyncGenerator<Uint8Array> {
  if (content.kind === "bytes") {
    yield content.bytes;
    return;
  }
  const file = await open(content.path, "r").catch((error: unknown) => {
    throw fileError("read", content.path, error);
  });
  try {
    for (let done = 0; done < content.size; done += CHUNK)
      yield await readPiece(file, content.path, content.offset + done, Math.min(CHUNK, content.size - done));
  } finally {
    await file.close();
  }
}

async function readPiece(
  file: Awaited<ReturnType<typeof open>>,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset).catch((error) => {
    throw fileError("read", path, error);
  });
  if (bytesRead < length) throw new TandemError("io", `${path} was cut while it was read; run the command again.`);
  return buffer;
}

/** A file time as an internal date: whole milliseconds within the range of a record. */
export function clampDate(milliseconds: number): number {
  return Math.min(MAX_DATE, Math.max(MIN_DATE, Math.round(milliseconds)));
}

/** An error of the file system as one sentence that says what to do; a TandemError as it is. */
export function fileError(action: "read" | "written", path: string, error: unknown): TandemError {
  if (error instanceof TandemError) return error;
  return new TandemError("io", fileSentence(action, path, (error as NodeJS.ErrnoException).code ?? String(error)), {
    cause: error,
  });
}

function fileSentence(action: "read" | "written", path: string, code: string): string {
  if (path.includes("\ufffd")) return `The name ${JSON.stringify(path)} is not UTF-8; rename it and run again.`;
  switch (code) {
    case "ENOENT":
      return `${path} does not exist; check the path.`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be ${action} by this user; change its permissions or run as its owner.`;
    case "ENOTDIR":
    case "EEXIST":
      return `${path} is not a directory, or lies below something that is none; choose another path.`;
    case "ENOSPC":
    case "EDQUOT":
      return `There is no space left for ${path}; free some and run the command again.`;
    case "EROFS":
      return `${path} is on a read-only file system; choose another path.`;
    default:
      return `${path} cannot be ${action} (${code}); check the disk and run the command again.`;
  }
}
