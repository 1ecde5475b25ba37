/**
 * Reading a mailbox in memory, and the spool in memory.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import type { MailboxDigest, MailboxState } from "../../model/state.ts";
import type { Block } from "../shared/blocks.ts";
import { DigestSum } from "../shared/digest-sum.ts";
import { examineBlocks } from "../shared/examine.ts";
import { groupSums, rangeDigests } from "../shared/range-digests.ts";
import { inGroups, rangeDigest, type Selection, selectionOf, selectRecords } from "../shared/read-records.ts";
import type { Examination, MailboxSnapshot, RangeDigests, RecordSpool, ScanOptions } from "../store.ts";
import type { MemoryMailbox } from "./memory-account.ts";

const BATCHES_AT_A_TIME = 64;

export class MemorySnapshot implements MailboxSnapshot {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly tombstones: MailboxDigest;
  readonly #blocks: readonly Block[];

  constructor(mailbox: MemoryMailbox) {
    this.entry = mailbox.entry;
    this.state = mailbox.state;
    this.tombstones = mailbox.tombstones;
    this.#blocks = mailbox.blocks;
  }

  async *scan(options?: ScanOptions): AsyncGenerator<readonly RecordBatch[]> {
    const wanted = selectionOf(options);
    yield* inGroups(selectRecords(batchesIn(this.#blocks, wanted), wanted), BATCHES_AT_A_TIME);
  }

  async digest(fromUid: number, toUid: number): Promise<MailboxDigest> {
    const sum = (fromNo: number, toNo: number) => {
      const total = new DigestSum();
      for (const { no, digests } of this.#blocks) if (no >= fromNo && no <= toNo) total.addDigest(digests.live);
      return total.value();
    };
    const batch = (no: number) => this.#blocks.find((block) => block.no === no)?.batch ?? null;
    return rangeDigest({ sum, batch }, fromUid, toUid);
  }

  examine(): Promise<Examination> {
    return examineBlocks(
      this.#blocks.map((block) => ({ block, isSound: true })),
      this.tombstones,
    );
  }

  async ranges(bits: number, firstNo: number, lastNo: number): Promise<RangeDigests[]> {
    const between = (fromNo: number, toNo: number) => this.#blocks.filter(({ no }) => no >= fromNo && no <= toNo);
    return rangeDigests(
      {
        sums: (shift, first, last) => groupSums(between(first, last), shift),
        batches: (first, last) => between(first, last).map(({ batch }) => batch),
      },
      bits,
      firstNo,
      lastNo,
    );
  }

  async close(): Promise<void> {}
}

/** The batches of all blocks in which a wanted record can be. */
export function batchesIn(blocks: readonly Block[], { since, from, to }: Selection): RecordBatch[] {
  return blocks.flatMap(({ batch, highestModseq }) =>
    highestModseq > since && batch.lastUid >= from && batch.firstUid <= to ? [batch] : [],
  );
}

export class MemorySpool implements RecordSpool {
  #batches: RecordBatch[] = [];

  write(batch: RecordBatch): void {
    this.#batches.push({ ...batch, bytes: new Uint8Array(batch.bytes) });
  }

  [Symbol.iterator](): Iterator<RecordBatch> {
    return this.#batches[Symbol.iterator]();
  }

  dispose(): void {
    this.#batches = [];
  }
}
