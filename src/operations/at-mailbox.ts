/**
 * The frame of an operation on one mailbox: in turn with others of this process, and anew after each conflict.
 */
import { inTurn } from "../store/shared/turns.ts";
import type { Mailbox, MailboxStore } from "../store/store.ts";
import { requireMailbox } from "./lookup.ts";
import { untilApplied } from "./retry.ts";

/**
 * Attempts an operation until it is no "conflict".
 * @param found the mailbox of this name as it was a moment ago; looked up anew if it may have changed since.
 * @throws TandemError `not-found` if it is gone, and whatever `attempt` throws.
 */
export function atMailbox<T>(
  store: MailboxStore,
  account: string,
  found: Mailbox,
  attempt: (mailbox: Mailbox) => Promise<T | "conflict">,
): Promise<T> {
  const { mailboxId, name } = found.entry;
  return inTurn(store, account, mailboxId, (waited) => {
    let known = waited ? null : found;
    return untilApplied(async () => {
      const mailbox = known ?? (await requireMailbox(store, account, name));
      known = null;
      return attempt(mailbox);
    });
  });
}
