/**
 * Faults of a node's own store: found, told of, and corrected where nobody else is needed. They are no differences between
 * nodes, and what repairs them is no change.
 */
import type { ErrorCode } from "../model/errors.ts";
import { formatDigest, type MailboxDigest, sameDigest } from "../model/state.ts";
import type { Examination, MailboxStore } from "../store/store.ts";

/** One fault. Its message names account, mailbox, and what was found instead of what. */
export interface LocalFault {
  readonly account: string;
  readonly mailboxId: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly isRepaired: boolean;
}

export type OnFault = (fault: LocalFault) => void;

/** Attempts at a mailbox that is written to meanwhile. */
const ATTEMPTS = 5;

/**
 * Recomputes the stored sums of a mailbox from its records and corrects them if they are wrong: before it is compared as a
 * whole, so that a wrong sum is not taken for a difference. Damaged records are left to whoever reads them.
 * @returns what was found last.
 * @throws TandemError `not-found`.
 */
export async function checkDigest(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  onFault: OnFault,
): Promise<Examination> {
  for (let attempt = 1; ; attempt++) {
    const snapshot = await store.snapshot(account, mailboxId);
    try {
      const { state, entry } = snapshot;
      const found = await snapshot.examine();
      const isSound = found.wrongSums === 0 && sameDigest(found.digest, state.digest);
      if (isSound || found.damaged.length > 0) return found;
      if ((await store.correctDigest(account, mailboxId, state)) === "applied") {
        const message = digestSentence(account, entry.name, state.digest, found);
        onFault({ account, mailboxId: entry.mailboxId, code: "digest-fault", message, isRepaired: true });
        return { ...found, wrongSums: 0 };
      }
      if (attempt >= ATTEMPTS) return found;
    } finally {
      await snapshot.close();
    }
  }
}

function digestSentence(account: string, name: string, stored: MailboxDigest, found: Examination): string {
  const where = `mailbox ${JSON.stringify(name)} of account ${JSON.stringify(account)}`;
  const what = sameDigest(stored, found.digest)
    ? `${found.wrongSums} sums of groups of records in ${where} did not fit`
    : `The stored digest of ${where} was ${inWords(stored)}, its records give ${inWords(found.digest)}`;
  return `${what}; it was corrected, and nothing else was changed.`;
}

function inWords(digest: MailboxDigest): string {
  return `${digest.count} messages with digest ${formatDigest(digest)}`;
}
