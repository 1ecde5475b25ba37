/**
 * A message written piece by piece. A large one goes to a file of its own, which becomes a segment by being renamed, so
 * that it is written once.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Guid } from "../../model/record.ts";
import type { BodyWriter } from "../store.ts";
import type { BodyStager } from "./body-stager.ts";
import type { Connection } from "./connection.ts";
import { type StorePaths, spoolName } from "./directory.ts";
import { insertSegment } from "./extents.ts";
import type { StoreOwner } from "./ownership.ts";
import { HEADER_BYTES, type SegmentFiles, writeFully, writeHeader } from "./segments.ts";

/** Up to here a message is held in memory and staged like any other. */
const HELD_BYTES = 1024 * 1024;

/** What a large message needs of its store. */
export interface LargeBodyHost {
  readonly db: Connection;
  readonly paths: StorePaths;
  readonly segments: SegmentFiles;
  readonly stager: BodyStager;
  readonly owner: StoreOwner;
}

export class LargeBodyWriter implements BodyWriter {
  readonly #host: LargeBodyHost;
  readonly #path: string;
  readonly #hash = createHash("sha256");
  #held: Uint8Array[] = [];
  #crc = 0;
  #size = 0;
  #file: FileHandle | null = null;

  constructor(host: LargeBodyHost) {
    this.#host = host;
    this.#path = join(host.paths.spool, spoolName("body"));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#crc = crc32(chunk, this.#crc);
    if (this.#file === null) this.#held.push(new Uint8Array(chunk));
    else await writeFully(this.#file, chunk, HEADER_BYTES + this.#size);
    this.#size += chunk.length;
    if (this.#file === null && this.#size > HELD_BYTES) await this.#spill();
  }

  async finish(): Promise<Guid> {
    const guid = this.#hash.digest("hex");
    if (this.#file === null) {
      await this.#host.stager.stage([Buffer.concat(this.#held)]);
      return guid;
    }
    const header = Buffer.alloc(HEADER_BYTES);
    writeHeader(header, 0, guid, this.#size, this.#crc);
    await writeFully(this.#file, header, 0);
    await this.#file.sync();
    await this.#close();
    this.#enter(guid);
    return guid;
  }

  async abort(): Promise<void> {
    this.#held = [];
    await this.#close();
    await rm(this.#path, { force: true });
  }

  async #spill(): Promise<void> {
    this.#file = await open(this.#path, "wx", 0o600);
    this.#host.owner.adopt(this.#file.fd);
    await writeFully(this.#file, Buffer.concat(this.#held), HEADER_BYTES);
    this.#held = [];
  }

  async #close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  /** The file gets its name in the transaction that enters it, so `compact` never sees one without the other. */
  #enter(guid: Guid): void {
    const { db, segments, stager } = this.#host;
    const entered = db.writeUnsynced(() => {
      const size = HEADER_BYTES + this.#size;
      const segment = insertSegment(db, size, 1);
      renameSync(this.#path, segments.path(segment));
      syncDirectoryNow(segments.directory);
      return stager.enterInTransaction({ guid, segment, offset: 0, size: this.#size });
    });
    entered();
  }
}

function syncDirectoryNow(directory: string): void {
  const file = openSync(directory, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
