/**
 * One mailbox of one side at one moment, seen through digests of ranges of its UIDs.
 */
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import { rangeSum } from "../../protocol/range-sum.ts";
import type { RecordBatch } from "../model/batch.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import type { IndexRecord } from "../model/record.ts";
import type { Mailbox, MailboxSnapshot } from "../store/store.ts";
import { listOf, numbersOf, partsOf, type RangeList, uidsOf } from "./ranges.ts";

/** Ranges with the sums of the side that asks. */
export interface SummedRanges {
  readonly list: RangeList;
  readonly sums: Uint32Array;
}

/** How the ranges are on the side that was asked. */
export interface RangesAnswer {
  /** Indexes of those whose sums differ, ascending. */
  readonly differ: readonly number[];
  /** Of these, those without a record there. */
  readonly empty: readonly number[];
  /** Sums of the parts of those that differ and have records on both sides; none of single UIDs. */
  readonly parts: Uint32Array;
  /** Of single UIDs that differ: the records there, as many of the first ones as fit. */
  readonly records: readonly RecordBatch[];
}

/** Must be closed. */
export interface RangeView {
  /** As it is in this view; null until the side has answered once. */
  readonly mailbox: Mailbox | null;
  /** Sums of the ranges, 0 for one without a record. */
  sums(list: RangeList): Promise<Uint32Array>;
  /** One answer for each, in order. */
  compare(asked: AsyncIterable<SummedRanges>): AsyncIterable<RangesAnswer>;
  /** All records in the ranges, in UID order. */
  records(list: RangeList): AsyncIterable<readonly RecordBatch[]>;
  close(): Promise<void>;
}

/** Batches with fewer records than this are packed anew, several in one: most of a record's bytes are told by its neighbours'. */
const SMALL_BATCH = 32;
const REPACKED_RECORDS = 1024;
/** Runs looked at before others get their turn. */
const RUNS_AT_A_TIME = 64;

export class SnapshotRanges implements RangeView {
  readonly mailbox: Mailbox;
  readonly #snapshot: MailboxSnapshot;

  constructor(snapshot: MailboxSnapshot) {
    this.mailbox = { entry: snapshot.entry, state: snapshot.state, tombstones: snapshot.tombstones };
    this.#snapshot = snapshot;
  }

  async sums({ bits, runs }: RangeList): Promise<Uint32Array> {
    const sums = new Uint32Array(runs.reduce((total, { count }) => total + count, 0));
    let at = 0;
    for (const [i, { first, count }] of runs.entries()) {
      if (i % RUNS_AT_A_TIME === RUNS_AT_A_TIME - 1) await new Promise((resolve) => setImmediate(resolve));
      const digests = await this.#snapshot.ranges(bits, first, first + count - 1);
      for (const range of digests) sums[at + range.no - first] = rangeSum(range);
      at += count;
    }
    return sums;
  }

  async *compare(asked: AsyncIterable<SummedRanges>): AsyncGenerator<RangesAnswer> {
    for await (const one of asked) yield this.answer(one);
  }

  /** How these ranges are here. */
  async answer({ list, sums }: SummedRanges): Promise<RangesAnswer> {
    const own = await this.sums(list);
    const differ = [...own.keys()].filter((i) => own[i] !== sums[i]);
    const empty = differ.filter((i) => own[i] === 0);
    const none = new Uint32Array(0);
    if (list.bits === 0) {
      const here = pick(
        list,
        differ.filter((i) => own[i] !== 0),
      );
      return { differ, empty, parts: none, records: await this.#few(here) };
    }
    const both = differ.filter((i) => own[i] !== 0 && sums[i] !== 0);
    return { differ, empty, parts: both.length === 0 ? none : await this.sums(partsOf(pick(list, both))), records: [] };
  }

  async *records({ bits, runs }: RangeList): AsyncGenerator<readonly RecordBatch[]> {
    for await (const batch of repacked(this.#batches({ bits, runs }))) yield [batch];
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  async *#batches({ bits, runs }: RangeList): AsyncGenerator<RecordBatch> {
    for (const run of runs) for await (const page of this.#snapshot.scan(uidsOf(bits, run))) yield* page;
  }

  /** Records as far as they fit into a frame. */
  async #few(list: RangeList): Promise<RecordBatch[]> {
    const batches: RecordBatch[] = [];
    let bytes = 0;
    for await (const batch of repacked(this.#batches(list))) {
      bytes += batch.bytes.length;
      if (bytes > FRAME_FILL_BYTES) break;
      batches.push(batch);
    }
    return batches;
  }
}

/** A mailbox that is not there yet: nothing is in it. */
export class NoRanges implements RangeView {
  readonly mailbox: Mailbox;

  constructor(mailbox: Mailbox) {
    this.mailbox = mailbox;
  }

  async sums(list: RangeList): Promise<Uint32Array> {
    return new Uint32Array([...numbersOf(list)].length);
  }

  async *compare(asked: AsyncIterable<SummedRanges>): AsyncGenerator<RangesAnswer> {
    for await (const { sums } of asked) {
      const differ = [...sums.keys()].filter((i) => sums[i] !== 0);
      yield { differ, empty: differ, parts: new Uint32Array(0), records: [] };
    }
  }

  async *records(): AsyncGenerator<readonly RecordBatch[]> {}

  async close(): Promise<void> {}
}

/** Some of the ranges, by ascending index. */
export function pick(list: RangeList, indexes: readonly number[]): RangeList {
  const numbers = [...numbersOf(list)];
  return listOf(
    list.bits,
    indexes.map((i) => numbers[i] as number),
  );
}

async function* repacked(batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  let pending: IndexRecord[] = [];
  for await (const batch of batches) {
    const isSmall = batch.count < SMALL_BATCH;
    if (isSmall) pending.push(...decodeBatch(batch.bytes));
    if (pending.length > 0 && (!isSmall || pending.length >= REPACKED_RECORDS)) {
      yield encodeBatch(pending);
      pending = [];
    }
    if (!isSmall) yield batch;
  }
  if (pending.length > 0) yield encodeBatch(pending);
}
