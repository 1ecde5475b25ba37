/**
 * The merge walker: two UID-ordered lists of records in, the UIDs at which they differ out.
 *
 * It keeps one cursor per list and advances a cursor only past a record that it has matched or handed out: same UID,
 * both advance; one side's UID lower, only that side advances. (Advancing on a non-match compares the wrong messages
 * ever after.) A function over chunks, without a callback into a store: whoever has records feeds them.
 */
import type { RecordBatch } from "../model/batch.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { sameRecord } from "./equal.ts";
import type { SideName } from "./identity.ts";
import type { RecordPair } from "./plan.ts";

/** One list: batches that wait, and the batch the cursor is in. */
interface Side {
  /** Batches not yet opened, the next one at `next`. */
  waiting: RecordBatch[];
  next: number;
  records: readonly IndexRecord[];
  /** The cursor: index into `records`. */
  at: number;
  ended: boolean;
}

export class Walker {
  readonly #left: Side = { waiting: [], next: 0, records: [], at: 0, ended: false };
  readonly #right: Side = { waiting: [], next: 0, records: [], at: 0, ended: false };

  /** Hands the walker the next batches of one list, in UID order. */
  feed(side: SideName, batches: readonly RecordBatch[]): void {
    const list = this.#side(side);
    list.waiting = list.waiting.slice(list.next).concat(batches);
    list.next = 0;
  }

  /** Says that a list is complete. */
  finish(side: SideName): void {
    this.#side(side).ended = true;
  }

  /** The list the walker needs more of before it can go on, or null when it is through. */
  wants(): SideName | null {
    if (!this.#left.ended && exhausted(this.#left)) return "left";
    if (!this.#right.ended && exhausted(this.#right)) return "right";
    return null;
  }

  /** Walks as far as the records at hand allow and returns the pairs that differ. */
  walk(): RecordPair[] {
    const pairs: RecordPair[] = [];
    for (;;) {
      this.#skipEqualBatches();
      if (this.wants() !== null) return pairs;
      open(this.#left);
      open(this.#right);
      const left = this.#left.records[this.#left.at] ?? null;
      const right = this.#right.records[this.#right.at] ?? null;
      if (left === null && right === null) return pairs;
      this.#step(left, right, pairs);
    }
  }

  #side(side: SideName): Side {
    return side === "left" ? this.#left : this.#right;
  }

  /** Equal bytes are equal records: a block that both sides have is matched as a whole. */
  #skipEqualBatches(): void {
    while (atBorder(this.#left) && atBorder(this.#right)) {
      const [left, right] = [this.#left.waiting[this.#left.next], this.#right.waiting[this.#right.next]];
      if (left === undefined || right === undefined || !sameBatch(left, right)) return;
      this.#left.next++;
      this.#right.next++;
    }
  }

  /** Decides one UID and advances past it: the lower one, or both if they match. */
  #step(left: IndexRecord | null, right: IndexRecord | null, pairs: RecordPair[]): void {
    const uid = Math.min(left?.uid ?? Number.POSITIVE_INFINITY, right?.uid ?? Number.POSITIVE_INFINITY);
    const mine = left?.uid === uid ? left : null;
    const theirs = right?.uid === uid ? right : null;
    if (mine !== null) this.#left.at++;
    if (theirs !== null) this.#right.at++;
    if (mine === null || theirs === null || !sameRecord(mine, theirs)) pairs.push({ uid, left: mine, right: theirs });
  }
}

/** The UIDs at which two whole lists differ. */
export function comparePairs(left: readonly IndexRecord[], right: readonly IndexRecord[]): RecordPair[] {
  const pairs: RecordPair[] = [];
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const uid = Math.min(left[l]?.uid ?? Number.POSITIVE_INFINITY, right[r]?.uid ?? Number.POSITIVE_INFINITY);
    const mine = left[l]?.uid === uid ? (left[l++] ?? null) : null;
    const theirs = right[r]?.uid === uid ? (right[r++] ?? null) : null;
    if (mine === null || theirs === null || !sameRecord(mine, theirs)) pairs.push({ uid, left: mine, right: theirs });
  }
  return pairs;
}

function exhausted(side: Side): boolean {
  return atBorder(side) && side.next >= side.waiting.length;
}

function atBorder(side: Side): boolean {
  return side.at >= side.records.length;
}

/** Unpacks the next batch if the cursor is at a border. */
function open(side: Side): void {
  if (!atBorder(side)) return;
  const next = side.waiting[side.next++];
  side.records = next === undefined ? [] : decodeBatch(next.bytes);
  side.at = 0;
}

function sameBatch(a: RecordBatch, b: RecordBatch): boolean {
  return a.firstUid === b.firstUid && a.lastUid === b.lastUid && Buffer.compare(a.bytes, b.bytes) === 0;
}
