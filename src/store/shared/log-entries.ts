/**
 * What becomes of an entry of the change log when a mailbox changes, is settled or gets a new id; the same for every store.
 */
import { type Cursor, sameAgreed, sameState } from "../../model/state.ts";
import type { LogEntry, Settlement } from "../change-log.ts";
import type { MailboxChange, MailboxHead } from "../store.ts";

/** Which mailbox an entry tells of. */
export interface LoggedMailbox {
  readonly account: string;
  readonly mailboxId: string;
}

/** Number and time of a change. */
export interface LogMoment {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Whether there is anything in a change for other nodes: one that only saves a cursor has nothing to tell them. */
export function isLogged({ before, after, entry, reset, overrule }: MailboxChange): boolean {
  return entry !== undefined || reset === true || overrule === true || !sameState(before, after);
}

/** Whether a cursor says that the peer is where the mailbox is: then nothing of it waits for that peer. */
export function hasMet({ entry, state }: MailboxHead, { latest, agreed }: Cursor): boolean {
  return sameAgreed(latest, agreed) && sameAgreed(latest, { ...state, entryModseq: entry.modseq });
}

/** The entry of a mailbox that had none. */
export function newEntry({ account, mailboxId }: LoggedMailbox, { seq, at }: LogMoment): LogEntry {
  const unfailed = { failures: 0, nextTry: at, error: null, allowed: false };
  return { account, mailboxId, seq, firstSeq: seq, since: at, ...unfailed };
}

/** Whether an entry that never failed waits for a time that was already: the clock was set back since. */
export function isAhead({ failures, nextTry }: LogEntry, now: number): boolean {
  return failures === 0 && nextTry > now;
}

/** An entry whose mailbox changed again. One that never failed is due, also if the clock was set back since it was made. */
export function changedEntry(old: LogEntry, { seq, at }: LogMoment): LogEntry {
  return { ...old, seq, nextTry: old.failures === 0 ? Math.min(old.nextTry, at) : old.nextTry };
}

/** An entry after an attempt succeeded, null if nothing is left to bring. */
export function doneEntry(old: LogEntry, done: Extract<Settlement, { kind: "done" }>): LogEntry | null {
  // All its changes are newer than what was brought: another worker removed the entry that this one had read.
  if (done.seq < old.firstSeq) return old;
  if (done.seq >= old.seq) return null;
  return { ...newEntry(old, { seq: old.seq, at: done.at }), firstSeq: done.seq + 1 };
}

/** An entry after an attempt failed, null if it is left as it is. */
export function failedEntry(
  old: LogEntry | null,
  failed: Extract<Settlement, { kind: "failed" }>,
  moment: () => LogMoment,
): LogEntry | null {
  const { failures, nextTry, error, ifThere = false, seq = Number.POSITIVE_INFINITY } = failed;
  if (old === null && ifThere) return null;
  // All its changes are newer than what was tried: meanwhile that was brought over, and the mailbox changed again.
  if (old !== null && seq < old.firstSeq) return null;
  return { ...(old ?? newEntry(failed, moment())), failures, nextTry, error };
}

/** The one entry of a mailbox that has two, since another id became its own: all that either waits for. */
export function unitedEntry(kept: LogEntry, moved: LogEntry): LogEntry {
  return {
    ...kept,
    seq: Math.max(kept.seq, moved.seq),
    firstSeq: Math.min(kept.firstSeq, moved.firstSeq),
    since: Math.min(kept.since, moved.since),
    nextTry: Math.min(kept.nextTry, moved.nextTry),
    allowed: kept.allowed && moved.allowed,
  };
}
