/**
 * The spool of one incoming change: batches behind a short header each, in memory while they are few, else in a file.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { RecordBatch } from "../../model/batch.ts";
import type { RecordSpool } from "../store.ts";
import { spoolName } from "./directory.ts";
import { toTandemError } from "./errors.ts";

/** count, first UID, last UID, length */
const HEADER_BYTES = 16;
const BUFFER_BYTES = 1024 * 1024;

export class FileSpool implements RecordSpool {
  readonly #directory: string;
  readonly #spool: string;
  /** Empty until there is a file. */
  #path = "";
  #buffer = Buffer.alloc(0);
  #used = 0;
  #file: number | null = null;
  #written = 0;

  /** @param directory the store's, for errors; the file lies in `spool`. */
  constructor(directory: string, spool: string) {
    this.#directory = directory;
    this.#spool = spool;
  }

  write(batch: RecordBatch): void {
    const bytes = HEADER_BYTES + batch.bytes.length;
    this.#makeRoom(bytes);
    const at = this.#used;
    this.#buffer.writeUInt32BE(batch.count, at);
    this.#buffer.writeUInt32BE(batch.firstUid, at + 4);
    this.#buffer.writeUInt32BE(batch.lastUid, at + 8);
    this.#buffer.writeUInt32BE(batch.bytes.length, at + 12);
    this.#buffer.set(batch.bytes, at + HEADER_BYTES);
    this.#used += bytes;
  }

  *[Symbol.iterator](): Generator<RecordBatch> {
    let rest = Buffer.alloc(0);
    let position = 0;
    while (position < this.#written) {
      const chunk = this.#read(position, Math.min(BUFFER_BYTES, this.#written - position));
      position += chunk.length;
      rest = Buffer.concat([rest, chunk]);
      rest = rest.subarray(yield* batchesIn(rest));
    }
    yield* batchesIn(Buffer.concat([rest, this.#buffer.subarray(0, this.#used)]));
  }

  dispose(): void {
    this.#buffer = Buffer.alloc(0);
    this.#used = 0;
    this.#written = 0;
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    rmSync(this.#path, { force: true });
  }

  /** Room for `bytes` in the buffer: it grows up to a limit, then it is written out. */
  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    if (this.#used > 0 && this.#used + bytes > BUFFER_BYTES) this.#flush();
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(4096, 2 * (this.#used + bytes)));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  #flush(): void {
    this.#translated(() => {
      if (this.#file === null) this.#path = join(this.#spool, spoolName("spool"));
      this.#file ??= openSync(this.#path, "wx+", 0o600);
      let done = 0;
      while (done < this.#used)
        done += writeSync(this.#file, this.#buffer, done, this.#used - done, this.#written + done);
      this.#written += this.#used;
      this.#used = 0;
    });
  }

  #read(position: number, length: number): Buffer {
    return this.#translated(() => {
      const chunk = Buffer.allocUnsafe(length);
      const count = readSync(this.#file as number, chunk, 0, length, position);
      return chunk.subarray(0, count);
    });
  }

  #translated<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw toTandemError(error, this.#directory);
    }
  }
}

/** The whole batches at the start of `bytes`; returns how many bytes they take. */
function* batchesIn(bytes: Buffer): Generator<RecordBatch, number> {
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 12);
    if (end > bytes.length) break;
    yield {
      count: bytes.readUInt32BE(at),
      firstUid: bytes.readUInt32BE(at + 4),
      lastUid: bytes.readUInt32BE(at + 8),
      bytes: bytes.subarray(at + HEADER_BYTES, end),
    };
    at = end;
  }
  return at;
}
