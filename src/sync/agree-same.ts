/**
 * Mailboxes that a survey found to be the same on both sides: they need no exchange, only their cursors may be lacking.
 */
import { sameState } from "../model/state.ts";
import { type Agreement, type Survey, type SurveyedMailbox, surveyKey } from "./peer.ts";
import { unsaved } from "./survey-answers.ts";

/** What this side has to save. */
export function agreementsOn(mine: Survey, theirs: Survey): Agreement[] {
  return mine.mailboxes.filter((one) => theirs.same.has(surveyKey(one))).flatMap(unsaved);
}

/** The number by which the other side is told to save its own; null if there is nothing to save. */
export function numberOf({ same, number }: Survey): number | null {
  return same.size > 0 ? number : null;
}

/** True if a survey of the right side told that a pair is the same, and no exchange of trees has changed it since. */
export function isKnownSame(
  { same }: Survey,
  { left, right }: { readonly left: SurveyedMailbox; readonly right: SurveyedMailbox },
): boolean {
  const isSame = left.entry.modseq === right.entry.modseq && sameState(left.state, right.state);
  return isSame && same.has(surveyKey(left));
}
