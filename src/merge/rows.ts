/**
 * The merge rule as a table: what each side holds under one UID, and the row that decides it.
 *
 * `protocol/merge-rule.md` has the text of the rows, with the scenarios they prevent; a test keeps both equal.
 */
import type { IndexRecord } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import { sameRecord } from "./equal.ts";

export const ROW_IDS = ["M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09", "M10", "M11"] as const;

export type RowId = (typeof ROW_IDS)[number];

/**
 * What a side holds under one UID.
 * `unchanged`: in a delta, the record both sides had at the base; `below`: no record, and its clients know that;
 * `above`: no record yet, the UID is not below its uidNext.
 */
export type Holding = "live" | "tombstone" | "unchanged" | "below" | "above";

/** What the rows look at: one UID, both sides. */
export interface Slot {
  readonly uid: number;
  readonly left: IndexRecord | null;
  readonly right: IndexRecord | null;
}

/** What the rows need to know of the two mailboxes. */
export interface Circumstances {
  readonly left: MailboxState;
  readonly right: MailboxState;
  readonly base: MailboxState | null;
  readonly delta: boolean;
}

type Cell = RowId | ((slot: Slot, given: Circumstances) => RowId | null) | null;

const liveAndLive = ({ left, right }: Slot): RowId => {
  if (left === null || right === null || left.expunged || right.expunged) return "M05";
  if (left.guid !== right.guid) return "M05";
  return sameRecord(left, right) ? "M01" : "M02";
};

const liveAndTombstone = ({ uid, left, right }: Slot, given: Circumstances): RowId => {
  const [live, dead] = left !== null && !left.expunged ? [left, right] : [right, left];
  if (live === null || live.expunged || dead === null || !dead.expunged) return "M06";
  if (dead.graves.some((grave) => grave.guid === live.guid)) return "M03";
  return wasExpunged({ uid, left, right }, given) ? "M08" : "M06";
};

const liveAndBelow = (slot: Slot, given: Circumstances): RowId => (wasExpunged(slot, given) ? "M08" : "M09");

/**
 * True if the message was on both sides at the base and the side without it has purged tombstones since: then it was
 * expunged there, also where the UID has another tombstone by now, from a meeting with a third node. Without that proof
 * it is kept.
 */
function wasExpunged({ uid, left }: Slot, { left: leftState, right: rightState, base }: Circumstances): boolean {
  const other = left === null || left.expunged ? leftState : rightState;
  return base !== null && uid < base.uidNext && other.purgedModseq > base.highestModseq;
}

/**
 * The complete table: a missing cell does not compile. `null`: nothing is held on either side, nothing to decide.
 * Symmetric, since neither side is favoured (P10).
 */
export const MERGE_TABLE: Record<Holding, Record<Holding, Cell>> = {
  live: { live: liveAndLive, tombstone: liveAndTombstone, unchanged: "M11", below: liveAndBelow, above: "M07" },
  tombstone: { live: liveAndTombstone, tombstone: "M04", unchanged: "M11", below: "M10", above: "M10" },
  unchanged: { live: "M11", tombstone: "M11", unchanged: null, below: null, above: null },
  below: { live: liveAndBelow, tombstone: "M10", unchanged: null, below: null, above: null },
  above: { live: "M07", tombstone: "M10", unchanged: null, below: null, above: null },
};

/** The row that decides a UID, or null if neither side holds anything. */
export function rowFor(slot: Slot, given: Circumstances): RowId | null {
  const left = holding(slot.uid, slot.left, given.left, given);
  const right = holding(slot.uid, slot.right, given.right, given);
  const cell = MERGE_TABLE[left][right];
  return typeof cell === "function" ? cell(slot, given) : cell;
}

function holding(uid: number, record: IndexRecord | null, side: MailboxState, given: Circumstances): Holding {
  if (record !== null) return record.expunged ? "tombstone" : "live";
  if (given.delta && given.base !== null && uid < given.base.uidNext) return "unchanged";
  return uid < side.uidNext ? "below" : "above";
}
