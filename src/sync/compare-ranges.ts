/**
 * Finds the records in which two sides differ by comparing digests of ranges of UIDs, splitting those that differ.
 *
 * Each round trip descends two sizes: this side sends its sums of ranges, the other answers which differ and its own sums
 * of their parts, and this side goes on with the parts of those parts that differ. A range that is empty on one side is
 * not split: the other side's records in it differ, all of them.
 */
import { partBits, type RangeBits } from "../../protocol/range-sum.ts";
import type { RecordPair } from "../merge/plan.ts";
import { comparePairs } from "../merge/walk.ts";
import type { RecordBatch } from "../model/batch.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { TandemError } from "../model/errors.ts";
import type { IndexRecord } from "../model/record.ts";
import { sameDigest } from "../model/state.ts";
import { RecordSums } from "../store/shared/digest-sum.ts";
import type { Mailbox } from "../store/store.ts";
import { pick, type RangesAnswer, type RangeView, type SummedRanges } from "./range-view.ts";
import { firstRanges, framesOf, listOf, numbersOf, partsOf, type RangeList, uidsOf } from "./ranges.ts";

/** What was found; the mailboxes are those of the views, the records all that differ between them. */
export interface RangesCompared {
  readonly left: Mailbox;
  readonly right: Mailbox;
  /** In UID order. */
  readonly pairs: readonly RecordPair[];
  /** Whether the records found are all that differ: they account for what the digests of both mailboxes differ by. */
  readonly isComplete: boolean;
}

/**
 * @param toUid the highest UID that is thought to be used on a side; what turns out to be above it is compared too.
 * @throws TandemError what a side answers, `bad-message` if it tells what was not asked.
 */
export async function compareRanges(left: RangeView, right: RangeView, toUid: number): Promise<RangesCompared> {
  const comparison = new RangeComparison(left, right);
  const first = firstRanges(1, toUid);
  await comparison.descend(first);
  const ends = await mailboxesOf(left, right);
  const known = first.runs.reduce((end, run) => Math.max(end, uidsOf(first.bits, run).toUid), 0);
  const highest = Math.max(ends.left.state.uidNext, ends.right.state.uidNext) - 1;
  if (highest > known) await comparison.descend(smallRanges(known + 1, highest));
  const pairs = await comparison.pairs();
  return { ...ends, pairs, isComplete: accountsFor(ends.left, ends.right, pairs) };
}

/** Both have answered by now, but for a side that was never asked since there was nothing to compare. */
async function mailboxesOf(left: RangeView, right: RangeView): Promise<{ left: Mailbox; right: Mailbox }> {
  for (const view of [left, right]) if (view.mailbox === null) await view.sums({ bits: 6, runs: [] });
  return { left: left.mailbox as Mailbox, right: right.mailbox as Mailbox };
}

/** Ranges of the size of a block, from the border of one on. */
function smallRanges(fromUid: number, toUid: number): RangeList {
  const first = Math.floor(fromUid / 64);
  return { bits: 6, runs: [{ first, count: Math.floor(toUid / 64) - first + 1 }] };
}

/** Ranges of one side whose records are to be read, by size. */
type Wanted = Map<RangeBits, number[]>;

class RangeComparison {
  readonly #left: RangeView;
  readonly #right: RangeView;
  readonly #wanted = { left: new Map() as Wanted, right: new Map() as Wanted };
  /** Records of the right side that came with an answer. */
  readonly #told: IndexRecord[] = [];

  constructor(left: RangeView, right: RangeView) {
    this.#left = left;
    this.#right = right;
  }

  async descend(first: RangeList): Promise<void> {
    for (let list: RangeList | null = first; list !== null && list.runs.length > 0; ) list = await this.#compare(list);
  }

  /** All records that differ. */
  async pairs(): Promise<RecordPair[]> {
    const left = await readWanted(this.#left, this.#wanted.left);
    const right = [...this.#told, ...(await readWanted(this.#right, this.#wanted.right))];
    return comparePairs(left.sort(byUid), right.sort(byUid));
  }

  /** Compares ranges; returns those to go on with. */
  async #compare(list: RangeList): Promise<RangeList | null> {
    const waiting: SummedRanges[] = [];
    const differing: number[] = [];
    for await (const answer of this.#right.compare(this.#asked(list, waiting))) {
      const both = this.#sort(waiting.shift() as SummedRanges, answer);
      if (both.runs.length > 0) for (const no of await this.#compareParts(both, answer.parts)) differing.push(no);
    }
    const bits = partBits(list.bits);
    return bits === 0 ? null : partsOf(listOf(bits, differing));
  }

  /** The ranges with this side's sums, as many at a time as fit into a frame. */
  async *#asked(list: RangeList, waiting: SummedRanges[]): AsyncGenerator<SummedRanges> {
    for (const part of framesOf(list)) {
      const one = { list: part, sums: await this.#left.sums(part) };
      waiting.push(one);
      yield one;
    }
  }

  /** Notes which records are wanted; returns the ranges that differ and can be split. */
  #sort({ list, sums }: SummedRanges, { differ, empty, records }: RangesAnswer): RangeList {
    const isEmpty = new Set(empty);
    const [mine, theirs] = [differ.filter((i) => sums[i] !== 0), differ.filter((i) => !isEmpty.has(i))];
    if (list.bits === 0) {
      this.#want("left", list, mine);
      this.#tell(pick(list, theirs), records);
      return listOf(0, []);
    }
    const onLeftOnly = mine.filter((i) => isEmpty.has(i));
    const onRightOnly = theirs.filter((i) => sums[i] === 0);
    const onBoth = mine.filter((i) => !isEmpty.has(i));
    this.#want("left", list, onLeftOnly);
    this.#want("right", list, onRightOnly);
    return pick(list, onBoth);
  }

  /** Takes the records that came along; the others of these UIDs are read later. */
  #tell(uids: RangeList, batches: readonly RecordBatch[]): void {
    const records = within(batches, uids);
    for (const record of records) this.#told.push(record);
    const last = records.at(-1)?.uid ?? 0;
    const untold = [...numbersOf(uids)].flatMap((uid, i) => (uid > last ? [i] : []));
    this.#want("right", uids, untold);
  }

  /** Compares the parts of ranges with the other side's sums; returns the numbers of those to be split further. */
  async #compareParts(ranges: RangeList, theirs: Uint32Array): Promise<number[]> {
    const parts = partsOf(ranges);
    const mine = await this.#left.sums(parts);
    const differ = [...theirs.keys()].filter((i) => mine[i] !== theirs[i]);
    const isSingle = parts.bits === 0;
    const onLeft = differ.filter((i) => mine[i] !== 0 && (isSingle || theirs[i] === 0));
    const onRight = differ.filter((i) => theirs[i] !== 0 && (isSingle || mine[i] === 0));
    const onBoth = differ.filter((i) => mine[i] !== 0 && theirs[i] !== 0);
    this.#want("left", parts, onLeft);
    this.#want("right", parts, onRight);
    return [...numbersOf(pick(parts, onBoth))];
  }

  /** Notes that the records of some of these ranges are to be read. */
  #want(side: "left" | "right", list: RangeList, indexes: readonly number[]): void {
    const wanted = this.#wanted[side].get(list.bits) ?? [];
    for (const no of numbersOf(pick(list, indexes))) wanted.push(no);
    this.#wanted[side].set(list.bits, wanted);
  }
}

async function readWanted(view: RangeView, wanted: Wanted): Promise<IndexRecord[]> {
  const records: IndexRecord[] = [];
  for (const [bits, numbers] of wanted) {
    const list = listOf(bits, numbers);
    if (list.runs.length === 0) continue;
    const batches: RecordBatch[] = [];
    for await (const page of view.records(list)) batches.push(...page);
    for (const record of within(batches, list)) records.push(record);
  }
  return records;
}

/** The records in batches, all of them in these ranges and in order. @throws TandemError `bad-message` if they are not. */
function within(batches: readonly RecordBatch[], list: RangeList): IndexRecord[] {
  const all = list.runs.map((run) => uidsOf(list.bits, run));
  const records: IndexRecord[] = [];
  let at = 0;
  for (const record of batches.flatMap((batch) => decodeBatch(batch.bytes))) {
    while (at < all.length && (all[at]?.toUid ?? 0) < record.uid) at++;
    if ((all[at]?.fromUid ?? Number.POSITIVE_INFINITY) > record.uid || record.uid <= (records.at(-1)?.uid ?? 0))
      throw new TandemError("bad-message", "The peer told records under UIDs that it was not asked about.");
    records.push(record);
  }
  return records;
}

function byUid(a: IndexRecord, b: IndexRecord): number {
  return a.uid - b.uid;
}

/** Whether the pairs make up all by which the digests of two mailboxes differ. */
export function accountsFor(left: Mailbox, right: Mailbox, pairs: readonly RecordPair[]): boolean {
  const sums = new RecordSums({ live: left.state.digest, tombstones: left.tombstones });
  for (const pair of pairs) {
    if (pair.left !== null) sums.subtract(pair.left);
    if (pair.right !== null) sums.add(pair.right);
  }
  const { live, tombstones } = sums.value();
  return sameDigest(live, right.state.digest) && sameDigest(tombstones, right.tombstones);
}
