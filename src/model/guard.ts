/**
 * The guard at the store's door: what a change may never do to a mailbox, whoever asks for it (P1-P5).
 *
 * Pure, and called by every store for every record it is about to write, so that a bug in the rule or a hostile peer
 * is refused before it costs a client a message.
 */
import type { BatchColumns } from "./batch.ts";
import { TandemError } from "./errors.ts";
import type { IndexRecord } from "./record.ts";
import type { MailboxState } from "./state.ts";

/** Which of the promises a change is excused from, and why. */
export interface Excuse {
  /** All records are replaced: the numbering is a new one, under a higher uidValidity. */
  readonly reset: boolean;
  /** `sync --one-way --mirror`: the administrator asked for exactly the other side's records. */
  readonly overrule: boolean;
}

/** @throws TandemError `invalid-change` if a counter would fall (P4). */
export function guardCounters(before: MailboxState, after: MailboxState, excuse: Excuse): void {
  const newNumbering = after.uidValidity > before.uidValidity && excuse.reset;
  if (after.uidValidity < before.uidValidity) refuse("P4", "uidValidity would fall");
  if (excuse.reset && !newNumbering && !excuse.overrule) refuse("P4", "a reset needs a higher uidValidity");
  if (after.highestModseq < before.highestModseq) refuse("P4", "highestModseq would fall");
  if (newNumbering) return;
  if (after.uidNext < before.uidNext) refuse("P4", "uidNext would fall");
  if (after.purgedModseq < before.purgedModseq) refuse("P4", "purgedModseq would fall");
}

/**
 * Checks one record about to be written in place of `old` (null: nothing is known under this UID).
 * @throws TandemError `invalid-change`.
 */
export function guardRecord(
  old: IndexRecord | null,
  next: IndexRecord,
  before: MailboxState,
  after: MailboxState,
  excuse: Excuse,
): void {
  if (next.uid >= after.uidNext) refuse("P3", `UID ${next.uid} is not below uidNext ${after.uidNext}`);
  if (next.modseq > after.highestModseq) refuse("P5", `UID ${next.uid} has a modseq above highestModseq`);
  if (next.expunged && next.modseq <= after.purgedModseq)
    refuse("P2", `UID ${next.uid} is a tombstone below the purge`);
  if (excuse.reset || excuse.overrule) return;
  if (next.modseq <= before.highestModseq)
    refuse("P5", `UID ${next.uid} would change under modseq ${next.modseq}, already announced`);
  if (next.expunged) return;
  if (old === null && next.uid < before.uidNext) refuse("P3", `UID ${next.uid} is new below the announced uidNext`);
  if (old?.expunged) refuse("P2", `UID ${next.uid} was expunged and would come back`);
  if (old !== null && !old.expunged && (old.guid !== next.guid || old.size !== next.size))
    refuse("P1", `UID ${next.uid} would name another message`);
}

/**
 * Whether `guardRecord` surely lets all of these pass, under whose UIDs nothing is known. If not, it has to look at each.
 */
export function passesGuard(
  { uid, modseq, count }: BatchColumns,
  before: MailboxState,
  after: MailboxState,
  excuse: Excuse,
): boolean {
  const isExcused = excuse.reset || excuse.overrule;
  const lowest = isExcused ? 0 : before.highestModseq;
  for (let i = 0; i < count; i++)
    if (!((modseq[i] as number) > lowest && (modseq[i] as number) <= after.highestModseq)) return false;
  return (uid[count - 1] as number) < after.uidNext && (isExcused || (uid[0] as number) >= before.uidNext);
}

function refuse(promise: string, how: string): never {
  throw new TandemError("invalid-change", `The change is refused (${promise}): ${how}.`);
}
