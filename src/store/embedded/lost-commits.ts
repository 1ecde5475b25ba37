/**
 * Finds out whether the index has lost commits that were made durable: because SQLite takes the first damaged frame of its
 * write-ahead log for the end of it, as after a power cut, or because the index was replaced by an older copy alone.
 *
 * Each transaction counts itself in the index, and a synced one is then noted in the file `commits` beside it. A note is written
 * when its commit is on the disk, so an index that has counted less than was noted is an older one. The log itself cannot
 * tell: what a killed writer left in it behind the last commit looks like commits behind a damaged frame.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { codeOf } from "./errors.ts";
import type { StoreOwner } from "./ownership.ts";
import { rowSum } from "./row-sums.ts";

/** The count as a double, which is exact up to 2^53, and its checksum. */
const NOTE_BYTES = 12;
const SUM_AT = 8;

/**
 * The file `commits`. It is not synced, and of two processes that write at once the earlier commit may be noted last: a
 * note may be a little old, never one of a commit that was not made.
 */
export class CommitNote {
  readonly #path: string;
  readonly #owner: StoreOwner;
  readonly #bytes = Buffer.alloc(NOTE_BYTES);
  #file: number | null = null;

  constructor(path: string, owner: StoreOwner) {
    this.#path = path;
    this.#owner = owner;
  }

  /** The count noted, 0 if there is none that can be read. */
  read(): number {
    try {
      const file = openSync(this.#path, "r");
      try {
        const bytes = Buffer.alloc(NOTE_BYTES);
        if (readSync(file, bytes, 0, NOTE_BYTES, 0) < NOTE_BYTES) return 0;
        const count = bytes.readDoubleBE(0);
        return bytes.readUInt32BE(SUM_AT) === rowSum(count) ? count : 0;
      } finally {
        closeSync(file);
      }
    } catch (error) {
      if (codeOf(error) === "ENOENT") return 0;
      throw error;
    }
  }

  /** To be called once the commit is synced. */
  write(count: number): void {
    this.#bytes.writeDoubleBE(count, 0);
    this.#bytes.writeUInt32BE(rowSum(count), SUM_AT);
    try {
      this.#file ??= this.#owner.open(this.#path);
      writeSync(this.#file, this.#bytes, 0, NOTE_BYTES, 0);
    } catch {
      // The change is committed and must not seem to fail. What is missed is only that its loss would be noticed.
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
