/**
 * The replica's part of a push of many small changes: all messages staged together, each change applied by itself.
 */
import type { Changes } from "../../protocol/messages/changes.ts";
import type { PlainChange, PlainResult } from "../../protocol/plain-changes.ts";
import { cursorAt } from "../merge/base.ts";
import { batchOf } from "../model/decode-batch.ts";
import { isTandemError } from "../model/errors.ts";
import type { MailboxChange, MailboxStore, Outcome } from "../store/store.ts";
import type { BodyIntake } from "./body-intake.ts";
import type { LocalPeer } from "./local-peer.ts";
import type { SurveyedMailbox } from "./peer.ts";
import { type Met, metWith, type OnLeft } from "./push-outcome.ts";
import { MOST_RECORD_BYTES } from "./unasked-bodies.ts";

/**
 * @param onLeft told of the conflicts that the master leaves to this node: what it sent of them is all that bringing them
 * together takes.
 * @returns what became of each change.
 * @throws TandemError if the messages cannot be staged.
 */
export async function applyMany(
  store: MailboxStore,
  peer: LocalPeer,
  { intake, onLeft }: { readonly intake: BodyIntake; readonly onLeft: OnLeft },
  { items, sizes, data }: Changes,
): Promise<PlainResult[]> {
  await intake.add(splitBodies(sizes, data));
  await intake.settle();
  // Asked for in one turn, so that the store can write them in one transaction.
  const outcomes = await Promise.all(items.map((item) => applyOne(store, peer.counterpart, item)));
  const conflicts = items.filter((_, i) => outcomes[i] === "conflict");
  const [left, told] = [conflicts.filter(({ yields }) => yields), conflicts.filter(({ yields }) => !yields)];
  const now = new Map([...(await newsOf(peer, left, 0)), ...(await newsOf(peer, told, MOST_RECORD_BYTES))]);
  if (left.length > 0) await onLeft(left.flatMap((change) => metBy(change, now.get(change) ?? null) ?? []));
  return items.map((item, i): PlainResult => {
    const kind = outcomes[i] ?? "not-done";
    return kind === "conflict" ? resultOf(now.get(item) ?? null) : { kind };
  });
}

/** The mailboxes of some changes as they are now, with what is new in them as far as there is room. */
async function newsOf(
  peer: LocalPeer,
  changes: readonly PlainChange[],
  room: number,
): Promise<[PlainChange, SurveyedMailbox | null][]> {
  const news = changes.length === 0 ? [] : await peer.news(changes, room);
  return changes.map((change, i) => [change, news[i] ?? null]);
}

/** Both sides where a change met a conflict, seen from here; null if the mailbox's entry differs too. */
function metBy({ before, after, entryModseq, batches }: PlainChange, left: SurveyedMailbox | null): Met | null {
  const latest = { ...before, entryModseq };
  const cursor = { latest, agreed: latest };
  // Copied, since they are part of a frame with all its messages.
  const changes = batches.map((bytes) => bytes.slice());
  return left && metWith(left, { state: after, entryModseq, cursor, changes });
}

function resultOf(mailbox: SurveyedMailbox | null): PlainResult {
  if (mailbox === null) return { kind: "not-done" };
  const { state, entry, cursor, changes } = mailbox;
  return { kind: "conflict", there: { state, entryModseq: entry.modseq, cursor, changes } };
}

function applyOne(store: MailboxStore, master: string, change: PlainChange): Promise<Outcome | "not-done"> {
  const { account, mailboxId, before, after, entryModseq, base, batches } = change;
  const cursor = { peer: master, cursor: cursorAt({ ...after, entryModseq }, base, base === null) };
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
