/**
 * Reads the records of a mailbox from both sides, each from one snapshot, and lets the walker find the pairs that differ.
 */
import type { RecordPair } from "../merge/plan.ts";
import { Walker } from "../merge/walk.ts";
import type { RecordBatch } from "../model/batch.ts";
import { batchOf, decodeBatch } from "../model/decode-batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { type AgreedState, EMPTY_DIGEST, sameAgreed } from "../model/state.ts";
import type { MailboxHead } from "../store/store.ts";
import { compareRanges } from "./compare-ranges.ts";
import { onePage } from "./pages.ts";
import type { Peer, Pull, SurveyedMailbox } from "./peer.ts";
import { NoRanges, type RangeView } from "./range-view.ts";

/** A mailbox on one side; `exists` is false for one that a dry run only imagines. */
export interface SideMailbox extends SurveyedMailbox {
  readonly exists: boolean;
  /** Nobody asked the side: it is taken to be where the other one's cursor says that both were. */
  readonly isAssumed?: boolean;
}

export interface Gathered {
  readonly left: MailboxHead;
  readonly right: MailboxHead;
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
  const leftPull = await openLeft(peers.left, left, base);
  try {
    const given = leftPull.lookup === null ? null : base;
    const rightPull = await openPull(peers.right, right, given);
    try {
      return await gathered(leftPull, rightPull, given);
    } finally {
      await rightPull.close();
    }
  } finally {
    await leftPull.close();
  }
}

/**
 * As `gatherPairs` with two whole lists, but reads only the ranges of UIDs whose digests differ. Null if these do not
 * account for all by which the mailboxes differ: then a digest is wrong, and only the lists themselves tell.
 */
export async function gatherByRanges(
  peers: { readonly left: Peer; readonly right: Peer },
  left: SideMailbox,
  right: SideMailbox,
): Promise<Gathered | null> {
  const leftView = await openRanges(peers.left, left);
  try {
    const rightView = await openRanges(peers.right, right);
    try {
      const toUid = Math.max(left.state.uidNext, right.state.uidNext) - 1;
      const { isComplete, ...found } = await compareRanges(leftView, rightView, toUid);
      return isComplete ? { ...found, delta: false } : null;
    } finally {
      await rightView.close();
    }
  } finally {
    await leftView.close();
  }
}

async function openRanges(peer: Peer, mailbox: SideMailbox): Promise<RangeView> {
  if (mailbox.exists) return peer.ranges(mailbox.account, mailbox.entry.mailboxId);
  const { entry, state } = mailbox;
  return new NoRanges({ entry, state, tombstones: EMPTY_DIGEST });
}

/** A side's records, read to the end and kept in memory. */
export async function heldPull(peer: Peer, mailbox: SideMailbox, base: AgreedState | null): Promise<Pull> {
  const pull = await openPull(peer, mailbox, base);
  try {
    const batches: RecordBatch[] = [];
    for await (const page of pull.pages()) batches.push(...page);
    return pullOf(pull.mailbox, batches);
  } finally {
    await pull.close();
  }
}

/**
 * As `gatherPairs`, with the right side's records at hand. The left side is in this process, and is read last: so as little
 * time as can be lies between reading and writing it.
 */
export async function gatherWith(
  peer: Peer,
  left: SideMailbox,
  right: Pull,
  base: AgreedState | null,
): Promise<Gathered> {
  const leftPull = await openLeft(peer, left, base);
  try {
    return await gathered(leftPull, right, base);
  } finally {
    await leftPull.close();
  }
}

async function gathered(left: Pull, right: Pull, base: AgreedState | null): Promise<Gathered> {
  const pairs = await walkBoth(left, right);
  const complete = base === null ? pairs : await fillLeft(pairs, left, base);
  return { left: left.mailbox, right: right.mailbox, delta: base !== null, pairs: complete };
}

/** All records of a mailbox in UID order. */
export async function gatherAll(
  peer: Peer,
  mailbox: SideMailbox,
): Promise<{ mailbox: MailboxHead; records: IndexRecord[] }> {
  const pull = await openPull(peer, mailbox, null);
  try {
    const records: IndexRecord[] = [];
    for await (const page of pull.pages()) for (const batch of page) records.push(...decodeBatch(batch.bytes));
    return { mailbox: pull.mailbox, records };
  } finally {
    await pull.close();
  }
}

/**
 * The left side's records: those changed since the base only where single records can be looked up besides, since the
 * digest needs what stands under the UIDs that the right side alone changed.
 */
async function openLeft(peer: Peer, left: SideMailbox, base: AgreedState | null): Promise<Pull> {
  if (!left.exists || base === null) return openPull(peer, left, null);
  const pull = await peer.pull(left.account, left.entry.mailboxId, base.highestModseq);
  if (pull.lookup !== null) return pull;
  await pull.close();
  return openPull(peer, left, null);
}

/** The records to read: those that came along with the survey if they will do, else from the side itself. */
export function openPull(peer: Peer, mailbox: SideMailbox, base: AgreedState | null): Promise<Pull> {
  if (!mailbox.exists) return Promise.resolve(pullOf(mailbox, []));
  const { changes, cursor } = mailbox;
  if (base !== null && changes !== null && cursor !== null && sameAgreed(cursor.latest, base))
    return Promise.resolve(pullOf(mailbox, changes.map(batchOf)));
  return peer.pull(mailbox.account, mailbox.entry.mailboxId, base?.highestModseq ?? null);
}

/**
 * As `openPull`, to be taken over by the other side as they are. The digest that is stored with all records need not be
 * recomputed before: the other side refuses what does not fit it, and then all is compared.
 */
export function openCopy(peer: Peer, mailbox: SideMailbox, base: AgreedState | null): Promise<Pull> {
  if (base !== null || !mailbox.exists) return openPull(peer, mailbox, base);
  return peer.pull(mailbox.account, mailbox.entry.mailboxId, ALL);
}

/** Every modseq is above. */
const ALL = 0;

/** Records that are at hand. */
export function pullOf({ entry, state }: MailboxHead, batches: readonly RecordBatch[]): Pull {
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
