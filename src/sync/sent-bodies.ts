/**
 * Which messages are on their way to a peer, so that a body needed by several mailboxes crosses once (scenario 4).
 *
 * A message is forgotten once every frame of records that was sent before it has been answered: from then on the peer
 * knows that it has it. So the list stays as short as what is in flight, however large the mailbox.
 */

/** Messages that one change sends together. */
export interface Sending {
  readonly guids: readonly string[];
  /** Resolves to those that could not be sent. */
  readonly failed: Promise<ReadonlySet<string>>;
  readonly finish: (failed: ReadonlySet<string>) => void;
  /** Number of the last frame of records sent before the messages were. */
  after: number;
}

export class SentBodies {
  readonly #sending = new Map<string, Sending>();
  /** What was sent, in the order of `after`. */
  readonly #sent: Sending[] = [];
  readonly #unanswered = new Set<number>();
  #frames = 0;

  /** A frame of records goes out; returns its number. */
  frameSent(): number {
    this.#unanswered.add(++this.#frames);
    return this.#frames;
  }

  /** The peer said what it lacks of that frame. */
  frameAnswered(frame: number): void {
    this.#unanswered.delete(frame);
    this.#forgetKnown();
  }

  /** Forgets at once where no frame is unanswered: a message that the peer could not write must be sent again (scenario 54). */
  #forgetKnown(): void {
    const oldest = this.#unanswered.values().next().value ?? Number.POSITIVE_INFINITY;
    for (let sending = this.#sent[0]; sending !== undefined && sending.after < oldest; sending = this.#sent[0]) {
      this.#sent.shift();
      for (const guid of sending.guids) this.#forget(guid, sending);
    }
  }

  /** Splits what is lacking into what the caller has to send, and what is on its way for someone else. */
  claim(guids: readonly string[]): { mine: Sending; others: Promise<boolean>[] } {
    const others: Promise<boolean>[] = [];
    const free: string[] = [];
    const mine = newSending(free);
    for (const guid of guids) {
      const sending = this.#sending.get(guid);
      if (sending === mine) continue;
      if (sending !== undefined) others.push(sending.failed.then((failed) => !failed.has(guid)));
      else {
        free.push(guid);
        this.#sending.set(guid, mine);
      }
    }
    return { mine, others };
  }

  /** What was claimed is sent, except those that could not be. */
  settle(sending: Sending, failed: ReadonlySet<string>): void {
    for (const guid of failed) this.#forget(guid, sending);
    sending.after = this.#frames;
    this.#sent.push(sending);
    sending.finish(failed);
    this.#forgetKnown();
  }

  #forget(guid: string, sending: Sending): void {
    if (this.#sending.get(guid) === sending) this.#sending.delete(guid);
  }
}

function newSending(guids: readonly string[]): Sending {
  let finish: (failed: ReadonlySet<string>) => void = () => undefined;
  const failed = new Promise<ReadonlySet<string>>((resolve) => {
    finish = resolve;
  });
  return { guids, failed, finish, after: 0 };
}
