/**
 * Reads one segment file, ahead where it is read in order.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { codeOf } from "./errors.ts";

/** Bytes read at once where messages are read one after the other, as a first copy does. */
const AHEAD_BYTES = 256 * 1024;

export class SegmentReader {
  readonly #file: number;
  /** What was read ahead, and where it starts in the file. Never written to again: parts of it are handed out. */
  #ahead: Buffer = Buffer.alloc(0);
  #aheadAt = 0;
  /** Where the last read ended. */
  #next = -1;

  constructor(file: number) {
    this.#file = file;
  }

  /** Null if there is no such file. */
  static open(path: string): SegmentReader | null {
    try {
      return new SegmentReader(openSync(path, "r"));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  /** These bytes of the file as it is now, null if it ends before. */
  read(position: number, length: number): Buffer | null {
    return exactly(length, this.#upTo(position, length));
  }

  /** As `read`, but what has been written since it was read ahead may not be seen. */
  readAhead(position: number, length: number): Buffer | null {
    const inOrder = position === this.#next;
    this.#next = position + length;
    const from = position - this.#aheadAt;
    if (from >= 0 && from + length <= this.#ahead.length) return this.#ahead.subarray(from, from + length);
    if (!inOrder || length > AHEAD_BYTES / 2) return this.read(position, length);
    this.#ahead = this.#upTo(position, AHEAD_BYTES);
    this.#aheadAt = position;
    return exactly(length, this.#ahead.subarray(0, length));
  }

  close(): void {
    closeSync(this.#file);
  }

  #upTo(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#file, bytes, done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }
}

function exactly(length: number, bytes: Buffer): Buffer | null {
  return bytes.length === length ? bytes : null;
}
