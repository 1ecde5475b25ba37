/**
 * Mailboxes that peers are bringing something to right now: what is on its way need not be fetched as well.
 */
import { placeKey } from "../store/shared/place-key.ts";
import type { MailboxPlace } from "../store/store.ts";

export class OpenPlaces {
  readonly #open = new Map<string, number>();

  has(place: MailboxPlace): boolean {
    return this.#open.has(placeKey(place));
  }

  /** Something comes in for a mailbox, until the returned function is called. */
  begin(place: MailboxPlace): () => void {
    const key = placeKey(place);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }
}
