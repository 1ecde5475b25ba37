/**
 * Reading a mailbox in memory, and the spool in memory.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import type { MailboxDigest, MailboxState } from "../../model/state.ts";
import type { Block } from "../shared/blocks.ts";
import { DigestSum } from "../shared/digest-sum.ts";
import { inGroups, rangeDigest, selectionOf, selectRecords } from "../shared/read-records.ts";
import type { MailboxSnapshot, RecordSpool, ScanOptions } from "../store.ts";
import type { MemoryMailbox } from "./memory-account.ts";

const BATCHES_AT_A_TIME = 64;

export class MemorySnapshot implements MailboxSnapshot {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly #blocks: readonly Block[];

  constructor(mailbox: MemoryMailbox) {
    this.entry = mailbox.entry;
    this.state = mailbox.state;
    this.#blocks = mailbox.blocks;
  }

  async *scan(options?: ScanOptions): AsyncGenerator<readonly RecordBatch[]> {
    const wanted = selectionOf(options);
    const blocks = this.#blocks.filter(({ batch, highestModseq }) => {
      return highestModseq > wanted.since && batch.lastUid >= wanted.from && batch.firstUid <= wanted.to;
    });
    const batches = blocks.map((block) => block.batch);
    yield* inGroups(selectRecords(batches, wanted), BATCHES_AT_A_TIME);
  }

  async digest(fromUid: number, toUid: number): Promise<MailboxDigest> {
    const sum = (fromNo: number, toNo: number) => {
      const total = new DigestSum();
      for (const { no, digest } of this.#blocks) if (no >= fromNo && no <= toNo) total.addDigest(digest);
      return total.value();
    };
    const batch = (no: number) => this.#blocks.find((block) => block.no === no)?.batch ?? null;
    return rangeDigest({ sum, batch }, fromUid, toUid);
  }

  async close(): Promise<void> {}
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
