/**
 * Looks whether the records of a mailbox are as they were written, and its stored sums those of its records. Reads only.
 */
import { decodeBatch } from "../../model/decode-batch.ts";
import { isTandemError } from "../../model/errors.ts";
import type { IndexRecord } from "../../model/record.ts";
import { type MailboxDigest, sameDigest } from "../../model/state.ts";
import type { Examination, UidRange } from "../store.ts";
import { type Block, blockBounds, blockFrom, blockOf, digestsOfRecords } from "./blocks.ts";
import { RecordSums } from "./digest-sum.ts";

/** A block as it was found. */
export interface StoredBlock {
  readonly block: Block;
  /** Its bytes fit their checksum, where the store keeps one. */
  readonly isSound: boolean;
}

/** Blocks looked at in one go; then others get their turn. */
const BLOCKS_AT_A_TIME = 64;

/** Examines blocks in UID order. @param tombstones what is kept as the digest of all of the mailbox's tombstones. */
export async function examineBlocks(blocks: Iterable<StoredBlock>, tombstones: MailboxDigest): Promise<Examination> {
  const sums = new RecordSums();
  const damaged: UidRange[] = [];
  let wrongSums = 0;
  let seen = 0;
  for (const stored of blocks) {
    const right = corrected(stored);
    if (right === null) damaged.push(blockBounds(stored.block.no));
    else {
      sums.change(right.digests);
      if (!hasSameSums(right, stored.block)) wrongSums++;
    }
    seen++;
    if (seen % BLOCKS_AT_A_TIME === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const found = sums.value();
  if (damaged.length === 0 && !sameDigest(found.tombstones, tombstones)) wrongSums++;
  return { digest: found.live, damaged, wrongSums };
}

/** The block with sums that fit its records, null if the records are damaged. */
export function corrected({ block, isSound }: StoredBlock): Block | null {
  const records = isSound ? readable(block) : null;
  return records === null ? null : blockFrom(block.no, records, digestsOfRecords(records), block.batch);
}

export function hasSameSums(a: Block, b: Block): boolean {
  return (
    sameDigest(a.digests.live, b.digests.live) &&
    sameDigest(a.digests.tombstones, b.digests.tombstones) &&
    a.highestModseq === b.highestModseq &&
    a.lowestTombstone === b.lowestTombstone
  );
}

/** The records of a block, null if they do not decode or are not those of its UIDs. */
function readable({ no, batch }: Block): readonly IndexRecord[] | null {
  try {
    const records = decodeBatch(batch.bytes);
    const isWhole = records.length === batch.count && records.every(({ uid }) => blockOf(uid) === no);
    return isWhole && records[0]?.uid === batch.firstUid && records.at(-1)?.uid === batch.lastUid ? records : null;
  } catch (error) {
    if (isTandemError(error, "bad-frame")) return null;
    throw error;
  }
}
