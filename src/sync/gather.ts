/**
 * Reads the records of a mailbox from both sides, each from one snapshot, and lets the walker find the pairs that differ.
 */
import type { RecordPair } from "../merge/plan.ts";
import { Walker } from "../merge/walk.ts";
import { batchOf, decodeBatch, type RecordBatch } from "../model/batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { type AgreedState, sameAgreed } from "../model/state.ts";
import type { Mailbox } from "../store/store.ts";
import { onePage } from "./pages.ts";
import type { Peer, Pull, SurveyedMailbox } from "./peer.ts";

/** A mailbox on one side; `exists` is false for one that a dry run only imagines. */
export interface SideMailbox extends SurveyedMailbox {
  readonly exists: boolean;
}

export interface Gathered {
  readonly left: Mailbox;
  readonly right: Mailbox;
  /** True if the pairs hold only what changed since the base. */
  readonly delta: boolean;
  readonly pairs: readonly RecordPair[];
}

/** @param base if not null, only records changed since are compared. */
export async function gatherPairs(
  peers: { readonly left: Peer; readonly right: Peer },
  left: SideMailbox,
  right: SideMailbox,
  base: AgreedState | null,
): Promise<Gathered> {
  const leftPull = await openPull(peers.left, left, base);
  try {
    const isDelta = base !== null && leftPull.lookup !== null;
    const rightPull = await openPull(peers.right, right, isDelta ? base : null);
    try {
      const pairs = await walkBoth(leftPull, rightPull);
      const complete = isDelta ? await fillLeft(pairs, leftPull, base) : pairs;
      return { left: leftPull.mailbox, right: rightPull.mailbox, delta: isDelta, pairs: complete };
    } finally {
      await rightPull.close();
    }
  } finally {
    await leftPull.close();
  }
}

/** All records of a mailbox in UID order. */
export async function gatherAll(
  peer: Peer,
  mailbox: SideMailbox,
): Promise<{ mailbox: Mailbox; records: IndexRecord[] }> {
  const pull = await openPull(peer, mailbox, null);
  try {
    const records: IndexRecord[] = [];
    for await (const page of pull.pages()) for (const batch of page) records.push(...decodeBatch(batch.bytes));
    return { mailbox: pull.mailbox, records };
  } finally {
    await pull.close();
  }
}

/** The records to read: those that came along with the survey if they will do, else from the side itself. */
export function openPull(peer: Peer, mailbox: SideMailbox, base: AgreedState | null): Promise<Pull> {
  if (!mailbox.exists) return Promise.resolve(pullOf(mailbox, []));
  const { changes, cursor } = mailbox;
  if (base !== null && changes !== null && cursor !== null && sameAgreed(cursor.latest, base))
    return Promise.resolve(pullOf(mailbox, changes.map(batchOf)));
  return peer.pull(mailbox.account, mailbox.entry.mailboxId, base?.highestModseq ?? null);
}

function pullOf({ entry, state }: SideMailbox, batches: readonly RecordBatch[]): Pull {
  return { mailbox: { entry, state }, pages: () => onePage(batches), lookup: null, close: async () => undefined };
}

async function walkBoth(left: Pull, right: Pull): Promise<RecordPair[]> {
  const walker = new Walker();
  const sources = { left: left.pages()[Symbol.asyncIterator](), right: right.pages()[Symbol.asyncIterator]() };
  const pairs: RecordPair[] = [];
  for (let side = walker.wants(); side !== null; side = walker.wants()) {
    const next = await sources[side].next();
    if (next.done) walker.finish(side);
    else walker.feed(side, next.value);
    for (const pair of walker.walk()) pairs.push(pair);
  }
  return pairs;
}

/** Puts in what the left side has under UIDs that only the right one changed: without it no digest can be computed. */
async function fillLeft(pairs: readonly RecordPair[], left: Pull, base: AgreedState): Promise<RecordPair[]> {
  const uids = pairs.filter((pair) => pair.left === null && pair.uid < base.uidNext).map((pair) => pair.uid);
  const records = uids.length === 0 || left.lookup === null ? [] : await left.lookup(uids);
  const byUid = new Map(records.map((record) => [record.uid, record]));
  return pairs.map((pair) => ({ ...pair, left: pair.left ?? byUid.get(pair.uid) ?? null }));
}
