/**
 * One side of an exchange: a store here, or one behind a connection. The exchange knows nothing else of a side.
 */
import type { SurveyedMailbox } from "../../protocol/shapes.ts";
import type { RecordBatch } from "../model/batch.ts";
import type { IndexRecord } from "../model/record.ts";
import type { AgreedState, Cursor, MailboxDigest, MailboxState } from "../model/state.ts";
import { placeKey } from "../store/shared/place-key.ts";
import type { EntryChange, MailboxHead, Outcome, TreeChange, UidRange } from "../store/store.ts";

import type { RangeView } from "./range-view.ts";

export type { SurveyedMailbox } from "../../protocol/shapes.ts";

/** What a side has, as far as it was asked. */
export interface Survey {
  /** Digest of the cursors this side holds for the other, 16 bytes; null if it was not asked for. */
  readonly cursors: Uint8Array | null;
  /** Whether it equals the `base` of the request. If not, `mailboxes` holds every mailbox. */
  readonly baseAgrees: boolean;
  readonly trees: readonly { readonly account: string; readonly modseq: number }[];
  /** Those that changed since their cursor, or every one if all were asked for. */
  readonly mailboxes: readonly SurveyedMailbox[];
  /** Of `mailboxes`: those that are the same, but for cursors, as in `known` of the request, by `surveyKey`. Their cursors were not told. */
  readonly same: ReadonlySet<string>;
  /** The side's number for this survey, by which it can be told to save cursors for what is the same; null if it has none. */
  readonly number: number | null;
}

/** A mailbox by its account and id. */
export function surveyKey({ account, entry }: SurveyedMailbox): string {
  return placeKey({ account, mailboxId: entry.mailboxId });
}

export interface SurveyRequest {
  /** Only this account; null: all. */
  readonly account: string | null;
  /** Only the mailbox of this id or alias in that account; null: all. */
  readonly mailboxId: string | null;
  /** Digest of the asking side's cursors, or null if there are none to compare with. */
  readonly base: Uint8Array | null;
  readonly complete: boolean;
  /** Everything that the asking side has: what is the same need not be told. */
  readonly known?: Survey;
  /** Bytes of changed records the answer may carry along, so that a small change needs no round trip of its own. */
  readonly inlineBytes: number;
}

/** Records read from one snapshot of a mailbox. Must be closed. */
export interface Pull {
  readonly mailbox: MailboxHead;
  pages(): AsyncIterable<readonly RecordBatch[]>;
  /** The records under these UIDs on the same snapshot; null if this side cannot look up single records. */
  readonly lookup: ((uids: readonly number[]) => Promise<IndexRecord[]>) | null;
  close(): Promise<void>;
}

/** Bytes of messages on their way. */
export type BodyChunk =
  | { readonly kind: "whole"; readonly bodies: readonly { readonly guid: string; readonly bytes: Uint8Array }[] }
  | {
      readonly kind: "part";
      readonly guid: string;
      readonly size: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "unreadable"; readonly guids: readonly string[] };

/** Where the bytes of messages come from. */
export interface BodySource {
  /** Each message whole, in parts in order, or named as unreadable. */
  fetch(guids: readonly string[]): AsyncIterable<BodyChunk>;
}

/** A change of one mailbox to be made on a side, but for its records. */
export interface ChangeHead {
  readonly account: string;
  readonly mailboxId: string;
  readonly before: MailboxState;
  readonly after: MailboxState;
  readonly reset: boolean;
  readonly overrule: boolean;
  readonly entry: EntryChange | null;
  /** The cursor the side saves with the change, for the side it exchanges with. */
  readonly cursor: Cursor | null;
}

/** What became of a change; `bodies`: how many messages were staged for it. */
export type ChangeResult = { readonly bodies: number } & (
  | { readonly kind: "applied"; readonly records: number }
  /** The mailbox is not as `before` says; what it is now, if the side told. */
  | { readonly kind: "conflict"; readonly mailbox: SurveyedMailbox | null }
  /** Nothing was changed, since the source could not give the bytes of these messages. */
  | { readonly kind: "unreadable"; readonly guids: readonly string[] }
);

/** Whether a change that is ready may be made now. */
export type Gate = () => Promise<boolean>;

export interface Peer extends BodySource {
  readonly storeEpoch: string;
  /**
   * Of a store in this process: does work on a mailbox while no other work of this process on it comes between. Null for a
   * side behind a connection.
   */
  readonly inTurn: (<T>(account: string, mailboxId: string, work: () => Promise<T>) => Promise<T>) | null;
  survey(request: SurveyRequest): Promise<Survey>;
  /**
   * @param sinceModseq 0 for all records as they are stored; null for all, to be compared, behind a digest that is recomputed.
   * @throws TandemError `not-found`.
   */
  pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull>;
  /** @throws TandemError `not-found`, now or at the first answer. */
  ranges(account: string, mailboxId: string): Promise<RangeView>;
  /**
   * Stages the bodies the side lacks, then makes the change in one transaction.
   * @param gate asked once all bodies are here: the change is only made if it says true, else the result is a conflict.
   * @throws TandemError.
   */
  change(
    head: ChangeHead,
    records: AsyncIterable<readonly RecordBatch[]>,
    source: BodySource,
    gate?: Gate,
  ): Promise<ChangeResult>;
  tree(change: TreeChange): Promise<Outcome>;
  /**
   * Saves cursors for states this side is or was in and the other is known to have been in; returns how many fitted.
   * @param survey number of the last survey: also for what it found to be the same.
   */
  agree(rows: readonly Agreement[], survey?: number | null): Promise<number>;
  audit(account: string, mailboxId: string): Promise<Audit>;
  /** The other side's store epoch, for whom cursors are saved. */
  readonly counterpart: string;
}

export interface Agreement {
  readonly account: string;
  readonly mailboxId: string;
  readonly latest: AgreedState;
}

/** What a deep check of one mailbox found. */
export interface Audit {
  /** As it is stored. */
  readonly state: MailboxState;
  /** Recomputed from the records. */
  readonly digest: MailboxDigest;
  /** Where records are damaged, and how many sums of groups of them do not fit; of a store in this process only. */
  readonly damaged: readonly UidRange[];
  readonly wrongSums: number;
  /** Messages whose bytes are missing, damaged, or do not fit their GUID; the first some thousand of them. */
  readonly unreadable: readonly string[];
  readonly unreadableCount: number;
}
