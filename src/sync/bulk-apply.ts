/**
 * The replica's part of a push of many small changes: all messages staged together, each change applied by itself.
 */
import type { Changes } from "../../protocol/messages/changes.ts";
import type { PlainChange, PlainResult } from "../../protocol/plain-changes.ts";
import { cursorAt } from "../merge/base.ts";
import { batchOf } from "../model/batch.ts";
import { isTandemError } from "../model/errors.ts";
import type { MailboxChange, MailboxStore, Outcome } from "../store/store.ts";
import type { BodyIntake } from "./body-intake.ts";
import { INLINE_BYTES, type LocalPeer } from "./local-peer.ts";
import type { SurveyedMailbox } from "./peer.ts";

/** What became of each change. @throws TandemError if the messages cannot be staged. */
export async function applyMany(
  store: MailboxStore,
  peer: LocalPeer,
  intake: BodyIntake,
  { items, sizes, data }: Changes,
): Promise<PlainResult[]> {
  await intake.add(splitBodies(sizes, data));
  await intake.settle();
  // Asked for in one turn, so that the store can write them in one transaction.
  const outcomes = await Promise.all(items.map((item) => applyOne(store, peer.counterpart, item)));
  const conflicts = items.filter((_, i) => outcomes[i] === "conflict");
  const now = (conflicts.length === 0 ? [] : await peer.news(conflicts, INLINE_BYTES)).values();
  return outcomes.map((kind): PlainResult => (kind === "conflict" ? resultOf(now.next().value ?? null) : { kind }));
}

function resultOf(mailbox: SurveyedMailbox | null): PlainResult {
  if (mailbox === null) return { kind: "not-done" };
  const { state, entry, cursor, changes } = mailbox;
  return { kind: "conflict", there: { state, entryModseq: entry.modseq, cursor, changes } };
}

function applyOne(store: MailboxStore, master: string, change: PlainChange): Promise<Outcome | "not-done"> {
  const { account, mailboxId, before, after, entryModseq, batches } = change;
  const cursor = { peer: master, cursor: cursorAt({ ...after, entryModseq }, null, true) };
  return tryApply(store, {
    account,
    mailboxId,
    before,
    after,
    records: batches.map(batchOf),
    ...(master === store.storeEpoch ? {} : { cursor }),
    origin: master,
  });
}

/** Applies one of many changes. Whatever is wrong with it is told when it is tried by itself. */
export async function tryApply(store: MailboxStore, change: MailboxChange): Promise<Outcome | "not-done"> {
  try {
    return await store.apply(change);
  } catch (error) {
    if (isTandemError(error)) return "not-done";
    throw error;
  }
}

/** The messages of one frame. */
export function splitBodies(sizes: readonly number[], data: Uint8Array): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return data.subarray(at - size, at);
  });
}
