/**
 * Lists of equal ranges of UIDs: how they are packed, cut into frames, and split into parts. Pure.
 */
import { MAX_RANGES_PER_FRAME } from "../../protocol/limits.ts";
import { partBits, partCount, type RangeBits } from "../../protocol/range-sum.ts";
import { TandemError } from "../model/errors.ts";
import { MAX_UID } from "../model/record.ts";

/** Neighbouring ranges. */
export interface Run {
  /** Number of the first one: its UIDs divided by 2^bits, rounded down. */
  readonly first: number;
  readonly count: number;
}

/** Ranges of 2^bits UIDs in ascending order. */
export interface RangeList {
  readonly bits: RangeBits;
  readonly runs: readonly Run[];
}

/** Single UIDs in one frame: the records of all that differ should fit into its answer. */
const UIDS_PER_FRAME = 2048;

export function countRanges({ runs }: RangeList): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Their numbers, ascending. */
export function* numbersOf({ runs }: RangeList): Generator<number> {
  for (const { first, count } of runs) for (let i = 0; i < count; i++) yield first + i;
}

/** The ranges with these ascending numbers. */
export function listOf(bits: RangeBits, numbers: Iterable<number>): RangeList {
  const runs: { first: number; count: number }[] = [];
  for (const no of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === no) last.count++;
    else runs.push({ first: no, count: 1 });
  }
  return { bits, runs };
}

/** The UIDs of a run; UID 0 does not exist. */
export function uidsOf(bits: RangeBits, { first, count }: Run): { readonly fromUid: number; readonly toUid: number } {
  const size = 2 ** bits;
  return { fromUid: Math.max(1, first * size), toUid: Math.min(MAX_UID, (first + count) * size - 1) };
}

/** The parts that ranges of more than one UID consist of. */
export function partsOf({ bits, runs }: RangeList): RangeList {
  const parts = partCount(bits);
  return {
    bits: partBits(bits),
    runs: runs.map(({ first, count }) => ({ first: first * parts, count: count * parts })),
  };
}

/** Cut into pieces that each fit into a frame. */
export function* framesOf({ bits, runs }: RangeList): Generator<RangeList> {
  const most = bits === 0 ? UIDS_PER_FRAME : MAX_RANGES_PER_FRAME;
  let open: Run[] = [];
  let space = most;
  for (const run of runs) {
    for (let { first, count } = run; count > 0; ) {
      const taken = Math.min(count, space);
      open.push({ first, count: taken });
      [first, count, space] = [first + taken, count - taken, space - taken];
      if (space > 0) continue;
      yield { bits, runs: open };
      [open, space] = [[], most];
    }
  }
  if (open.length > 0) yield { bits, runs: open };
}

/** As on the wire: for each run how many ranges are left out before it, and how many are in it. */
export function packRuns({ runs }: RangeList): number[] {
  let next = 0;
  return runs.flatMap(({ first, count }) => {
    const gap = first - next;
    next = first + count;
    return [gap, count];
  });
}

/** @throws TandemError `bad-message` if they are not ranges of UIDs, `limit` if they are too many. */
export function unpackRuns(bits: RangeBits, packed: readonly number[]): RangeList {
  const runs: Run[] = [];
  let next = 0;
  for (let i = 0; i < packed.length; i += 2) {
    const first = next + (packed[i] as number);
    const count = packed[i + 1] ?? 0;
    if (count === 0 || first + count > 2 ** (32 - bits))
      throw new TandemError("bad-message", "The peer asked about UIDs there cannot be.");
    runs.push({ first, count });
    next = first + count;
  }
  const list = { bits, runs };
  if (countRanges(list) > MAX_RANGES_PER_FRAME)
    throw new TandemError("limit", `The peer asked about more than ${MAX_RANGES_PER_FRAME} ranges at once.`);
  return list;
}

/**
 * The ranges to begin with: few enough for a small first frame, of the size from which as few round trips as can be lead
 * down to single UIDs, two sizes each.
 */
export function firstRanges(fromUid: number, toUid: number): RangeList {
  const bits = START_BITS.find((one) => toUid / 2 ** one - fromUid / 2 ** one < MOST_AT_FIRST) ?? 30;
  if (fromUid > toUid) return { bits, runs: [] };
  const first = Math.floor(fromUid / 2 ** bits);
  return { bits, runs: [{ first, count: Math.floor(toUid / 2 ** bits) - first + 1 }] };
}

const START_BITS: readonly RangeBits[] = [6, 14, 22, 30];
const MOST_AT_FIRST = 128;
