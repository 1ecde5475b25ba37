/**
 * Setting, clearing and replacing flags and keywords (RFC 9051 section 6.4.6), also on condition (RFC 7162 section 3.1.3).
 */
import { TandemError } from "../model/errors.ts";
import { changeFlags, namesMissing, parseFlags } from "../model/flags.ts";
import { type LiveRecord, MAX_MODSEQ } from "../model/record.ts";
import type { MailboxStore } from "../store/store.ts";
import { atMailbox } from "./at-mailbox.ts";
import { changeRecords } from "./change-records.ts";
import { requireMailbox } from "./lookup.ts";
import type { UidSet } from "./uid-set.ts";

/** What to do with the flags of a message: `add` and `remove`, or `replace` alone. */
export interface FlagEdit {
  /** Names of flags and keywords to set. */
  readonly add?: readonly string[];
  /** To clear. */
  readonly remove?: readonly string[];
  /** To set, while all others are cleared. */
  readonly replace?: readonly string[];
  /**
   * Leave messages alone whose modseq is above this one (IMAP: UNCHANGEDSINCE): somebody changed them since the client looked.
   * An integer, 0 or more; no message is unchanged since 0.
   */
  readonly unchangedSince?: number;
}

export interface StoredFlags {
  /** How many messages changed. */
  readonly changed: number;
  /** The modseq that all of these have now; null if none changed. */
  readonly modseq: number | null;
  /** UIDs of messages that were left alone because of `unchangedSince`, ascending (IMAP: MODIFIED). */
  readonly modified: readonly number[];
}

/**
 * Changes flags of messages under one new modseq. UIDs that are not there are passed over; if no message changes, nothing
 * is written. Whether a message is unchanged is decided in the transaction that changes it.
 * @throws TandemError `not-found`, `invalid-argument` for an impossible flag, modseq or combination, `limit`, `io`.
 */
export async function storeFlags(
  store: MailboxStore,
  account: string,
  mailboxName: string,
  uids: UidSet,
  edit: FlagEdit,
): Promise<StoredFlags> {
  const change = changeOf(edit);
  const since = checkedSince(edit.unchangedSince);
  const found = await requireMailbox(store, account, mailboxName);
  return atMailbox(store, account, found, async ({ entry: { mailboxId } }) => {
    const modified: number[] = [];
    let used: number | null = null;
    const changed = await changeRecords(store, { account, mailboxId, uids, edit: changeUnlessNewer });
    return changed === "conflict" ? changed : { changed, modseq: used, modified };

    function changeUnlessNewer(record: LiveRecord, modseq: number): LiveRecord {
      if (record.modseq > since) {
        modified.push(record.uid);
        return record;
      }
      const next = change(record, modseq);
      if (next !== record) used = modseq;
      return next;
    }
  });
}

/** The same record if nothing of it changes. */
type Change = (record: LiveRecord, modseq: number) => LiveRecord;

function changeOf({ add, remove, replace }: FlagEdit): Change {
  if (replace === undefined) {
    const [set, clear] = [parseFlags(add ?? []), parseFlags(remove ?? [])];
    return (record, modseq) => changeFlags(record, set, clear, modseq);
  }
  if (add !== undefined || remove !== undefined)
    throw new TandemError("invalid-argument", "Flags are replaced, or added and removed; not both in one edit.");
  const wanted = parseFlags(replace);
  return (record, modseq) => changeFlags(record, wanted, parseFlags(namesMissing(record, wanted)), modseq);
}

/** Without a condition every message is unchanged. */
function checkedSince(unchangedSince = MAX_MODSEQ): number {
  if (Number.isSafeInteger(unchangedSince) && unchangedSince >= 0) return unchangedSince;
  throw new TandemError(
    "invalid-argument",
    `The modseq ${unchangedSince} is not an integer of 0 or more; give another.`,
  );
}
