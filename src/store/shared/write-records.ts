/**
 * The one way records get into a store: guard, merge into blocks, references, purge, digest. Every store calls it
 * inside its transaction and gives it access to its blocks.
 */
import { decodeBatch } from "../../model/decode-batch.ts";
import { TandemError } from "../../model/errors.ts";
import { type Excuse, guardCounters, guardRecord, passesGuard } from "../../model/guard.ts";
import type { Guid, IndexRecord } from "../../model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest, type RecordDigests, sameDigest } from "../../model/state.ts";
import type { MailboxChange } from "../store.ts";
import {
  type Block,
  type BlockPuts,
  blockFrom,
  digestsOfRecords,
  guidsOf,
  isLive,
  plainBlock,
  putsByBlock,
} from "./blocks.ts";
import { RecordSums } from "./digest-sum.ts";

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
 * @param tombstones digest of the mailbox's tombstones; returned is what it becomes.
 * @throws TandemError `invalid-change` if the guard refuses it or its digest does not come out, `body-missing`.
 */
export function writeRecords(change: MailboxChange, blocks: BlockAccess, tombstones: MailboxDigest): MailboxDigest {
  const excuse = { reset: change.reset ?? false, overrule: change.overrule ?? false };
  guardCounters(change.before, change.after, excuse);
  if (excuse.reset) dropAll(blocks);
  const sums = excuse.reset ? new RecordSums() : new RecordSums({ live: change.before.digest, tombstones });
  for (const puts of putsByBlock(change.records)) writeBlock(puts, change, excuse, { blocks, sums });
  if (change.after.purgedModseq > change.before.purgedModseq) purge(change.after.purgedModseq, { blocks, sums });
  const { live, tombstones: buried } = sums.value();
  checkDigest(live, change.after.digest);
  return buried;
}

/** The blocks of a mailbox, and the sums over all of them. */
interface Target {
  readonly blocks: BlockAccess;
  readonly sums: RecordSums;
}

function checkDigest(found: MailboxDigest, claimed: MailboxDigest): void {
  if (sameDigest(found, claimed)) return;
  const how = `it leads to ${found.count} live messages and claims ${claimed.count}`;
  const what = found.count === claimed.count ? "the digest it leads to is not the one it claims" : how;
  throw new TandemError("invalid-change", `The change is refused: ${what}; plan it anew from the mailbox as it is.`);
}

function writeBlock(puts: BlockPuts, change: MailboxChange, excuse: Excuse, target: Target): void {
  const { blocks, sums } = target;
  const old = blocks.load(puts.no);
  if (old === null) {
    writeNewBlock(puts, change, excuse, target);
    return;
  }
  const before = decodeBatch(old.batch.bytes);
  const known = new Map(before.map((record) => [record.uid, record]));
  const digests = new RecordSums(old.digests);
  const replaced: IndexRecord[] = [];
  for (const next of puts.records) {
    const last = known.get(next.uid) ?? null;
    guardRecord(last, next, change.before, change.after, excuse);
    if (last !== null) {
      replaced.push(last);
      digests.subtract(last);
    }
    digests.add(next);
    known.set(next.uid, next);
  }
  moveReferences(replaced, puts.records, blocks);
  const merged = [...known.values()].sort((a, b) => a.uid - b.uid);
  const block = blockFrom(puts.no, merged, digests.value());
  blocks.save(block);
  sums.change(block.digests, old.digests);
}

function writeNewBlock(puts: BlockPuts, change: MailboxChange, excuse: Excuse, { blocks, sums }: Target): void {
  const { before, after } = change;
  const block = puts.plain !== null && passesGuard(puts.plain, before, after, excuse) ? plainBlock(puts) : null;
  if (block === null) for (const next of puts.records) guardRecord(null, next, before, after, excuse);
  blocks.addReferences(puts.guids);
  const written = block ?? blockFrom(puts.no, puts.records, digestsOfRecords(puts.records), puts.batch);
  blocks.save(written);
  sums.change(written.digests);
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

const NOTHING: RecordDigests = { live: EMPTY_DIGEST, tombstones: EMPTY_DIGEST };

function purge(upTo: number, { blocks, sums }: Target): void {
  for (const no of blocks.withTombstonesUpTo(upTo)) {
    const block = blocks.load(no) as Block;
    const digests = new RecordSums(block.digests);
    const kept = decodeBatch(block.batch.bytes).filter((record) => {
      const isKept = !record.expunged || record.modseq > upTo;
      if (!isKept) digests.subtract(record);
      return isKept;
    });
    const next = kept.length === 0 ? null : blockFrom(no, kept, digests.value());
    if (next === null) blocks.remove(no);
    else blocks.save(next);
    sums.change(next?.digests ?? NOTHING, block.digests);
  }
}

function dropAll(blocks: BlockAccess): void {
  for (const block of blocks.all()) {
    blocks.dropReferences(guidsOf(decodeBatch(block.batch.bytes)));
    blocks.remove(block.no);
  }
}
