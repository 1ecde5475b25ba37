/**
 * Expunging messages (RFC 9051 section 6.4.3, by UID as in UID EXPUNGE).
 */
import { tombstoneOf } from "../model/record.ts";
import type { MailboxStore } from "../store/store.ts";
import { atMailbox } from "./at-mailbox.ts";
import { changeRecords } from "./change-records.ts";
import { requireMailbox } from "./lookup.ts";
import type { UidSet } from "./uid-set.ts";

/**
 * Expunges messages, whatever their flags, under one new modseq and returns how many. UIDs that are not there are
 * passed over.
 * @throws TandemError `not-found`, `io`.
 */
export async function expungeMessages(
  store: MailboxStore,
  account: string,
  mailboxName: string,
  uids: UidSet,
): Promise<number> {
  return atMailbox(store, account, await requireMailbox(store, account, mailboxName), ({ entry: { mailboxId } }) =>
    changeRecords(store, { account, mailboxId, uids, edit: tombstoneOf }),
  );
}
