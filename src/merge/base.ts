/**
 * The base of a merge: the newest state both sides are known to have been in.
 */
import { type AgreedState, type Cursor, type MailboxState, sameAgreed, sameState } from "../model/state.ts";

/**
 * The base that two cursors prove, or null.
 *
 * A side that was written to first saves its cursor without knowing whether the other got there, so `latest` alone proves
 * nothing: if both nodes start an exchange at once, each can hold a state that the other never reached, and a delta above
 * it would miss changes (M08 could even expunge on it). Not even two equal ones do: two exchanges that crossed can lead
 * to equal counters and equal live messages with different tombstones, of which the digest does not tell. One side must
 * know that both got there. Else the lower `agreed` counts, because a node restored from a backup is again where its own
 * cursor says.
 *
 * Before all that: where one side knows that both were at its `latest`, and the other one is there now, that is the base,
 * whatever the other one remembers: its own cursor may have been lost with the last acknowledgement. Whoever changed a
 * mailbox acts on no more than that when it sends the change on the guess that the peer did not (P10).
 */
export function baseOf(
  left: Cursor | null,
  right: Cursor | null,
  states: readonly [MailboxState, MailboxState],
): AgreedState | null {
  const base = provenAlone(left, right, states) ?? provenByBoth(left, right);
  if (base === null || states.some((state) => !descends(state, base))) return null;
  return base;
}

function provenAlone(
  left: Cursor | null,
  right: Cursor | null,
  states: readonly [MailboxState, MailboxState],
): AgreedState | null {
  const proven = [knownMeeting(left, states[1]), knownMeeting(right, states[0])].filter((state) => state !== null);
  return proven.sort((a, b) => b.highestModseq - a.highestModseq)[0] ?? null;
}

/** The state that the holder of a cursor knows both were in, if the other side still is. */
function knownMeeting(cursor: Cursor | null, other: MailboxState): AgreedState | null {
  if (cursor === null || !sameAgreed(cursor.latest, cursor.agreed) || !sameState(cursor.latest, other)) return null;
  return cursor.latest;
}

function provenByBoth(left: Cursor | null, right: Cursor | null): AgreedState | null {
  if (left === null || right === null) return null;
  return isMeeting(left, right) ? left.latest : lower(left.agreed, right.agreed);
}

/** Whether a delta since the base shows everything: no tombstone above it was purged on either side. */
export function deltaAllowed(base: AgreedState | null, states: readonly [MailboxState, MailboxState]): boolean {
  return base !== null && states.every((state) => state.purgedModseq <= base.highestModseq);
}

/** The cursor a side saves on reaching `latest`; `both`: it knows that the other side is there too. */
export function cursorAt(latest: AgreedState, base: AgreedState | null, both: boolean): Cursor {
  return { latest, agreed: both ? latest : base };
}

/** Whether both hold the same `latest`, and one of them saved it knowing that the other was there. */
function isMeeting(left: Cursor, right: Cursor): boolean {
  return (
    sameAgreed(left.latest, right.latest) &&
    (sameAgreed(left.agreed, left.latest) || sameAgreed(right.agreed, right.latest))
  );
}

function lower(a: AgreedState | null, b: AgreedState | null): AgreedState | null {
  if (a === null || b === null) return null;
  return a.highestModseq <= b.highestModseq ? a : b;
}

function descends(state: MailboxState, base: AgreedState): boolean {
  return (
    state.uidValidity === base.uidValidity && state.highestModseq >= base.highestModseq && state.uidNext >= base.uidNext
  );
}
