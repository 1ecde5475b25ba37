/**
 * What a merge decides: values that can be printed (`--dry-run`), tested and applied.
 */
import type { IndexRecord } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import type { RowId, Slot } from "./rows.ts";

/** One UID at which the two sides are not known to be equal; null: that side has no record (in a delta: none that changed). */
export type RecordPair = Slot;

export interface MergeInput {
  readonly left: MailboxState;
  readonly right: MailboxState;
  /** The state both sides are known to have been in, or null. */
  readonly base: MailboxState | null;
  /**
   * True if `pairs` hold only what changed since the base; false if they come from two whole lists. In a delta, one
   * side's record must be there in every pair whose UID the other one changed, so that a digest can be computed.
   */
  readonly delta: boolean;
  /** In UID order, each UID once; a pair of equal records may be left out. */
  readonly pairs: readonly RecordPair[];
  /**
   * GUIDs whose bytes cannot be had: where only one side has such a message, it stays as it is (scenario 22).
   * Only with whole lists.
   */
  readonly held?: ReadonlySet<string>;
}

/** What was decided for one UID, and by which row. */
export interface Decision {
  readonly row: RowId;
  readonly uid: number;
  /** UID of the message after the merge, where it has another. */
  readonly newUid?: number;
  /** One clause for people. */
  readonly reason: string;
}

/** Records a side has to write, in UID order, and its state afterwards. */
export interface SidePlan {
  readonly puts: readonly IndexRecord[];
  readonly after: MailboxState;
  /** All records are replaced by `puts`: this side's numbering was void. */
  readonly reset: boolean;
}

export interface MergePlan {
  readonly left: SidePlan;
  readonly right: SidePlan;
  readonly decisions: readonly Decision[];
}
