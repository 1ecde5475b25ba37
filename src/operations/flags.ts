/**
 * Setting and clearing flags and keywords (RFC 9051 section 6.4.6).
 */
import { changeFlags, parseFlags } from "../model/flags.ts";
import type { LiveRecord } from "../model/record.ts";
import type { MailboxStore } from "../store/store.ts";
import { atMailbox } from "./at-mailbox.ts";
import { changeRecords } from "./change-records.ts";
import { requireMailbox } from "./lookup.ts";
import type { UidSet } from "./uid-set.ts";

export interface FlagEdit {
  /** Names of flags and keywords to set. */
  readonly add?: readonly string[];
  /** To clear. */
  readonly remove?: readonly string[];
}

/**
 * Changes flags of messages under one new modseq and returns how many messages changed. UIDs that are not there are
 * passed over; if no message changes, nothing is written.
 * @throws TandemError `not-found`, `invalid-argument` for an impossible flag, `io`.
 */
export async function storeFlags(
  store: MailboxStore,
  account: string,
  mailboxName: string,
  uids: UidSet,
  { add = [], remove = [] }: FlagEdit,
): Promise<number> {
  const set = parseFlags(add);
  const clear = parseFlags(remove);
  const edit = (record: LiveRecord, modseq: number) => changeFlags(record, set, clear, modseq);
  return atMailbox(store, account, await requireMailbox(store, account, mailboxName), ({ entry: { mailboxId } }) =>
    changeRecords(store, { account, mailboxId, uids, edit }),
  );
}
