/**
 * Making one mailbox of two of the same account: what T05 does between two nodes, on a node that has both.
 */
import type { LiveRecord } from "../model/record.ts";
import type { MailboxSnapshot, MailboxStore } from "../store/store.ts";
import { appendDrafts } from "./append.ts";
import { EVERY_UID, liveRecords } from "./change-records.ts";
import { deleteOnce } from "./mailboxes.ts";
import { untilApplied } from "./retry.ts";

/**
 * Appends to one mailbox the messages that another has beyond it, told by their GUIDs and counted, and deletes the other.
 * Two changes: a process killed in between leaves messages in both, never in none (P6), and the next call goes on.
 * @returns how many messages were appended. @throws TandemError `not-found`, `io`.
 */
export async function absorbMailbox(
  store: MailboxStore,
  account: string,
  fromId: string,
  intoId: string,
): Promise<number> {
  return untilApplied(async () => {
    const into = await store.snapshot(account, intoId);
    const from = await store.snapshot(account, fromId);
    try {
      const missing = beyond(await allLive(from), await allLive(into));
      const appended = await appendDrafts(store, account, into, missing);
      if (appended === "conflict") return "conflict";
      const deleted = await deleteOnce(store, account, from.entry, from.state);
      return deleted === "conflict" ? "conflict" : appended.length;
    } finally {
      await from.close();
      await into.close();
    }
  });
}

async function allLive(snapshot: MailboxSnapshot): Promise<LiveRecord[]> {
  const records: LiveRecord[] = [];
  for await (const some of liveRecords(snapshot, EVERY_UID)) records.push(...some);
  return records;
}

/** The records of `some` that have no partner of the same GUID in `others`. */
function beyond(some: readonly LiveRecord[], others: readonly LiveRecord[]): LiveRecord[] {
  const counts = new Map<string, number>();
  for (const { guid } of others) counts.set(guid, (counts.get(guid) ?? 0) + 1);
  return some.filter(({ guid }) => {
    const left = counts.get(guid) ?? 0;
    counts.set(guid, left - 1);
    return left <= 0;
  });
}
