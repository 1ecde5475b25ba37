/**
 * What the tree rule works on and decides: values that can be printed, tested and applied.
 */
import type { MailboxEntry } from "../model/mailbox.ts";
import type { MailboxState } from "../model/state.ts";

/** Ids of the rows for the tree; `protocol/merge-rule.md` has their text, a test keeps both equal. */
export const TREE_ROW_IDS = ["T01", "T02", "T03", "T04", "T05", "T06", "T07"] as const;
export type TreeRowId = (typeof TREE_ROW_IDS)[number];

/** A mailbox as the tree rule sees it. */
export interface TreeMailbox {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
}

export interface Tree {
  readonly modseq: number;
  readonly mailboxes: readonly TreeMailbox[];
}

/** A mailbox of one or both sides. `together`: its entry has to change in one transaction with its records. */
export interface TreePair {
  readonly left: TreeMailbox | null;
  readonly right: TreeMailbox | null;
  readonly together: boolean;
}

export interface TreeEntryPut {
  readonly entry: MailboxEntry;
  readonly uidValidity: number;
}

export interface TreeDecision {
  readonly row: TreeRowId;
  readonly mailboxId: string;
  readonly name: string;
  readonly reason: string;
}

export interface TreePlan {
  /** Entries each side has to write. */
  readonly left: readonly TreeEntryPut[];
  readonly right: readonly TreeEntryPut[];
  /** Tree modseq of both sides afterwards. */
  readonly modseq: number;
  /** All mailboxes, matched; sorted by the left (else right) mailboxId. */
  readonly pairs: readonly TreePair[];
  readonly decisions: readonly TreeDecision[];
  /** Mailboxes that this exchange leaves alone. All others go on. */
  readonly stranded: readonly Stranded[];
}

/**
 * A mailbox that only one side has, while the other side knows its identity as an alias of a mailbox that both have (T05
 * happened there with a third node). The side that has both must make one of them.
 */
export interface Stranded {
  readonly side: "left" | "right";
  readonly mailboxId: string;
  readonly name: string;
  /** Id, on that side, of the mailbox it is one with. */
  readonly into: string;
}
