/**
 * `sync --one-way --mirror`: the target becomes exactly the source, whatever it had of its own.
 *
 * The one plan that sets the administrator's word above P1, P2, P3 and P5 for clients of the target: the target's own
 * messages become tombstones, and where it used a UID or a modseq for something else, the source's record stands there.
 */
import { addDigest, digestOf, subtractDigest } from "../model/digest.ts";
import { TandemError } from "../model/errors.ts";
import { checkedModseq, type IndexRecord, MAX_UID, tombstoneOf } from "../model/record.ts";
import type { MailboxState } from "../model/state.ts";
import type { Decision, RecordPair, SidePlan } from "./plan.ts";
import { ownOfVoid, type RenumberingInput } from "./renumbering.ts";

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

/**
 * The target's own numbering is void: it takes the source's records as they are under a new uidValidity, so that its clients
 * read all anew. That is the source's, or where it may not fall to that one the next above its own.
 * @param input the source on the left.
 * @throws TandemError `limit` if there is no such uidValidity.
 */
export function mirrorAnew(input: RenumberingInput): MirrorPlan {
  const { left: source, right: target, leftRecords: puts } = input;
  const uidValidity = Math.max(source.uidValidity, target.uidValidity + 1);
  if (uidValidity > MAX_UID)
    throw new TandemError("limit", "The uidValidities are used up; move the messages to a new mailbox.");
  const highestModseq = Math.max(source.highestModseq, target.highestModseq);
  const after = { ...source, uidValidity, highestModseq };
  const gone = ownOfVoid(puts, input.rightRecords).filter(({ kind }) => kind === "message");
  const live = puts.filter((record) => !record.expunged);
  const decisions: Decision[] = [
    ...gone.map(({ uid }): Decision => ({ row: "M03", uid, reason: "not at the source, and its numbering is void" })),
    ...live.map(({ uid }): Decision => ({ row: "M11", uid, reason: "made as it is at the source" })),
  ];
  return { target: { puts, after, reset: true }, expunged: gone.length, decisions };
}

/** Whether a UID that clients of the target know would name another message, or one again that was gone (P1, P2, P3). */
export function changesMeaning({ uid, left, right }: RecordPair, target: MailboxState): boolean {
  if (left === null || left.expunged) return false;
  return right === null ? uid < target.uidNext : right.expunged || right.guid !== left.guid;
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
