/**
 * The merge of two mailboxes of one uidValidity: rows M01 to M11, then reunion, new UIDs and modseqs.
 *
 * Pure: a plan is a value. Both roles compute the same plan, mirrored (P10).
 */
import { TandemError } from "../model/errors.ts";
import { type IndexRecord, type LiveRecord, MAX_UID } from "../model/record.ts";
import { mergeLive, mergeUids, withGraves } from "./combine.ts";
import { type Decided, decideSlots, type Loose } from "./decide.ts";
import { type Kin, lineageOf } from "./identity.ts";
import type { Decision, MergeInput, MergePlan } from "./plan.ts";
import { type Buried, reunite } from "./reunite.ts";
import { settle, type Wish } from "./settle.ts";

/** A message that gets a new UID, with all UIDs it ever had and the records it has now. */
interface Renumbered {
  readonly record: LiveRecord;
  /** Ascending. */
  readonly uids: readonly number[];
  readonly from: readonly Loose[];
}

/**
 * Plans how both sides become identical.
 * @throws TandemError `limit` if the UIDs of the mailbox are used up.
 */
export function planMerge(input: MergeInput): MergePlan {
  const { slots, loose, decisions, kin } = decideSlots(input);
  const { pairs, expunged, single } = reunite(loose, kin);
  const byUid = new Map(slots.map((slot) => [slot.uid, slot]));
  const notes = new Map<Loose, Partial<Decision>>();
  const purgedModseq = Math.max(input.left.purgedModseq, input.right.purgedModseq);
  for (const one of expunged) {
    bury(one, byUid, purgedModseq);
    notes.set(one.message, { reason: "expunged on the other side under a UID it had before: expunge wins" });
  }
  for (const one of kin) joinGraves(one, byUid, purgedModseq);
  const renumbered = single.filter((message) => !message.arrives).map((message) => toNewUid([message]));
  for (const [left, right] of pairs) {
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

/**
 * A loose message that was expunged on the other side under another UID: its own UID is a tombstone from now on. One
 * message has one grave, that of the other side, which names all UIDs the message is known to have had; a second one would
 * be taken for that of another message. Only if that grave falls to the purge, the message's own UID gets it.
 */
function bury({ message: { record }, grave }: Buried, byUid: ReadonlyMap<number, Decided>, purgedModseq: number): void {
  const slot = byUid.get(record.uid) as Decided;
  if (!slot.want.expunged) slot.want = { expunged: true, uid: slot.uid, modseq: 0, graves: [] };
  const to = grave.modseq > purgedModseq ? byUid.get(grave.uid) : slot;
  if (to !== undefined) engrave(to, record.guid, mergeUids(grave.lineage, lineageOf(record)));
}

/**
 * Both sides expunged it, under two UIDs: the lower one keeps the grave, unless it falls to the purge, and the other loses
 * it, unless it is another's too.
 */
function joinGraves({ left, right }: Kin, byUid: ReadonlyMap<number, Decided>, purgedModseq: number): void {
  if (!left.expunged || !right.expunged || left.uid === right.uid) return;
  const [low, high] = left.uid < right.uid ? [left, right] : [right, left];
  if (low.modseq <= purgedModseq) return;
  const [keeps, loses] = [byUid.get(low.uid), byUid.get(high.uid)];
  if (keeps === undefined || !loses?.want.expunged || hasGrave(loses[high === left ? "right" : "left"], high.guid))
    return;
  engrave(keeps, low.guid, mergeUids(low.lineage, high.lineage));
  loses.want = { ...loses.want, graves: loses.want.graves.filter((grave) => grave.guid !== high.guid) };
}

function hasGrave(record: IndexRecord | null, guid: string): boolean {
  return record?.expunged === true && record.graves.some((grave) => grave.guid === guid);
}

/** Puts a grave into a tombstone. */
function engrave(slot: Decided, guid: string, uids: readonly number[]): void {
  if (slot.want.expunged)
    slot.want = withGraves(slot.want, [{ guid, formerUids: uids.filter((uid) => uid !== slot.uid) }]);
}

/** A message that one side brings under a new UID, and that the other side has to renumber: it takes that UID. */
function join(arrival: Loose, other: Loose, byUid: Map<number, Decided>, notes: Map<Loose, Partial<Decision>>): void {
  const slot = byUid.get(arrival.record.uid) as Decided;
  slot.want = {
    ...mergeLive(arrival.record, other.record),
    createdModseq: arrival.record.createdModseq,
    formerUids: uidsOf([arrival, other]).filter((uid) => uid !== arrival.record.uid),
  };
  notes.set(other, {
    newUid: slot.uid,
    reason: "the other side has the same message under a later UID: it takes that",
  });
}

function toNewUid(from: readonly Loose[]): Renumbered {
  const [first, second] = from as [Loose, Loose?];
  const record = second === undefined ? first.record : mergeLive(first.record, second.record);
  return { record, uids: uidsOf(from), from };
}

/** The order of new UIDs: by oldest UID, then GUID, then the other UIDs; the same in both roles. */
function byAge(a: Renumbered, b: Renumbered): number {
  const oldest = (a.uids[0] as number) - (b.uids[0] as number);
  if (oldest !== 0) return oldest;
  if (a.record.guid !== b.record.guid) return a.record.guid < b.record.guid ? -1 : 1;
  const at = a.uids.findIndex((uid, i) => uid !== b.uids[i]);
  return at < 0 ? a.uids.length - b.uids.length : (a.uids[at] as number) - (b.uids[at] ?? 0);
}

/** New UIDs from `firstNew` upward. */
function numberAnew(
  renumbered: readonly Renumbered[],
  firstNew: number,
  modseq: number,
  notes: Map<Loose, Partial<Decision>>,
): Wish[] {
  if (firstNew + renumbered.length > MAX_UID + 1)
    throw new TandemError("limit", "The UIDs of this mailbox are used up; move its messages to a new mailbox.");
  return renumbered.toSorted(byAge).map(({ record, uids, from }, i) => {
    const uid = firstNew + i;
    for (const message of from) notes.set(message, { newUid: uid });
    const want = { ...record, uid, modseq, createdModseq: modseq, formerUids: uids };
    return { uid, left: null, right: null, want };
  });
}

/** All UIDs that a message, known under one record or two, ever had. */
function uidsOf(from: readonly Loose[]): readonly number[] {
  return from.map(({ record }) => lineageOf(record)).reduce(mergeUids);
}

/** The decisions with what reunion and renumbering added to them; a UID with two messages (M05) gets one for each. */
function annotate(
  decisions: readonly Decision[],
  notes: ReadonlyMap<Loose, Partial<Decision>>,
  loose: readonly Loose[],
): readonly Decision[] {
  if (notes.size === 0) return decisions;
  const byUid = new Map<number, Loose[]>();
  for (const message of loose) byUid.set(message.record.uid, [...(byUid.get(message.record.uid) ?? []), message]);
  return decisions.flatMap((decision) => {
    const messages = (byUid.get(decision.uid) ?? []).filter((message) => notes.has(message));
    return messages.length === 0 ? [decision] : messages.map((message) => ({ ...decision, ...notes.get(message) }));
  });
}
