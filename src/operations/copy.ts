/**
 * Copying and moving messages between mailboxes of one account (RFC 9051 sections 6.4.7 and 6.4.8).
 */
import { isTandemError } from "../model/errors.ts";
import type { LiveRecord } from "../model/record.ts";
import type { MailboxStore } from "../store/store.ts";
import { appendDrafts } from "./append.ts";
import { liveRecords } from "./change-records.ts";
import { expungeMessages } from "./expunge.ts";
import { requireMailbox } from "./lookup.ts";
import { untilApplied } from "./retry.ts";
import { type UidSet, uidSetOf } from "./uid-set.ts";

/** A message's UID where it was, and where its copy is. */
export interface CopiedUid {
  readonly from: number;
  readonly to: number;
}

/**
 * Copies messages, with their flags and dates, in one change of the target. UIDs that are not there are passed over.
 * @throws TandemError `not-found`, `limit`, `io`.
 */
export async function copyMessages(
  store: MailboxStore,
  account: string,
  fromName: string,
  uids: UidSet,
  toName: string,
): Promise<CopiedUid[]> {
  return untilApplied(async () => {
    const target = await requireMailbox(store, account, toName);
    const records = await readRecords(store, account, fromName, uids);
    try {
      const copies = await appendDrafts(store, account, target, records);
      return copies === "conflict" ? copies : records.map(({ uid }, i) => ({ from: uid, to: copies[i] as number }));
    } catch (error) {
      // Expunged and compacted since it was read: what is there now is copied.
      if (isTandemError(error, "body-missing")) return "conflict";
      throw error;
    }
  });
}

/**
 * Moves messages: copies them, then expunges the originals. Two changes: whoever looks in between, and a process killed
 * in between, leaves the messages in both mailboxes, never in none (P6).
 * @throws TandemError as `copyMessages`.
 */
export async function moveMessages(
  store: MailboxStore,
  account: string,
  fromName: string,
  uids: UidSet,
  toName: string,
): Promise<CopiedUid[]> {
  const copied = await copyMessages(store, account, fromName, uids, toName);
  await expungeMessages(store, account, fromName, uidSetOf(copied.map(({ from }) => from)));
  return copied;
}

async function readRecords(store: MailboxStore, account: string, name: string, uids: UidSet): Promise<LiveRecord[]> {
  const { entry } = await requireMailbox(store, account, name);
  const snapshot = await store.snapshot(account, entry.mailboxId);
  try {
    const records: LiveRecord[] = [];
    for await (const some of liveRecords(snapshot, uids)) records.push(...some);
    return records;
  } finally {
    await snapshot.close();
  }
}
