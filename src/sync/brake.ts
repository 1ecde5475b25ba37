/**
 * The mass-deletion brake: stops a plan that would take most of an account away because something is gone elsewhere.
 *
 * An absent store, a wrong backup or a script gone wild looks just like a user who deleted everything. Tombstones are
 * something else: somebody expunged these messages, so they go through, however many.
 */
import { TandemError } from "../model/errors.ts";

/** Expunging up to this many messages of an account in one sync is never stopped. */
export const BRAKE_MESSAGES = 100;
/** Above that, expunging more than this share of the account's messages is. */
export const BRAKE_SHARE = 0.5;

export interface BrakeSettings {
  /** Stop nothing. */
  readonly allowed: boolean;
  /** How many live messages the account has on the side that has more. */
  readonly totals: (account: string) => Promise<number>;
  /** How a plan that is stopped can be let through: a clause that ends the message. */
  readonly advice: string;
}

export class Brake {
  readonly #settings: BrakeSettings;
  /** By account and mailbox. */
  readonly #expunged = new Map<string, Map<string, number>>();

  constructor(settings: BrakeSettings) {
    this.#settings = settings;
  }

  /**
   * Counts what a plan for a mailbox expunges because it is gone elsewhere (M08, T03, mirror); a plan made anew takes the
   * place of the one before.
   * @throws TandemError `brake`.
   */
  async count(account: string, mailboxId: string, messages: number): Promise<void> {
    const known = this.#expunged.get(account) ?? new Map<string, number>();
    const others = [...known].reduce((sum, [id, expunged]) => (id === mailboxId ? sum : sum + expunged), 0);
    const { allowed, totals, advice } = this.#settings;
    const sum = others + messages;
    if (!allowed && messages > 0 && sum > BRAKE_MESSAGES) {
      const total = await totals(account);
      if (sum > BRAKE_SHARE * total) throw stopped(account, sum, total, advice);
    }
    this.#expunged.set(account, known.set(mailboxId, messages));
  }
}

function stopped(account: string, sum: number, total: number, advice: string): TandemError {
  const what = `This would expunge ${sum} of the ${total} messages of account ${JSON.stringify(account)}`;
  return new TandemError(
    "brake",
    `${what}, because the other side lacks them; nothing was expunged, and if that is meant, ${advice}.`,
  );
}
