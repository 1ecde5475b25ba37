/**
 * Turns what both sides shall hold into what each has to write: modseqs, counters and digests.
 */
import { addDigest, digestOf, subtractDigest } from "../model/digest.ts";
import { checkedModseq, type IndexRecord } from "../model/record.ts";
import type { MailboxDigest } from "../model/state.ts";
import { sameContent } from "./equal.ts";
import type { MergeInput, SidePlan } from "./plan.ts";

/** One UID as it is on both sides, and as it shall be. */
export interface Wish {
  readonly uid: number;
  readonly left: IndexRecord | null;
  readonly right: IndexRecord | null;
  readonly want: IndexRecord;
}

/** What each side writes for one UID; null: nothing. */
interface Writes {
  readonly left: IndexRecord | null;
  readonly right: IndexRecord | null;
}

const NOTHING: Writes = { left: null, right: null };

/**
 * @param wishes in UID order.
 * @param newModseq the merge's own modseq, above both sides' highest.
 */
export function settle(
  input: MergeInput,
  wishes: readonly Wish[],
  newModseq: number,
  uidNext: number,
): { left: SidePlan; right: SidePlan } {
  const purgedModseq = Math.max(input.left.purgedModseq, input.right.purgedModseq);
  const writes = wishes.map((wish) => settleOne(wish, input, newModseq, purgedModseq));
  const usesNew = writes.some(({ left, right }) => left?.modseq === newModseq || right?.modseq === newModseq);
  const counters = {
    uidValidity: input.left.uidValidity,
    uidNext,
    highestModseq: usesNew ? checkedModseq(newModseq) : Math.max(input.left.highestModseq, input.right.highestModseq),
    purgedModseq,
  };
  const left = sideDigest(input, wishes, writes, "left");
  const right = sideDigest(input, wishes, writes, "right");
  const either = left ?? right;
  if (either === null) throw new Error("a delta lacks the records that one side changed on the other");
  const plan = (side: "left" | "right", digest: MailboxDigest): SidePlan => ({
    puts: writes.map((write) => write[side]).filter((put) => put !== null),
    after: { ...counters, digest },
    reset: false,
  });
  return { left: plan("left", left ?? either), right: plan("right", right ?? either) };
}

/**
 * A side whose record changes takes the other's with its modseq, if that is above all it ever announced: the plain
 * one-way case. Otherwise both write the result under the merge's new modseq, so that clients of both are told (P5).
 */
function settleOne(wish: Wish, input: MergeInput, newModseq: number, purgedModseq: number): Writes {
  const { left, right, want } = wish;
  if (want.expunged && isPurged(left, purgedModseq) && isPurged(right, purgedModseq))
    return isNews(left, input) || isNews(right, input) ? bothWrite({ ...want, modseq: newModseq }) : NOTHING;
  const source = newest(left, right, want);
  if (source === null) return bothWrite({ ...want, modseq: newModseq });
  const leftKeeps = left !== null && left.modseq === source.modseq && sameContent(left, want);
  const rightKeeps = right !== null && right.modseq === source.modseq && sameContent(right, want);
  if (leftKeeps && rightKeeps) return NOTHING;
  const taker = leftKeeps ? input.right : input.left;
  if (source.modseq <= taker.highestModseq) return bothWrite({ ...want, modseq: newModseq });
  return leftKeeps ? { left: null, right: source } : { left: source, right: null };
}

function bothWrite(record: IndexRecord): Writes {
  return { left: record, right: record };
}

/** True for what the purge takes away on both sides anyway; an absent record is as good as purged. */
function isPurged(record: IndexRecord | null, purgedModseq: number): boolean {
  return record === null || (record.expunged && record.modseq <= purgedModseq);
}

/**
 * Whether a tombstone that falls to a purge may be unknown to the side that purged: it purged what nobody had confirmed. A
 * client that came from there with a modseq above the tombstone's would never be told (P5).
 */
function isNews(record: IndexRecord | null, { base }: MergeInput): boolean {
  return record !== null && (base === null || record.modseq > base.highestModseq);
}

/** The record of the two that is already as wanted; the one with the higher modseq if both are. */
function newest(left: IndexRecord | null, right: IndexRecord | null, want: IndexRecord): IndexRecord | null {
  const mine = left !== null && sameContent(left, want) ? left : null;
  const theirs = right !== null && sameContent(right, want) ? right : null;
  if (mine === null || theirs === null) return mine ?? theirs;
  return mine.modseq >= theirs.modseq ? mine : theirs;
}

/** The side's digest after its writes, or null if it rests on a record that the delta does not show. */
function sideDigest(
  input: MergeInput,
  wishes: readonly Wish[],
  writes: readonly Writes[],
  side: "left" | "right",
): MailboxDigest | null {
  let digest = input[side].digest;
  for (const [i, wish] of wishes.entries()) {
    const write = writes[i]?.[side] ?? null;
    if (write === null) continue;
    const old = wish[side];
    if (old === null && input.delta && input.base !== null && wish.uid < input.base.uidNext) return null;
    if (old !== null && !old.expunged) digest = subtractDigest(digest, digestOf(old));
    if (!write.expunged) digest = addDigest(digest, digestOf(write));
  }
  return digest;
}
