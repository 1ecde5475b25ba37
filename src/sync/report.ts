/**
 * What one sync is asked to do, what it tells meanwhile, and what it counts.
 */
import type { Decision } from "../merge/plan.ts";
import type { Stranded, TreeDecision } from "../merge/tree-plan.ts";
import { type ErrorCode, isTandemError, TandemError } from "../model/errors.ts";

/**
 * `both`: each side gets what the other has. `one-way`: the left side is never written; a mailbox in which the right
 * side has something of its own is refused. `mirror`: the right side becomes exactly the left one.
 */
export type Direction = "both" | "one-way" | "mirror";

export interface SyncOptions {
  /** Only this account; null: all. */
  readonly account: string | null;
  /** Only mailboxes of this name (on either side); null: all. */
  readonly mailbox: string | null;
  readonly direction: Direction;
  /** Decide everything, write nothing. */
  readonly dryRun: boolean;
  /** Compare whole mailboxes even where the digests agree. */
  readonly full: boolean;
  /** Let a plan through that the mass-deletion brake would stop. */
  readonly allowMassDeletion: boolean;
  /** Told of every decision; asking for it makes every mailbox go through the merge rule. */
  readonly onDecision?: (decision: ReportedDecision) => void;
  readonly onProgress?: (progress: Progress) => void;
  readonly onIssue?: (issue: SyncIssue) => void;
}

/** A decision with the mailbox it is about; `row` is one of the merge rule's (M01..) or of the tree's (T01..). */
export interface ReportedDecision {
  readonly account: string;
  readonly mailbox: string;
  readonly row: string;
  readonly uid?: number;
  readonly newUid?: number;
  readonly guid?: string;
  readonly reason: string;
}

export interface Progress {
  readonly mailboxesDone: number;
  readonly mailboxesTotal: number;
  readonly records: number;
  readonly bodies: number;
}

/** What kept one mailbox, or one message, from converging. */
export interface SyncIssue {
  readonly account: string;
  readonly mailbox: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Counted over the whole sync; "sent" is from the left side to the right one. */
export interface SyncCounts {
  /** Mailboxes compared. */
  mailboxes: number;
  recordsSent: number;
  recordsReceived: number;
  bodiesSent: number;
  bodiesReceived: number;
  renumbered: number;
  expunged: number;
  flagsMerged: number;
  fullResyncs: number;
  errors: number;
}

export class SyncReport {
  readonly counts: SyncCounts = {
    mailboxes: 0,
    recordsSent: 0,
    recordsReceived: 0,
    bodiesSent: 0,
    bodiesReceived: 0,
    renumbered: 0,
    expunged: 0,
    flagsMerged: 0,
    fullResyncs: 0,
    errors: 0,
  };
  readonly issues: SyncIssue[] = [];
  readonly strandedMailboxes: Stranded[] = [];
  readonly #options: SyncOptions;
  #total = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** True if every decision has to be made by the rule, so that it can be told. */
  get explains(): boolean {
    return this.#options.onDecision !== undefined || this.#options.dryRun;
  }

  expect(mailboxes: number): void {
    this.#total += mailboxes;
    this.#progress();
  }

  mailboxDone(): void {
    this.counts.mailboxes++;
    this.#progress();
  }

  /** @param to the side that was written. */
  transferred(to: "left" | "right", records: number, bodies: number): void {
    this.counts[to === "right" ? "recordsSent" : "recordsReceived"] += records;
    this.counts[to === "right" ? "bodiesSent" : "bodiesReceived"] += bodies;
    this.#progress();
  }

  decided(account: string, mailbox: string, decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.newUid !== undefined) this.counts.renumbered++;
      else if (decision.row === "M03" || decision.row === "M08") this.counts.expunged++;
      else if (decision.row === "M02") this.counts.flagsMerged++;
      this.#options.onDecision?.({ account, mailbox, ...decision });
    }
  }

  treeDecided(account: string, decisions: readonly TreeDecision[]): void {
    for (const { row, name, reason } of decisions) this.#options.onDecision?.({ account, mailbox: name, row, reason });
  }

  issue(account: string, mailbox: string, error: unknown): void {
    const code = isTandemError(error) ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    const issue = { account, mailbox, code, message };
    this.issues.push(issue);
    this.counts.errors++;
    this.#options.onIssue?.(issue);
  }

  /** A mailbox that has to be made one with another on the side that has both. */
  stranded(account: string, one: Stranded): void {
    this.strandedMailboxes.push(one);
    const what = `Mailbox ${JSON.stringify(one.name)} is one with another mailbox on the other side, which this side has too`;
    const hint = "move its messages into that one and delete it, or let two daemons replicate, which do it";
    this.issue(account, one.name, new TandemError("exists", `${what}; ${hint}.`));
  }

  #progress(): void {
    const { mailboxes, recordsSent, recordsReceived, bodiesSent, bodiesReceived } = this.counts;
    this.#options.onProgress?.({
      mailboxesDone: mailboxes,
      mailboxesTotal: this.#total,
      records: recordsSent + recordsReceived,
      bodies: bodiesSent + bodiesReceived,
    });
  }
}
