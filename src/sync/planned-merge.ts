/**
 * One mailbox among many that are merged together: what is sent of it, and how its sides are meanwhile and afterwards.
 */
import type { PlainChange } from "../../protocol/plain-changes.ts";
import type { MergePlan } from "../merge/plan.ts";
import { decodeBodies, decodeGuids, type LiveBody } from "../model/batch-bodies.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import type { IndexRecord, LiveRecord } from "../model/record.ts";
import type { AgreedState } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import type { Agreement, SurveyedMailbox } from "./peer.ts";
import type { Met, PushOutcome } from "./push-outcome.ts";
import type { Bringing } from "./unasked-bodies.ts";

export interface PlannedMerge extends Bringing {
  /** Both sides as they were when it was planned. */
  readonly met: Met;
  readonly plan: MergePlan;
  /** Where the right side is written first, the newest state in which both were; null: the left one is as planned already. */
  readonly base: AgreedState | null;
}

/** The right side's part. */
export function changeOf({ met: { right }, plan, base, batches }: PlannedMerge): PlainChange {
  const { account, entry, state } = right;
  return {
    account,
    mailboxId: entry.mailboxId,
    before: state,
    after: plan.right.after,
    entryModseq: entry.modseq,
    base,
    yields: false,
    batches,
  };
}

/** What both sides are agreed on when both parts are written. */
export function agreementOf({ met: { left }, plan }: PlannedMerge): Agreement {
  const { account, entry } = left;
  return { account, mailboxId: entry.mailboxId, latest: { ...plan.left.after, entryModseq: entry.modseq } };
}

/** Both parts are written. */
export function doneBy({ plan: { left, right }, fresh }: PlannedMerge): PushOutcome {
  return { kind: "done", records: left.puts.length + right.puts.length, bodies: fresh.length };
}

/** The left side when the right one has refused its part. */
export function leftNow({ met: { left }, plan, base }: PlannedMerge): SurveyedMailbox {
  return base === null ? { ...left, state: plan.left.after, tombstones: null, changes: null } : left;
}

/** The right side when its part is written, and told of as before: changed since both sides last met. */
export function rightNow({ met: { right }, plan }: PlannedMerge): SurveyedMailbox {
  const records = new Map<number, IndexRecord>();
  for (const bytes of right.changes ?? []) for (const record of decodeBatch(bytes)) records.set(record.uid, record);
  for (const record of plan.right.puts) records.set(record.uid, record);
  const sorted = [...records.values()].sort((a, b) => a.uid - b.uid);
  const changes = [...packRecords(sorted)].map(({ bytes }) => bytes);
  return { ...right, state: plan.right.after, tombstones: null, changes };
}

export function liveGuids(records: readonly IndexRecord[]): string[] {
  return records.flatMap((record) => (record.expunged ? [] : [record.guid]));
}

/** The messages of the live records in a mailbox's delta. */
export function changedBodies({ changes }: SurveyedMailbox): LiveBody[] {
  return (changes ?? []).flatMap((bytes) => decodeBodies(bytes));
}

/** Messages among some records that the right side has no record of, as far as its delta tells. */
export function newTo(right: SurveyedMailbox, records: readonly IndexRecord[]): LiveRecord[] {
  const own = new Set((right.changes ?? []).flatMap((bytes) => decodeGuids(bytes)));
  return records.flatMap((record) =>
    record.expunged || own.has(record.guid) || record.uid < right.state.uidNext ? [] : [record],
  );
}
