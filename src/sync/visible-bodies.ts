/**
 * Which messages a peer that is limited to some accounts may know of: those of live records it may see, and those it sent.
 *
 * Messages are kept and asked for by their hash, whatever account they are in. Without this list, whoever knows a hash could
 * fetch the message of somebody else, or learn that it is here.
 */
import type { RecordBatch } from "../model/batch.ts";
import { decodeBodies } from "../model/batch-bodies.ts";
import { isTandemError } from "../model/errors.ts";
import { bodyMissing } from "../store/shared/errors.ts";
import type { AccountTree, MailboxSnapshot } from "../store/store.ts";

/** The part of a store that the peer may see. */
export interface VisibleAccounts {
  accounts(): Promise<string[]>;
  tree(account: string): Promise<AccountTree>;
  snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot>;
}

/** Bytes of each GUID that are kept: nobody finds a second message with the same 128 bits. */
const KEPT_BYTES = 16;

export class VisibleBodies {
  readonly #store: VisibleAccounts;
  readonly #known = new Set<string>();
  /** Highest modseq up to which a mailbox's records are listed, by account, id and uidValidity. */
  readonly #listed = new Map<string, number>();

  constructor(store: VisibleAccounts) {
    this.#store = store;
  }

  /** Messages that the peer has sent, or whose records it is shown. */
  add(guids: readonly string[]): void {
    for (const guid of guids) this.#known.add(short(guid));
  }

  addRecords(batches: readonly RecordBatch[]): void {
    for (const batch of batches) for (const { guid } of decodeBodies(batch.bytes)) this.#known.add(short(guid));
  }

  /** For each message whether the peer may know of it. Reads what changed in its accounts only if one is not known yet. */
  async has(guids: readonly string[]): Promise<boolean[]> {
    if (!guids.every((guid) => this.#known.has(short(guid)))) await this.#list();
    return guids.map((guid) => this.#known.has(short(guid)));
  }

  /**
   * The batches as they are; whoever iterates fails at a live record of a message the peer may not know of.
   * @throws TandemError `body-missing`, while it is iterated.
   */
  *checked(batches: Iterable<RecordBatch>): Generator<RecordBatch> {
    for (const batch of batches) {
      const strange = decodeBodies(batch.bytes).find(({ guid }) => !this.#known.has(short(guid)));
      if (strange !== undefined) throw bodyMissing(strange.guid);
      yield batch;
    }
  }

  async #list(): Promise<void> {
    for (const account of await this.#store.accounts())
      for (const { entry, state } of (await this.#store.tree(account)).mailboxes) {
        const key = JSON.stringify([account, entry.mailboxId, state.uidValidity]);
        const since = this.#listed.get(key) ?? 0;
        if (state.highestModseq > since && state.digest.count > 0)
          await this.#listMailbox(account, entry.mailboxId, since);
        this.#listed.set(key, Math.max(since, state.highestModseq));
      }
  }

  async #listMailbox(account: string, mailboxId: string, sinceModseq: number): Promise<void> {
    try {
      const snapshot = await this.#store.snapshot(account, mailboxId);
      try {
        for await (const page of snapshot.scan({ sinceModseq })) this.addRecords(page);
      } finally {
        await snapshot.close();
      }
    } catch (error) {
      // It was deleted or got another identity meanwhile.
      if (!isTandemError(error, "not-found")) throw error;
    }
  }
}

function short(guid: string): string {
  return Buffer.from(guid, "hex").toString("latin1", 0, KEPT_BYTES);
}
