/**
 * Reading blocks: the records that a scan asks for, and digests of UID ranges.
 */
import type { RecordBatch } from "../../model/batch.ts";
import { decodeBatch, decodeColumns, type IsWanted } from "../../model/decode-batch.ts";
import { encodeBatch } from "../../model/encode-batch.ts";
import { type IndexRecord, MAX_UID } from "../../model/record.ts";
import type { MailboxDigest } from "../../model/state.ts";
import type { ScanOptions } from "../store.ts";
import { BLOCK_UIDS, blockOf, digestOfRecords } from "./blocks.ts";
import { DigestSum } from "./digest-sum.ts";

/** Which records a scan wants: modseq above `since`, UIDs from `from` to `to`. */
export interface Selection {
  readonly since: number;
  readonly from: number;
  readonly to: number;
}

/** Records in a batch that is packed anew: enough that its fixed bytes do not count. */
const REPACKED_RECORDS = 1024;

/** A scan's options with their defaults. */
export function selectionOf(options: ScanOptions = {}): Selection {
  return {
    since: options.sinceModseq ?? 0,
    from: Math.max(1, options.fromUid ?? 1),
    to: Math.min(MAX_UID, options.toUid ?? MAX_UID),
  };
}

/** The wanted records of some blocks' batches. A batch that is wanted whole is handed on as it is. */
export function* selectRecords(batches: Iterable<RecordBatch>, wanted: Selection): Generator<RecordBatch> {
  let pending: IndexRecord[] = [];
  const isSelected = selectorOf(wanted);
  for (const batch of batches) {
    const whole = isWanted(batch, wanted);
    if (!whole) for (const record of decodeBatch(batch.bytes, isSelected)) pending.push(record);
    if (pending.length > 0 && (whole || pending.length >= REPACKED_RECORDS)) {
      yield encodeBatch(pending);
      pending = [];
    }
    if (whole) yield batch;
  }
  if (pending.length > 0) yield encodeBatch(pending);
}

function isWanted(batch: RecordBatch, { since, from, to }: Selection): boolean {
  if (batch.firstUid < from || batch.lastUid > to) return false;
  return since === 0 || decodeColumns(batch.bytes).modseq.every((modseq) => modseq > since);
}

function selectorOf({ since, from, to }: Selection): IsWanted {
  return (uid, modseq) => modseq > since && uid >= from && uid <= to;
}

/** Some items at a time, `size` as a rule. */
export function* inGroups<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** What a range digest is made from. */
export interface DigestSource {
  /** Sum of the digests of whole blocks, from and to included. */
  sum(fromNo: number, toNo: number): MailboxDigest;
  /** The batch of one block. */
  batch(no: number): RecordBatch | null;
}

/** Digest of the live records with UIDs from `fromUid` to `toUid`: sums of whole blocks, and the records of the blocks at both edges. */
export function rangeDigest(source: DigestSource, fromUid: number, toUid: number): MailboxDigest {
  const wanted = selectionOf({ fromUid, toUid });
  const sum = new DigestSum();
  if (wanted.from > wanted.to) return sum.value();
  const firstNo = blockOf(wanted.from);
  const lastNo = blockOf(wanted.to);
  // Block 0 has no UID 0, so a range from UID 1 holds all of it.
  const firstWhole = wanted.from === 1 || wanted.from % BLOCK_UIDS === 0 ? firstNo : firstNo + 1;
  const lastWhole = wanted.to % BLOCK_UIDS === BLOCK_UIDS - 1 ? lastNo : lastNo - 1;
  if (firstWhole <= lastWhole) sum.addDigest(source.sum(firstWhole, lastWhole));
  for (const no of new Set([firstNo, lastNo]))
    if (no < firstWhole || no > lastWhole) sum.addDigest(partialDigest(source.batch(no), wanted));
  return sum.value();
}

function partialDigest(batch: RecordBatch | null, wanted: Selection): MailboxDigest {
  if (batch === null) return digestOfRecords([]);
  return digestOfRecords(decodeBatch(batch.bytes, selectorOf(wanted)));
}
