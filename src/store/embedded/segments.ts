/**
 * Segment files: message after message, each behind a small header that says what follows.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { TandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import type { BodyPlace } from "./body-table.ts";
import { syncDirectory } from "./directory.ts";
import { codeOf } from "./errors.ts";
import { SegmentReader } from "./segment-reader.ts";

/** magic, size, CRC-32 of the message, GUID */
export const HEADER_BYTES = 4 + 4 + 4 + 32;
const CRC_AT = 8;
const GUID_AT = 12;
const MAGIC = 0x54444d31;
const SEGMENT_NAME = /^(\d{6,})\.seg$/;
/** Files kept open for reading: a store of 4 GB is read without opening one twice. */
const OPEN_FILES = 16;

/** Writes the header of a message at `at`; `crc` is the CRC-32 of its bytes. */
export function writeHeader(target: Buffer, at: number, guid: Guid, size: number, crc: number): void {
  target.writeUInt32BE(MAGIC, at);
  target.writeUInt32BE(size, at + 4);
  target.writeUInt32BE(crc, at + CRC_AT);
  target.write(guid, at + GUID_AT, 32, "hex");
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
  readonly #reading = new Map<number, SegmentReader>();

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
   * Bytes `offset` to `offset + length` of a message, fewer at its end; null if its segment is gone. A message read as a
   * whole is compared with its CRC, so that damage does not travel.
   * @throws TandemError `body-unreadable`.
   */
  read(guid: Guid, place: BodyPlace, offset: number, length: number): Uint8Array | null {
    const file = this.#open(place.segment);
    if (file === null) return null;
    if (offset === 0 && length >= place.size) return readWhole(file, guid, place);
    const header = file.read(place.offset, HEADER_BYTES);
    if (header === null || !isHeaderOf(header, guid, place.size)) throw unreadable(guid);
    const wanted = Math.max(0, Math.min(length, place.size - offset));
    const bytes = file.read(place.offset + HEADER_BYTES + offset, wanted);
    if (bytes === null) throw unreadable(guid);
    return bytes;
  }

  /** Forgets an open file, so that the space of a removed one is freed. */
  forget(segment: number): void {
    this.#reading.get(segment)?.close();
    this.#reading.delete(segment);
  }

  close(): void {
    for (const segment of [...this.#reading.keys()]) this.forget(segment);
  }

  #open(segment: number): SegmentReader | null {
    const file = this.#reading.get(segment) ?? SegmentReader.open(this.path(segment));
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

function readWhole(file: SegmentReader, guid: Guid, place: BodyPlace): Uint8Array {
  const bytes = HEADER_BYTES + place.size;
  const ahead = file.readAhead(place.offset, bytes);
  if (ahead !== null && isWhole(ahead, guid, place.size)) return ahead.subarray(HEADER_BYTES);
  // What was read ahead can be older than the message; damage is what is still there on a second look.
  const fresh = file.read(place.offset, bytes);
  if (fresh !== null && isWhole(fresh, guid, place.size)) return fresh.subarray(HEADER_BYTES);
  throw unreadable(guid);
}

function isWhole(bytes: Buffer, guid: Guid, size: number): boolean {
  return isHeaderOf(bytes, guid, size) && bytes.readUInt32BE(CRC_AT) === crc32(bytes.subarray(HEADER_BYTES));
}

function isHeaderOf(header: Buffer, guid: Guid, size: number): boolean {
  return (
    header.readUInt32BE(0) === MAGIC &&
    header.readUInt32BE(4) === size &&
    header.toString("hex", GUID_AT, HEADER_BYTES) === guid
  );
}
