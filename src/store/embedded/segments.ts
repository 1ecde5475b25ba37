/**
 * Segment files: message after message, each behind a small header that says what follows.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import type { BodyPlace } from "./body-table.ts";
import { syncDirectory } from "./directory.ts";
import { codeOf } from "./errors.ts";

/** magic, size, GUID */
export const HEADER_BYTES = 4 + 4 + 32;
const MAGIC = 0x54444d31;
const SEGMENT_NAME = /^(\d{6,})\.seg$/;
/** Files kept open for reading: a store of 4 GB is read without opening one twice. */
const OPEN_FILES = 16;

/** Writes the header of a message at `at`. */
export function writeHeader(target: Buffer, at: number, guid: Guid, size: number): void {
  target.writeUInt32BE(MAGIC, at);
  target.writeUInt32BE(size, at + 4);
  target.write(guid, at + 8, 32, "hex");
}

/** Writes all of `bytes`, however little the system takes at a time. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

export class SegmentFiles {
  readonly directory: string;
  /** In the order of their last use. */
  readonly #reading = new Map<number, number>();

  constructor(directory: string) {
    this.directory = directory;
  }

  path(segment: number): string {
    return join(this.directory, `${String(segment).padStart(6, "0")}.seg`);
  }

  /** Numbers of the segments whose files are there. */
  async list(): Promise<number[]> {
    const names = await readdir(this.directory);
    return names.flatMap((name) => {
      const number = SEGMENT_NAME.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
  }

  /** Bytes in a segment's file, 0 if it is not there. */
  async size(segment: number): Promise<number> {
    try {
      return (await stat(this.path(segment))).size;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return 0;
      throw error;
    }
  }

  /** Opens a segment for writing, made if it is not there. Its name is durable when this resolves. */
  async openForWriting(segment: number): Promise<FileHandle> {
    const file = await open(this.path(segment), constants.O_RDWR | constants.O_CREAT, 0o600);
    // Not only after making it: whoever made it may not have come to this yet.
    await syncDirectory(this.directory);
    return file;
  }

  /**
   * Bytes `offset` to `offset + length` of a message, fewer at its end; null if its segment is gone.
   * @throws TandemError `body-unreadable`.
   */
  read(guid: Guid, place: BodyPlace, offset: number, length: number): Uint8Array | null {
    const file = this.#open(place.segment);
    if (file === null) return null;
    const wanted = Math.max(0, Math.min(length, place.size - offset));
    const header = Buffer.allocUnsafe(HEADER_BYTES + (offset === 0 ? wanted : 0));
    const complete = readFully(file, header, place.offset);
    if (!complete || !isHeaderOf(header, guid, place.size)) throw unreadable(guid);
    if (offset === 0) return header.subarray(HEADER_BYTES);
    const bytes = Buffer.allocUnsafe(wanted);
    if (!readFully(file, bytes, place.offset + HEADER_BYTES + offset)) throw unreadable(guid);
    return bytes;
  }

  /** Forgets an open file, so that the space of a removed one is freed. */
  forget(segment: number): void {
    const file = this.#reading.get(segment);
    if (file === undefined) return;
    this.#reading.delete(segment);
    closeSync(file);
  }

  close(): void {
    for (const segment of [...this.#reading.keys()]) this.forget(segment);
  }

  #open(segment: number): number | null {
    const known = this.#reading.get(segment);
    const file = known ?? openOrNull(this.path(segment));
    if (file === null) return null;
    this.#reading.delete(segment);
    this.#reading.set(segment, file);
    const oldest = this.#reading.keys().next().value;
    if (this.#reading.size > OPEN_FILES && oldest !== undefined) this.forget(oldest);
    return file;
  }
}

export function unreadable(guid: Guid): TandemError {
  return new TandemError(
    "body-unreadable",
    `The bytes of message ${guid} are damaged in this store; restore its segments directory from a copy.`,
  );
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function readFully(file: number, target: Buffer, position: number): boolean {
  let done = 0;
  while (done < target.length) {
    const count = readSync(file, target, done, target.length - done, position + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}

function isHeaderOf(header: Buffer, guid: Guid, size: number): boolean {
  return (
    header.readUInt32BE(0) === MAGIC &&
    header.readUInt32BE(4) === size &&
    header.toString("hex", 8, HEADER_BYTES) === guid
  );
}
