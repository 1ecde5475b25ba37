/**
 * Which messages are on their way to a peer, so that a body needed by several mailboxes crosses once (scenario 4).
 *
 * A message is forgotten once every frame of records that was sent before it has been answered: from then on the peer
 * knows that it has it. So the list stays as short as what is in flight, however large the mailbox.
 */
interface Sending {
  /** Resolves to false if the message could not be read. */
  readonly done: Promise<boolean>;
  finish: (sent: boolean) => void;
  /** Number of the last frame of records sent before the message was; Infinity while it is being sent. */
  after: number;
}

export class SentBodies {
  readonly #sending = new Map<string, Sending>();
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
    const oldest = this.#unanswered.values().next().value ?? Number.POSITIVE_INFINITY;
    for (const [guid, sending] of this.#sending) {
      if (sending.after >= oldest) return;
      this.#sending.delete(guid);
    }
  }

  /** Splits what is lacking into what the caller has to send, and what is on its way for someone else. */
  claim(guids: readonly string[]): { mine: string[]; others: Promise<boolean>[] } {
    const mine: string[] = [];
    const others: Promise<boolean>[] = [];
    for (const guid of new Set(guids)) {
      const sending = this.#sending.get(guid);
      if (sending !== undefined) others.push(sending.done);
      else mine.push(guid);
    }
    for (const guid of mine) this.#sending.set(guid, newSending());
    return { mine, others };
  }

  /** A claimed message was sent, or could not be. */
  settle(guid: string, sent: boolean): void {
    const sending = this.#sending.get(guid);
    if (sending === undefined) return;
    sending.after = this.#frames;
    sending.finish(sent);
    // Moved to the end, so that the map stays in the order of `after`.
    this.#sending.delete(guid);
    if (sent) this.#sending.set(guid, sending);
  }
}

function newSending(): Sending {
  let finish: (sent: boolean) => void = () => undefined;
  const done = new Promise<boolean>((resolve) => {
    finish = resolve;
  });
  return { done, finish, after: Number.POSITIVE_INFINITY };
}
