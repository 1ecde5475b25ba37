/**
 * `sync --one-way --mirror`: the target becomes exactly the source, whatever it had of its own.
 *
 * The one plan that sets the administrator's word above P1, P2, P3 and P5 for clients of the target: the target's own
 * messages become tombstones, and where it used a UID or a modseq for something else, the source's record stands there.
 */
import { addDigest, digestOf, subtractDigest } from "../model/digest.ts";
import { checkedModseq, type IndexRecord, tombstoneOf } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import type { Decision, RecordPair, SidePlan } from "./plan.ts";

export interface MirrorPlan {
  readonly target: SidePlan;
  /** Messages of the target that go. */
  readonly expunged: number;
  readonly decisions: readonly Decision[];
}

/**
 * The target keeps its uidValidity, which is the source's or a higher one.
 * @param pairs from two whole lists, the source's on the left.
 */
export function planMirror(source: MailboxState, target: MailboxState, pairs: readonly RecordPair[]): MirrorPlan {
  const modseq = Math.max(source.highestModseq, target.highestModseq) + 1;
  const purgedModseq = Math.max(source.purgedModseq, target.purgedModseq);
  const puts: IndexRecord[] = [];
  const decisions: Decision[] = [];
  let { digest } = target;
  for (const pair of pairs) {
    const put = wanted(pair, modseq, purgedModseq);
    if (put === null) continue;
    puts.push(put);
    decisions.push({ row: put.expunged ? "M03" : "M11", uid: pair.uid, reason: "made as it is at the source" });
    if (pair.right !== null && !pair.right.expunged) digest = subtractDigest(digest, digestOf(pair.right));
    if (!put.expunged) digest = addDigest(digest, digestOf(put));
  }
  const own = puts.some((put) => put.modseq === modseq);
  const highest = Math.max(source.highestModseq, target.highestModseq);
  const after: MailboxState = {
    uidValidity: target.uidValidity,
    uidNext: Math.max(source.uidNext, target.uidNext),
    highestModseq: own ? checkedModseq(modseq) : highest,
    purgedModseq,
    digest,
  };
  const expunged = pairs.filter((pair) => pair.right?.expunged === false && wantsGone(pair)).length;
  return { target: { puts, after, reset: false }, expunged, decisions };
}

function wantsGone(pair: RecordPair): boolean {
  if (pair.left === null || pair.left.expunged) return true;
  return pair.right !== null && !pair.right.expunged && pair.right.guid !== pair.left.guid;
}

/** What the target has to write for one UID, or null. */
function wanted({ left, right }: RecordPair, modseq: number, purgedModseq: number): IndexRecord | null {
  if (left === null) return right === null || right.expunged ? null : tombstoneOf(right, modseq);
  if (left.expunged && left.modseq <= purgedModseq)
    return right?.expunged === false ? tombstoneOf(right, modseq) : null;
  return left;
}
