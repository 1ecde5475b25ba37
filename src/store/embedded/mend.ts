/**
 * Repairs in the index: sums worked out anew from records, damaged records put back. Inside the transaction of its caller.
 */
import type { RecordBatch } from "../../model/batch.ts";
import { decodeBatch } from "../../model/decode-batch.ts";
import { type MailboxState, sameState } from "../../model/state.ts";
import { blockFrom, blockOf, digestsOfRecords } from "../shared/blocks.ts";
import { RecordSums } from "../shared/digest-sum.ts";
import { damagedBlock, mailboxNotFound } from "../shared/errors.ts";
import { corrected, hasSameSums } from "../shared/examine.ts";
import type { Outcome } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { Connection } from "./connection.ts";
import { findMailbox, type StoredMailbox, writeState } from "./mailboxes.ts";

/** See `MailboxStore.correctDigest`. */
export function correctDigest(db: Connection, account: string, mailboxId: string, before: MailboxState): Outcome {
  const { key, state } = mailboxOf(db, account, mailboxId);
  if (!sameState(state, before)) return "conflict";
  const blocks = new BlockTable(db, key);
  const sums = new RecordSums();
  for (const stored of blocks.stored()) {
    const block = corrected(stored);
    if (block === null) throw damagedBlock(account, mailboxId, stored.block.no);
    if (!hasSameSums(block, stored.block)) blocks.save(block);
    sums.change(block.digests);
  }
  const { live, tombstones } = sums.value();
  writeState(db, key, { state: { ...state, digest: live }, tombstones });
  return "applied";
}

/** See `MailboxStore.restoreRecords`. */
export function restoreRecords(
  db: Connection,
  account: string,
  mailboxId: string,
  batches: Iterable<RecordBatch>,
): number {
  const blocks = new BlockTable(db, mailboxOf(db, account, mailboxId).key);
  let restored = 0;
  for (const batch of batches) {
    const records = decodeBatch(batch.bytes);
    if (blocks.restore(blockFrom(blockOf(batch.firstUid), records, digestsOfRecords(records), batch))) restored++;
  }
  return restored;
}

function mailboxOf(db: Connection, account: string, mailboxId: string): StoredMailbox {
  const mailbox = findMailbox(db, account, mailboxId);
  if (mailbox === null) throw mailboxNotFound(account, mailboxId);
  return mailbox;
}
