/**
 * A mailbox in an account as a key of maps and sets.
 */
import type { MailboxPlace } from "../store.ts";

/** Different for each place: ids have no NUL. */
export function placeKey({ account, mailboxId }: MailboxPlace): string {
  return `${mailboxId}\0${account}`;
}
