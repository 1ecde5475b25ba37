/**
 * What became of a mailbox that was pushed or merged together with others.
 */
import type { MetMailbox } from "../../protocol/plain-changes.ts";
import type { SurveyedMailbox } from "./peer.ts";

/**
 * Told of mailboxes that both sides changed and that the other node leaves to this one (`yields`), which is answered when the
 * promise resolves: so it sends no more of them than this node can bring together. Must not reject.
 */
export type OnLeft = (mets: readonly Met[]) => Promise<void>;

/** Both sides as they were when a push met a conflict. */
export interface Met {
  readonly left: SurveyedMailbox;
  readonly right: SurveyedMailbox;
}

/**
 * What became of a mailbox. `done`: both sides are together. `conflict`: the other side is not where both last met; its
 * mailbox as it is there, if nothing else differs. `full`: there was no room, it is left for the next push. `pending`: the
 * other side is about to say that both are where this one is. `other`: it is no case for a push, or could not be written.
 */
export type PushOutcome =
  | { readonly kind: "done"; readonly records: number; readonly bodies: number }
  | { readonly kind: "conflict"; readonly met: Met | null }
  | { readonly kind: "full" | "pending" | "other" };

/** What else follows from the outcomes: done together with saving the cursors, so that both can share a transaction. */
export type Settle = (outcomes: readonly PushOutcome[]) => Promise<void>;

/** Both sides, or null if the mailbox's entry differs too. */
export function metWith(left: SurveyedMailbox, there: MetMailbox): Met | null {
  const { account, entry } = left;
  if (there.entryModseq !== entry.modseq) return null;
  const { state, cursor, changes } = there;
  return { left, right: { account, entry, state, tombstones: null, cursor, changes } };
}
