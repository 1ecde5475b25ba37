/**
 * Changes chosen messages of one mailbox under one new modseq; any number of them in flat memory.
 */
import { decodeBatch } from "../model/decode-batch.ts";
import { type IndexRecord, type LiveRecord, MAX_UID } from "../model/record.ts";
import { type MailboxState, sameState } from "../model/state.ts";
import { isLive, packRecords } from "../store/shared/blocks.ts";
import { DigestSum } from "../store/shared/digest-sum.ts";
import type { EntryChange, MailboxSnapshot, MailboxStore, RecordSpool } from "../store/store.ts";
import { nextModseq } from "./lookup.ts";
import { highestLiveUid, resolveUidSet, type UidSet } from "./uid-set.ts";

/** What to do with the messages of a mailbox. */
export interface RecordEdit {
  readonly account: string;
  readonly mailboxId: string;
  readonly uids: UidSet;
  /** What becomes of a message; the same object if nothing changes. */
  readonly edit: (record: LiveRecord, modseq: number) => IndexRecord;
  /** The state the mailbox must be in, if the caller has seen one: else it is a conflict. */
  readonly seen?: MailboxState;
  /** A new entry in the same transaction; without one, an edit that changes nothing writes nothing. */
  readonly entry?: EntryChange;
}

/** All messages of a mailbox. */
export const EVERY_UID: UidSet = [{ a: 1, b: MAX_UID }];

/** One attempt. Returns how many messages were changed. */
export async function changeRecords(store: MailboxStore, edit: RecordEdit): Promise<number | "conflict"> {
  const snapshot = await store.snapshot(edit.account, edit.mailboxId);
  const spool = await store.openSpool();
  try {
    const before = snapshot.state;
    if (edit.seen !== undefined && !sameState(edit.seen, before)) return "conflict";
    const highestModseq = nextModseq(before);
    const { digest, changed } = await spoolChanged(snapshot, spool, edit, highestModseq);
    if (changed === 0 && edit.entry === undefined) return 0;
    const { account, mailboxId, entry } = edit;
    const after = { ...before, highestModseq, digest: digest.value() };
    const change = { account, mailboxId, before, after, records: spool, ...(entry === undefined ? {} : { entry }) };
    return (await store.apply(change)) === "conflict" ? "conflict" : changed;
  } finally {
    spool.dispose();
    await snapshot.close();
  }
}

async function spoolChanged(
  snapshot: MailboxSnapshot,
  spool: RecordSpool,
  { uids, edit }: RecordEdit,
  modseq: number,
): Promise<{ digest: DigestSum; changed: number }> {
  const digest = new DigestSum(snapshot.state.digest);
  let changed = 0;
  for await (const records of liveRecords(snapshot, uids)) {
    const edited = records.map((old) => ({ old, next: edit(old, modseq) })).filter(({ old, next }) => next !== old);
    for (const { old, next } of edited) {
      digest.subtract(old);
      digest.add(next);
    }
    for (const batch of packRecords(edited.map(({ next }) => next))) spool.write(batch);
    changed += edited.length;
  }
  return { digest, changed };
}

/** The live records of a UID set in UID order, some at a time. */
export async function* liveRecords(snapshot: MailboxSnapshot, uids: UidSet): AsyncGenerator<LiveRecord[]> {
  const needsHighest = uids.some(({ a, b }) => a === "*" || b === "*");
  const highest = needsHighest ? await highestLiveUid(snapshot) : null;
  for (const { firstUid, lastUid } of resolveUidSet(uids, highest))
    for await (const batches of snapshot.scan({ fromUid: firstUid, toUid: lastUid }))
      yield batches.flatMap((batch) => decodeBatch(batch.bytes).filter(isLive));
}
