/**
 * Finding the mailbox an operation is about, and the counters it goes on from.
 */
import { TandemError } from "../model/errors.ts";
import { checkedName } from "../model/mailbox.ts";
import { checkedModseq } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import type { Mailbox, MailboxStore } from "../store/store.ts";

/** The mailbox that has this name now. @throws TandemError `not-found` or `invalid-argument`. */
export async function requireMailbox(store: MailboxStore, account: string, name: string): Promise<Mailbox> {
  const mailbox = await store.mailboxNamed(account, checkedName(name));
  if (mailbox !== null) return mailbox;
  const [what, whose] = [JSON.stringify(name), JSON.stringify(account)];
  throw new TandemError("not-found", `Account ${whose} has no mailbox ${what}; create it first.`);
}

/** The modseq of the next change of a mailbox. @throws TandemError `limit` if there is none. */
export function nextModseq(state: MailboxState): number {
  return checkedModseq(state.highestModseq + 1);
}
