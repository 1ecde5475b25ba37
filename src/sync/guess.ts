/**
 * What is known of the other side's mailbox without asking: it is as the cursor says, which both agree on.
 */
import { cursorDigest } from "../../protocol/cursor-digest.ts";
import { sameEntry } from "../merge/entry.ts";
import { sameAgreed } from "../model/state.ts";
import { hasMet } from "../store/shared/log-entries.ts";
import type { SideMailbox } from "./gather.ts";
import type { Peer, Survey, SurveyedMailbox } from "./peer.ts";
import type { MailboxPair } from "./tree-exchange.ts";

/** The mailbox of this id or alias as a side says it is; null if it has none. */
export async function askFor(peer: Peer, account: string, mailboxId: string): Promise<SurveyedMailbox | null> {
  const question = { account, mailboxId, base: null, complete: true, inlineBytes: 0 };
  return (await peer.survey(question)).mailboxes[0] ?? null;
}

/** A pair of which at least one side changed; the other one is as the cursor, which both agree on, says. */
export function pairOf(left: SurveyedMailbox | null, right: SurveyedMailbox | null): MailboxPair {
  const known = (left ?? right) as SurveyedMailbox;
  return {
    left: left === null ? unchanged(known) : { ...left, exists: true },
    right: right === null ? unchanged(known) : { ...right, exists: true },
  };
}

/** The mailbox as it was when both sides agreed on it. */
export function unchanged(mailbox: SurveyedMailbox): SideMailbox {
  const { account, entry, cursor } = mailbox;
  if (cursor === null) return { ...mailbox, exists: true };
  return {
    account,
    entry,
    state: cursor.latest,
    tombstones: null,
    cursor,
    changes: null,
    exists: true,
    isAssumed: true,
  };
}

/** True if a mailbox differs from its cursor in records only. */
export function isPlainChange({ cursor, entry }: SurveyedMailbox): boolean {
  return cursor !== null && cursor.latest.entryModseq === entry.modseq && !entry.deleted;
}

/**
 * True if a change of a mailbox can go out on the guess that the other side is where both last met. Only where this side
 * knows that both were there: else its cursor alone is no base (two exchanges that crossed).
 */
export function canGuess(mailbox: SurveyedMailbox): boolean {
  const { cursor } = mailbox;
  return isPlainChange(mailbox) && cursor !== null && sameAgreed(cursor.latest, cursor.agreed);
}

/** True if both sides are known to have been where this one is. */
export function isAtCursor(mailbox: SurveyedMailbox): boolean {
  return mailbox.cursor !== null && hasMet(mailbox, mailbox.cursor);
}

/** True if the trees need not be brought together for this mailbox. */
export function isSameEntry(left: SurveyedMailbox, right: SurveyedMailbox): boolean {
  return right.entry.modseq === left.entry.modseq && sameEntry(right.entry, left.entry);
}

/** What a side that holds no cursor has as their digest: there is nothing to compare, so all is asked for at once. */
const NO_CURSORS = cursorDigest([]);

/** Whether a side has cursors for the other, so that both can find out whether they mean the same by "last time". */
export function holdsCursors({ cursors }: Survey): boolean {
  return cursors !== null && Buffer.compare(cursors, NO_CURSORS) !== 0;
}
