/**
 * The mass-deletion brake: stops a plan that would expunge most of an account because something is gone elsewhere.
 *
 * An absent store, a wrong backup or a script gone wild looks just like a user who deleted everything.
 */
import { TandemError } from "../model/errors.ts";

/** Expunging up to this many messages of an account in one sync is never stopped. */
export const BRAKE_MESSAGES = 100;
/** Above that, expunging more than this share of the account's messages is. */
export const BRAKE_SHARE = 0.5;

export class Brake {
  readonly #allowed: boolean;
  readonly #totals: (account: string) => Promise<number>;
  readonly #expunged = new Map<string, number>();

  /** @param totals how many live messages the account has on the side that has more. */
  constructor(allowed: boolean, totals: (account: string) => Promise<number>) {
    this.#allowed = allowed;
    this.#totals = totals;
  }

  /** Counts what a plan expunges because it is gone elsewhere (M08, T03, mirror). @throws TandemError `brake`. */
  async count(account: string, messages: number): Promise<void> {
    if (messages === 0) return;
    const sum = (this.#expunged.get(account) ?? 0) + messages;
    if (!this.#allowed && sum > BRAKE_MESSAGES) {
      const total = await this.#totals(account);
      if (sum > BRAKE_SHARE * total) throw stopped(account, sum, total);
    }
    this.#expunged.set(account, sum);
  }
}

function stopped(account: string, sum: number, total: number): TandemError {
  const what = `This would expunge ${sum} of the ${total} messages of account ${JSON.stringify(account)}`;
  const hint = "if that is meant, run it again with --allow-mass-deletion";
  return new TandemError("brake", `${what}, because they are gone on the other side; nothing was expunged, ${hint}.`);
}
