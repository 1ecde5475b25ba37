/**
 * The merge of two mailboxes of one uidValidity: rows M01 to M11, then reunion, new UIDs and modseqs.
 *
 * Pure: a plan is a value. Both roles compute the same plan, mirrored (P10).
 */
import { TandemError } from "../model/errors.ts";
import { type LiveRecord, MAX_UID } from "../model/record.ts";
import { graveOf, mergeLive, mergeUids, withGraves } from "./combine.ts";
import { type Decided, decideSlots, type Loose } from "./decide.ts";
import type { Decision, MergeInput, MergePlan } from "./plan.ts";
import { reunite } from "./reunite.ts";
import { settle, type Wish } from "./settle.ts";

/** A message that gets a new UID, with the records it has now. */
interface Renumbered {
  readonly record: LiveRecord;
  readonly oldUid: number;
  readonly from: readonly Loose[];
}

/**
 * Plans how both sides become identical.
 * @throws TandemError `limit` if the UIDs of the mailbox are used up.
 */
export function planMerge(input: MergeInput): MergePlan {
  const { slots, loose, decisions } = decideSlots(input);
  const { pairs, expunged, single } = reunite(loose, slots);
  const byUid = new Map(slots.map((slot) => [slot.uid, slot]));
  const notes = new Map<Loose, Partial<Decision>>();
  for (const message of expunged) bury(message, byUid, notes);
  const renumbered = single.filter((message) => !message.arrives).map((message) => toNewUid([message]));
  for (const { left, right } of pairs) {
    const arrival = left.arrives ? left : right;
    if (arrival.arrives) join(arrival, left === arrival ? right : left, byUid, notes);
    else renumbered.push(toNewUid([left, right]));
  }
  const newModseq = Math.max(input.left.highestModseq, input.right.highestModseq) + 1;
  const firstNew = Math.max(input.left.uidNext, input.right.uidNext);
  const moved = numberAnew(renumbered, firstNew, newModseq, notes);
  const sides = settle(input, [...slots, ...moved], newModseq, firstNew + moved.length);
  return { ...sides, decisions: annotate(decisions, notes, loose) };
}

/** A loose message that was expunged on the other side under another UID: its own UID becomes its tombstone. */
function bury(message: Loose, byUid: Map<number, Decided>, notes: Map<Loose, Partial<Decision>>): void {
  const slot = byUid.get(message.record.uid) as Decided;
  const tombstone = slot.want.expunged ? slot.want : { expunged: true as const, uid: slot.uid, modseq: 0, graves: [] };
  slot.want = withGraves(tombstone, [graveOf(message.record)]);
  notes.set(message, { reason: "expunged on the other side under a UID it had before: expunge wins" });
}

/** A message that one side brings under a new UID, and that the other side has to renumber: it takes that UID. */
function join(arrival: Loose, other: Loose, byUid: Map<number, Decided>, notes: Map<Loose, Partial<Decision>>): void {
  const slot = byUid.get(arrival.record.uid) as Decided;
  slot.want = {
    ...mergeLive(arrival.record, other.record),
    createdModseq: arrival.record.createdModseq,
    formerUids: lineage(arrival.record, [arrival, other]),
  };
  notes.set(other, {
    newUid: slot.uid,
    reason: "the other side has the same message under a later UID: it takes that",
  });
}

function toNewUid(from: readonly Loose[]): Renumbered {
  const [first, second] = from as [Loose, Loose?];
  const record = second === undefined ? first.record : mergeLive(first.record, second.record);
  return { record, oldUid: Math.min(...from.map((message) => message.record.uid)), from };
}

/** New UIDs from `firstNew` upward, by old UID, then GUID, so that both roles give the same ones. */
function numberAnew(
  renumbered: readonly Renumbered[],
  firstNew: number,
  modseq: number,
  notes: Map<Loose, Partial<Decision>>,
): Wish[] {
  if (firstNew + renumbered.length > MAX_UID + 1)
    throw new TandemError("limit", "The UIDs of this mailbox are used up; move its messages to a new mailbox.");
  const ordered = renumbered.toSorted((a, b) => a.oldUid - b.oldUid || (a.record.guid < b.record.guid ? -1 : 1));
  return ordered.map(({ record, from }, i) => {
    const uid = firstNew + i;
    for (const message of from) notes.set(message, { newUid: uid });
    const want = { ...record, uid, modseq, createdModseq: modseq, formerUids: lineage({ ...record, uid }, from) };
    return { uid, left: null, right: null, want };
  });
}

/** All UIDs the message had but the one it has now. */
function lineage(record: LiveRecord, from: readonly Loose[]): readonly number[] {
  const uids = from.reduce<readonly number[]>(
    (all, message) => mergeUids(mergeUids(all, [message.record.uid]), message.record.formerUids),
    record.formerUids,
  );
  return uids.filter((uid) => uid !== record.uid).toSorted((a, b) => a - b);
}

/** The decisions with what reunion and renumbering added to them; a UID with two messages (M05) gets one for each. */
function annotate(
  decisions: readonly Decision[],
  notes: ReadonlyMap<Loose, Partial<Decision>>,
  loose: readonly Loose[],
): Decision[] {
  const byUid = new Map<number, Loose[]>();
  for (const message of loose) byUid.set(message.record.uid, [...(byUid.get(message.record.uid) ?? []), message]);
  return decisions.flatMap((decision) => {
    const messages = (byUid.get(decision.uid) ?? []).filter((message) => notes.has(message));
    return messages.length === 0 ? [decision] : messages.map((message) => ({ ...decision, ...notes.get(message) }));
  });
}
