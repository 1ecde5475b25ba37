/**
 * The one way records get into a store: guard, merge into blocks, references, purge, digest. Every store calls it
 * inside its transaction and gives it access to its blocks.
 */
import { decodeBatch } from "../../model/batch.ts";
import { subtractDigest } from "../../model/digest.ts";
import { TandemError } from "../../model/errors.ts";
import { type Excuse, guardCounters, guardRecord } from "../../model/guard.ts";
import type { Guid, IndexRecord } from "../../model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest, sameDigest } from "../../model/state.ts";
import type { MailboxChange } from "../store.ts";
import { type Block, type BlockPuts, blockFrom, digestOfRecords, isLive, putsByBlock } from "./blocks.ts";
import { DigestSum } from "./digest-sum.ts";

/** The blocks of one mailbox and the references to bodies, inside a transaction. */
export interface BlockAccess {
  load(no: number): Block | null;
  save(block: Block): void;
  remove(no: number): void;
  /** All blocks; those already read may be removed meanwhile. */
  all(): Iterable<Block>;
  /** Numbers of the blocks that hold a tombstone with a modseq up to this. */
  withTombstonesUpTo(modseq: number): readonly number[];
  /** Counts one more live record for each message. @throws TandemError `body-missing`. */
  addReferences(guids: readonly Guid[]): void;
  /** Counts one live record less for each message. */
  dropReferences(guids: readonly Guid[]): void;
}

/**
 * Writes the records of a change. The mailbox's counters are the caller's: they become `change.after`.
 * @throws TandemError `invalid-change` if the guard refuses it or its digest does not come out, `body-missing`.
 */
export function writeRecords(change: MailboxChange, blocks: BlockAccess): void {
  const excuse = { reset: change.reset ?? false, overrule: change.overrule ?? false };
  guardCounters(change.before, change.after, excuse);
  if (excuse.reset) dropAll(blocks);
  const digest = new DigestSum(excuse.reset ? EMPTY_DIGEST : change.before.digest);
  for (const puts of putsByBlock(change.records)) digest.addDigest(writeBlock(puts, change, excuse, blocks));
  if (change.after.purgedModseq > change.before.purgedModseq) purge(change.after.purgedModseq, blocks);
  checkDigest(digest.value(), change.after.digest);
}

function checkDigest(found: MailboxDigest, claimed: MailboxDigest): void {
  if (sameDigest(found, claimed)) return;
  const how = `it leads to ${found.count} live messages and claims ${claimed.count}`;
  const what = found.count === claimed.count ? "the digest it leads to is not the one it claims" : how;
  throw new TandemError("invalid-change", `The change is refused: ${what}; plan it anew from the mailbox as it is.`);
}

/** Writes one block and returns by how much the digest grew. */
function writeBlock(puts: BlockPuts, change: MailboxChange, excuse: Excuse, blocks: BlockAccess): MailboxDigest {
  const old = blocks.load(puts.no);
  if (old === null) return writeNewBlock(puts, change, excuse, blocks);
  const before = decodeBatch(old.batch.bytes);
  const known = new Map(before.map((record) => [record.uid, record]));
  const digest = new DigestSum(old.digest);
  const replaced: IndexRecord[] = [];
  for (const next of puts.records) {
    const last = known.get(next.uid) ?? null;
    guardRecord(last, next, change.before, change.after, excuse);
    if (last !== null) {
      replaced.push(last);
      digest.subtract(last);
    }
    digest.add(next);
    known.set(next.uid, next);
  }
  moveReferences(replaced, puts.records, blocks);
  const merged = [...known.values()].sort((a, b) => a.uid - b.uid);
  const block = blockFrom(puts.no, merged, digest.value());
  blocks.save(block);
  return subtractDigest(block.digest, old.digest);
}

function writeNewBlock(puts: BlockPuts, change: MailboxChange, excuse: Excuse, blocks: BlockAccess): MailboxDigest {
  for (const next of puts.records) guardRecord(null, next, change.before, change.after, excuse);
  blocks.addReferences(guidsOf(puts.records));
  const digest = digestOfRecords(puts.records);
  blocks.save(blockFrom(puts.no, puts.records, digest, puts.batch));
  return digest;
}

/** Counts only what really changes, so that a changed flag costs nothing here. */
function moveReferences(from: readonly IndexRecord[], to: readonly IndexRecord[], blocks: BlockAccess): void {
  const before = liveGuidByUid(from);
  const after = liveGuidByUid(to);
  const only = (some: Map<number, Guid>, others: Map<number, Guid>) =>
    [...some].filter(([uid, guid]) => others.get(uid) !== guid).map(([, guid]) => guid);
  blocks.addReferences(only(after, before));
  blocks.dropReferences(only(before, after));
}

function liveGuidByUid(records: readonly IndexRecord[]): Map<number, Guid> {
  return new Map(records.filter(isLive).map(({ uid, guid }) => [uid, guid]));
}

function purge(upTo: number, blocks: BlockAccess): void {
  for (const no of blocks.withTombstonesUpTo(upTo)) {
    const block = blocks.load(no) as Block;
    const kept = decodeBatch(block.batch.bytes).filter((record) => !record.expunged || record.modseq > upTo);
    if (kept.length === 0) blocks.remove(no);
    else blocks.save(blockFrom(no, kept, block.digest));
  }
}

function dropAll(blocks: BlockAccess): void {
  for (const block of blocks.all()) {
    blocks.dropReferences(guidsOf(decodeBatch(block.batch.bytes)));
    blocks.remove(block.no);
  }
}

function guidsOf(records: readonly IndexRecord[]): Guid[] {
  const guids: Guid[] = [];
  for (const record of records) if (!record.expunged) guids.push(record.guid);
  return guids;
}
