/**
 * The deep check of one mailbox (`verify --deep`): everything recomputed from the records, every message hashed. Reads only.
 */
import { MAX_BODIES_PER_FRAME } from "../../protocol/limits.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { MAX_UID } from "../model/record.ts";
import type { MailboxSnapshot, MailboxStore, UidRange } from "../store/store.ts";
import { isReadable } from "./bodies.ts";
import type { Audit } from "./peer.ts";

/** @throws TandemError `not-found`. */
export async function auditMailbox(store: MailboxStore, account: string, mailboxId: string): Promise<Audit> {
  const snapshot = await store.snapshot(account, mailboxId);
  try {
    const { digest, damaged, wrongSums } = await snapshot.examine();
    const unreadable = new Set<string>();
    for (const range of soundRanges(damaged))
      for await (const guid of unreadableIn(store, snapshot, range)) unreadable.add(guid);
    const named = [...unreadable].slice(0, MAX_BODIES_PER_FRAME);
    return { state: snapshot.state, digest, damaged, wrongSums, unreadable: named, unreadableCount: unreadable.size };
  } finally {
    await snapshot.close();
  }
}

/** The UIDs between damaged ranges, which are in order. */
export function soundRanges(damaged: readonly UidRange[]): UidRange[] {
  const ranges: UidRange[] = [];
  let firstUid = 1;
  for (const gap of damaged) {
    if (gap.firstUid > firstUid) ranges.push({ firstUid, lastUid: gap.firstUid - 1 });
    firstUid = gap.lastUid + 1;
  }
  return firstUid > MAX_UID ? ranges : [...ranges, { firstUid, lastUid: MAX_UID }];
}

/** GUIDs of live messages whose bytes are missing or do not fit. */
async function* unreadableIn(
  store: MailboxStore,
  snapshot: MailboxSnapshot,
  { firstUid, lastUid }: UidRange,
): AsyncGenerator<string> {
  for await (const page of snapshot.scan({ fromUid: firstUid, toUid: lastUid }))
    for (const record of page.flatMap((batch) => decodeBatch(batch.bytes)))
      if (!record.expunged && !(await isReadable(store, record.guid, record.size))) yield record.guid;
}
