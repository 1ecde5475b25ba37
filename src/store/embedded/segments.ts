/**
 * Segment files: message after message, each behind a small header that says what follows.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { isTandemError, TandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import { syncDirectory } from "./directory.ts";
import { codeOf } from "./errors.ts";
import type { StoreOwner } from "./ownership.ts";
import { SegmentReader } from "./segment-reader.ts";

/** Where the bytes of a message lie. */
export interface BodyPlace {
  readonly segment: number;
  /** Where its header starts. */
  readonly offset: number;
  /** Bytes of the message, without the header. */
  readonly size: number;
}

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
  readonly #owner: StoreOwner;
  /** In the order of their last use. */
  readonly #reading = new Map<number, SegmentReader>();
  /** The one used last. */
  #last: { readonly segment: number; readonly file: SegmentReader } | null = null;

  constructor(directory: string, owner: StoreOwner) {
    this.directory = directory;
    this.#owner = owner;
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
    const file = await open(this.path(segment), constants.O_RDWR | constants.O_CREAT, 0o660);
    this.#owner.adopt(file.fd);
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

  /** As `read`, but null also for damage and where the disk fails. */
  readOrNull(guid: Guid, place: BodyPlace, offset: number, length: number): Uint8Array | null {
    try {
      return this.read(guid, place, offset, length);
    } catch (error) {
      if (isTandemError(error, "body-unreadable") || codeOf(error) === "EIO") return null;
      throw error;
    }
  }

  /** Forgets an open file, so that the space of a removed one is freed. */
  forget(segment: number): void {
    if (this.#last?.segment === segment) this.#last = null;
    this.#reading.get(segment)?.close();
    this.#reading.delete(segment);
  }

  close(): void {
    for (const segment of [...this.#reading.keys()]) this.forget(segment);
  }

  #open(segment: number): SegmentReader | null {
    if (this.#last?.segment === segment) return this.#last.file;
    const file = this.#reading.get(segment) ?? SegmentReader.open(this.path(segment));
    if (file === null) return null;
    this.#reading.delete(segment);
    this.#reading.set(segment, file);
    const oldest = this.#reading.keys().next().value;
    if (this.#reading.size > OPEN_FILES && oldest !== undefined) this.forget(oldest);
    this.#last = { segment, file };
    return file;
  }
}

export function unreadable(guid: Guid): TandemError {
  return new TandemError(
    "body-unreadable",
    `The bytes of message ${guid} are damaged in this store; verify it with --deep --repair and a node that has the message.`,
  );
}

function readWhole(file: SegmentReader, guid: Guid, place: BodyPlace): Uint8Array {
  const bytes = HEADER_BYTES + place.size;
  // What was read ahead can be older than the message; damage is what is still there on a second look.
  const body = wholeOf(file.readAhead(place.offset, bytes), guid, place.size);
  const found = body ?? wholeOf(file.read(place.offset, bytes), guid, place.size);
  if (found === null) throw unreadable(guid);
  return found;
}

/** The message behind its header, null if this is not it or it is damaged. */
function wholeOf(bytes: Buffer | null, guid: Guid, size: number): Buffer | null {
  if (bytes === null || !isHeaderOf(bytes, guid, size)) return null;
  const body = bytes.subarray(HEADER_BYTES);
  return bytes.readUInt32BE(CRC_AT) === crc32(body) ? body : null;
}

function isHeaderOf(header: Buffer, guid: Guid, size: number): boolean {
  return (
    header.readUInt32BE(0) === MAGIC &&
    header.readUInt32BE(4) === size &&
    header.toString("hex", GUID_AT, HEADER_BYTES) === guid
  );
}
