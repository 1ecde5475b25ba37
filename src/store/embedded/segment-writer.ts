/**
 * Writes messages into extents of segments: gathered, and synced once for many.
 */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { Guid } from "../../model/record.ts";
import type { Connection } from "./connection.ts";
import { Extents } from "./extents.ts";
import type { NewBody } from "./packs.ts";
import { HEADER_BYTES, type SegmentFiles, writeFully, writeHeader } from "./segments.ts";

/** A message with its GUID. */
export interface Body {
  readonly guid: Guid;
  readonly bytes: Uint8Array;
}

interface OpenFile {
  readonly segment: number;
  readonly handle: Promise<FileHandle>;
  /** Calls that are writing to it. */
  writers: number;
}

/** Most bytes gathered into one write; a larger message is a write of its own. */
const GATHERED_BYTES = 4 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

export class SegmentWriter {
  readonly #segments: SegmentFiles;
  readonly #extents: Extents;
  /** The file written to last; it stays open for the next call. */
  #current: OpenFile | null = null;
  /** What the last group was gathered in, unless it is in use: memory that is new to the process costs more than the copy. */
  #memory: Buffer = EMPTY;

  /** @param db where extents are reserved. */
  constructor(db: Connection, segments: SegmentFiles) {
    this.#segments = segments;
    this.#extents = new Extents(db);
  }

  /** Writes messages and syncs them; nothing refers to them yet. */
  async write(bodies: readonly Body[]): Promise<NewBody[]> {
    const places: NewBody[] = [];
    const files = new Set<OpenFile>();
    try {
      for (const group of gathered(bodies)) {
        const bytes = bytesOf(group);
        const { segment, offset } = this.#extents.take(bytes);
        const file = this.#use(segment, files);
        await this.#writeGroup(await file.handle, group, bytes, offset);
        places.push(...placesOf(group, segment, offset));
      }
      for (const file of files) await (await file.handle).datasync();
    } finally {
      for (const file of files) await this.#release(file);
    }
    return places;
  }

  /** Goes on in another segment: the one written to was removed. */
  leave(): void {
    this.#extents.forget();
  }

  async close(): Promise<void> {
    const file = this.#current;
    this.#current = null;
    if (file !== null && file.writers === 0) await (await file.handle).close();
  }

  /** @param bytes of the group with its headers. */
  async #writeGroup(file: FileHandle, group: readonly Body[], bytes: number, offset: number): Promise<void> {
    const memory = this.#memory.length < bytes ? Buffer.allocUnsafeSlow(bytes) : this.#memory;
    this.#memory = EMPTY;
    const target = memory.subarray(0, bytes);
    fill(target, group);
    await writeFully(file, target, offset);
    if (bytes <= GATHERED_BYTES) this.#memory = memory;
  }

  #use(segment: number, files: Set<OpenFile>): OpenFile {
    const left = this.#current;
    if (left === null || left.segment !== segment) {
      this.#current = { segment, handle: this.#segments.openForWriting(segment), writers: 0 };
      if (left !== null) {
        left.writers++;
        files.add(left);
      }
    }
    const file = this.#current as OpenFile;
    if (!files.has(file)) file.writers++;
    files.add(file);
    return file;
  }

  async #release(file: OpenFile): Promise<void> {
    file.writers--;
    if (file.writers === 0 && file !== this.#current) await (await file.handle).close();
  }
}

/** Groups of messages that are written at once. */
function* gathered(bodies: readonly Body[]): Generator<Body[]> {
  let group: Body[] = [];
  let bytes = 0;
  for (const body of bodies) {
    if (group.length > 0 && bytes + body.bytes.length > GATHERED_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(body);
    bytes += HEADER_BYTES + body.bytes.length;
  }
  if (group.length > 0) yield group;
}

function bytesOf(group: readonly Body[]): number {
  return group.reduce((sum, { bytes }) => sum + HEADER_BYTES + bytes.length, 0);
}

function placesOf(group: readonly Body[], segment: number, offset: number): NewBody[] {
  let next = offset;
  return group.map(({ guid, bytes }) => {
    const at = next;
    next += HEADER_BYTES + bytes.length;
    return { guid, segment, offset: at, size: bytes.length };
  });
}

/** Puts messages behind their headers into `target`, which has room for them. */
function fill(target: Buffer, group: readonly Body[]): void {
  let at = 0;
  for (const { guid, bytes } of group) {
    writeHeader(target, at, guid, bytes.length, crc32(bytes));
    target.set(bytes, at + HEADER_BYTES);
    at += HEADER_BYTES + bytes.length;
  }
}
