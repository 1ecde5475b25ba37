/**
 * A change that arrives in pieces: records are spooled, bodies staged, and at the end all is applied at once.
 *
 * Used by the replica for what its peer sends, and by the master for its own side: one way in for both.
 */
import type { RecordBatch } from "../model/batch.ts";
import { decodeBodies } from "../model/batch-bodies.ts";
import { TandemError } from "../model/errors.ts";
import { sameState } from "../model/state.ts";
import type { BodyWriter, MailboxStore, Outcome, RecordSpool } from "../store/store.ts";
import type { BodyIntake } from "./body-intake.ts";
import type { ChangeHead } from "./peer.ts";

/** Bytes of records kept in memory before they go to a spool: most changes are far smaller. */
const MEMORY_BYTES = 1024 * 1024;

/** A message that must be here before the change can be applied. */
export interface WantedBody {
  readonly guid: string;
  readonly size: number;
}

/** What the records of one frame ask for: all live messages in order, and which of them are lacking. */
export interface Needs {
  readonly live: readonly WantedBody[];
  /** Indexes into `live`. */
  readonly missing: readonly number[];
}

interface OpenPart {
  readonly guid: string;
  readonly writer: BodyWriter;
  written: number;
}

export class IncomingChange {
  readonly #store: MailboxStore;
  readonly #intake: BodyIntake;
  readonly #peer: string;
  readonly #head: ChangeHead;
  readonly #ended: () => void;
  readonly #memory: RecordBatch[] = [];
  #memoryBytes = 0;
  #spool: RecordSpool | null = null;
  #part: OpenPart | null = null;
  #records = 0;
  #bodies = 0;

  /**
   * @param peer where it comes from, and for whom the cursor is saved.
   * @param ended called once it was applied, refused or given up.
   */
  constructor(
    store: MailboxStore,
    intake: BodyIntake,
    peer: string,
    head: ChangeHead,
    ended: () => void = () => undefined,
  ) {
    this.#ended = ended;
    this.#store = store;
    this.#intake = intake;
    this.#peer = peer;
    this.#head = head;
  }

  get head(): ChangeHead {
    return this.#head;
  }

  get records(): number {
    return this.#records;
  }

  /** Messages staged for this change. */
  get bodies(): number {
    return this.#bodies;
  }

  /** Whether the mailbox is still in the state the change was planned on: refused early, before any body travels. */
  async isCurrent(): Promise<boolean> {
    const mailbox = await this.#store.mailbox(this.#head.account, this.#head.mailboxId);
    return mailbox !== null && sameState(mailbox.state, this.#head.before);
  }

  /** Takes records over and says which messages are lacking. @throws TandemError `bad-frame`. */
  async add(batches: readonly RecordBatch[]): Promise<Needs> {
    const live: WantedBody[] = [];
    for (const batch of batches) {
      live.push(...decodeBodies(batch.bytes));
      this.#records += batch.count;
      await this.#keep(batch);
    }
    const missing = await this.#store.missingBodies(live.map(({ guid }) => guid));
    return { live, missing: missing.filter((i) => !this.#intake.has((live[i] as WantedBody).guid)) };
  }

  /** Takes whole messages over. */
  async stage(bodies: readonly Uint8Array[]): Promise<void> {
    this.#bodies += bodies.length;
    await this.#intake.add(bodies);
  }

  /** Stages the next piece of a large message. @throws TandemError `bad-message` if it does not continue the last one. */
  async stagePart(guid: string, size: number, offset: number, bytes: Uint8Array): Promise<void> {
    if (offset === 0) {
      await this.#part?.writer.abort();
      this.#part = { guid, writer: await this.#store.stageLarge(), written: 0 };
    }
    const part = this.#part;
    if (part === null || part.guid !== guid || part.written !== offset)
      throw new TandemError("bad-message", "The peer sent a piece of a message that does not continue the last one.");
    await part.writer.write(bytes);
    part.written += bytes.length;
    if (part.written < size) return;
    this.#part = null;
    this.#bodies++;
    await part.writer.finish();
  }

  /** Applies everything in one transaction. */
  async commit(): Promise<Outcome> {
    const { account, mailboxId, before, after, reset, overrule, entry, cursor } = this.#head;
    try {
      await this.#intake.settle();
      return await this.#store.apply({
        account,
        mailboxId,
        before,
        after,
        records: this.#spool ?? this.#memory,
        reset,
        overrule,
        ...(entry === null ? {} : { entry }),
        ...(cursor === null || this.#peer === this.#store.storeEpoch ? {} : { cursor: { peer: this.#peer, cursor } }),
        origin: this.#peer,
      });
    } finally {
      await this.discard();
    }
  }

  /** Gives the change up. */
  async discard(): Promise<void> {
    this.#ended();
    this.#spool?.dispose();
    this.#spool = null;
    const part = this.#part;
    this.#part = null;
    await part?.writer.abort();
  }

  async #keep(batch: RecordBatch): Promise<void> {
    if (this.#spool === null && this.#memoryBytes + batch.bytes.length > MEMORY_BYTES) {
      this.#spool = await this.#store.openSpool();
      for (const kept of this.#memory.splice(0)) this.#spool.write(kept);
    }
    if (this.#spool !== null) return this.#spool.write(batch);
    this.#memory.push(batch);
    this.#memoryBytes += batch.bytes.length;
  }
}
