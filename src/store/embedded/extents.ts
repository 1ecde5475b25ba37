/**
 * Extents: parts of segments that one process has for itself, so that several append to one file without a lock.
 *
 * An extent is reserved by a short transaction that is not synced. That is safe: the log is
 * written in order, so a synced commit of anybody syncs the reservations before it, and if a power cut takes a
 * reservation, then it takes everything that could refer to it too.
 */
import type { Connection } from "./connection.ts";
import { rowSum } from "./row-sums.ts";

/** A place for `bytes` bytes. */
export interface Extent {
  readonly segment: number;
  readonly offset: number;
}

/** A segment that would grow above this is left and a new one begun. */
export const SEGMENT_BYTES = 256 * 1024 * 1024;
const FIRST_GROWTH = 1024 * 1024;
const MOST_GROWTH = 8 * 1024 * 1024;

export class Extents {
  readonly #db: Connection;
  #segment = 0;
  #next = 0;
  #end = 0;
  /** Bytes to reserve ahead: nothing at first, so that a process that stages one message wastes nothing. */
  #growth = 0;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Takes `bytes` bytes that nobody else writes to. */
  take(bytes: number): Extent {
    if (this.#next + bytes > this.#end) this.#reserve(bytes);
    const offset = this.#next;
    this.#next += bytes;
    return { segment: this.#segment, offset };
  }

  /** Gives up what is reserved: the segment is being removed. */
  forget(): void {
    this.#segment = 0;
    this.#next = 0;
    this.#end = 0;
  }

  #reserve(bytes: number): void {
    const left = this.#end - this.#next;
    const more = Math.max(bytes - left, this.#growth);
    this.#growth = Math.min(MOST_GROWTH, Math.max(FIRST_GROWTH, 2 * this.#growth));
    this.#db.writeUnsynced(() => {
      const { segment, offset } = currentSegment(this.#db, Math.max(bytes, more));
      // Where nobody came between, the rest of the last extent is used up.
      const joins = segment === this.#segment && offset === this.#end;
      if (!joins) this.#next = offset;
      this.#segment = segment;
      this.#end = offset + (joins ? more : Math.max(bytes, more));
      writeSegment(this.#db, segment, this.#end, 0);
    });
  }
}

/** The segment that takes `bytes` more, a new one if need be, and where they go. */
function currentSegment(db: Connection, bytes: number): Extent {
  const sql = "SELECT id, reserved, sum FROM segment WHERE sealed = 0 ORDER BY id DESC LIMIT 1";
  const [segment, offset, sum] = db.row<[number, number, number]>(sql) ?? [0, 0, -1];
  // Where it is not known what is reserved, nothing more is: what lies there would be written over.
  const isSound = sum === rowSum(segment, offset, 0);
  if (isSound && (offset === 0 || offset + bytes <= SEGMENT_BYTES)) return { segment, offset };
  return { segment: insertSegment(db, 0, 0), offset: 0 };
}

/** Makes a segment; returns its number. In a transaction. */
export function insertSegment(db: Connection, reserved: number, sealed: 0 | 1): number {
  const segment = db.insert("INSERT INTO segment VALUES (NULL, ?, ?, 0)", reserved, sealed);
  writeSegment(db, segment, reserved, sealed);
  return segment;
}

/** Lets a segment take no more messages. */
export function sealSegment(db: Connection, segment: number): void {
  const [reserved] = db.row<[number]>("SELECT reserved FROM segment WHERE id = ?", segment) ?? [0];
  writeSegment(db, segment, reserved, 1);
}

function writeSegment(db: Connection, segment: number, reserved: number, sealed: 0 | 1): void {
  const sum = rowSum(segment, reserved, sealed);
  db.run("UPDATE segment SET reserved = ?, sealed = ?, sum = ? WHERE id = ?", reserved, sealed, sum, segment);
}
