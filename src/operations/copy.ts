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

/** Where copies are: what an IMAP server answers with COPYUID (RFC 4315). */
export interface Copied {
  /** UIDVALIDITY of the target as the copies were written to it. */
  readonly uidValidity: number;
  /** In UID order. */
  readonly uids: readonly CopiedUid[];
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
): Promise<Copied> {
  return untilApplied(async () => {
    const target = await requireMailbox(store, account, toName);
    const records = await readRecords(store, account, fromName, uids);
    try {
      const copies = await appendDrafts(store, account, target, records);
      if (copies === "conflict") return copies;
      const uids = records.map(({ uid }, i) => ({ from: uid, to: copies[i] as number }));
      return { uidValidity: target.state.uidValidity, uids };
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
): Promise<Copied> {
  const copied = await copyMessages(store, account, fromName, uids, toName);
  await expungeMessages(store, account, fromName, uidSetOf(copied.uids.map(({ from }) => from)));
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
