/**
 * One side of an exchange: a store here, or one behind a connection. The exchange knows nothing else of a side.
 */
import type { SurveyedMailbox } from "../../protocol/shapes.ts";
import type { RecordBatch } from "../model/batch.ts";
import type { IndexRecord } from "../model/record.ts";
import type { AgreedState, Cursor, MailboxDigest, MailboxState } from "../model/state.ts";
import type { EntryChange, Mailbox, Outcome, TreeChange } from "../store/store.ts";

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
}

export interface SurveyRequest {
  readonly account: string | null;
  /** Digest of the asking side's cursors, or null if there are none to compare with. */
  readonly base: Uint8Array | null;
  readonly complete: boolean;
  /** Bytes of changed records the answer may carry along, so that a small change needs no round trip of its own. */
  readonly inlineBytes: number;
}

/** Records read from one snapshot of a mailbox. Must be closed. */
export interface Pull {
  readonly mailbox: Mailbox;
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
  survey(request: SurveyRequest): Promise<Survey>;
  /** @throws TandemError `not-found`. */
  pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull>;
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
  /** Saves cursors for states this side is in and the other is known to be in; returns how many fitted. */
  agree(rows: readonly Agreement[]): Promise<number>;
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
  /** Messages whose bytes are missing, damaged, or do not fit their GUID; the first some thousand of them. */
  readonly unreadable: readonly string[];
  readonly unreadableCount: number;
}
