/**
 * Finds out which loose messages of the two sides are one message: by former UIDs, then by GUID.
 *
 * Without it a merge that was applied on one side only, or mail delivered to both sides, would leave a copy (P7), and
 * an expunge would be undone by a renumbering elsewhere (P6).
 */
import type { Grave, IndexRecord, LiveRecord } from "../model/record.ts";
import { mergeUids } from "./combine.ts";
import type { Decided, Loose, SideName } from "./decide.ts";

/** What becomes of the loose messages; each is in exactly one of the lists. */
export interface Reunion {
  /** One message on both sides, one of each. */
  readonly pairs: readonly { readonly left: Loose; readonly right: Loose }[];
  /** Expunged on the other side under another UID. */
  readonly expunged: readonly Loose[];
  /** Known to one side only. */
  readonly single: readonly Loose[];
}

/** A message expunged on `side` that the other side does not know to be expunged. */
interface OpenGrave {
  readonly side: SideName;
  readonly uid: number;
  readonly grave: Grave;
}

interface Candidate<A, B> {
  readonly a: A;
  readonly b: B;
  readonly low: number;
  readonly high: number;
}

export function reunite(loose: readonly Loose[], slots: readonly Decided[]): Reunion {
  const open = new Set(loose);
  const pairs: { left: Loose; right: Loose }[] = [];
  const pair = (left: Loose, right: Loose) => {
    pairs.push({ left, right });
    open.delete(left);
    open.delete(right);
  };
  for (const { a, b } of kin(onSide(loose, "left"), onSide(loose, "right"))) pair(a, b);
  const expunged = buried([...open], openGraves(slots));
  for (const message of expunged) open.delete(message);
  for (const [left, right] of sameGuid([...open])) pair(left, right);
  return { pairs, expunged, single: [...open] };
}

function onSide(loose: readonly Loose[], side: SideName): Loose[] {
  return loose.filter((message) => message.side === side);
}

/** All UIDs a message is known to have had. */
function lineage(uid: number, formerUids: readonly number[]): readonly number[] {
  return mergeUids([uid], formerUids);
}

/** Messages of both sides that once had one UID: each at most once, the lowest UIDs first. */
function kin(left: readonly Loose[], right: readonly Loose[]): Candidate<Loose, Loose>[] {
  const byGuid = groupBy(right, (message) => message.record.guid);
  const candidates = left.flatMap((a) =>
    (byGuid.get(a.record.guid) ?? []).filter((b) => related(a.record, b.record)).map((b) => candidate(a, b)),
  );
  return eachOnce(candidates);
}

function candidate(a: Loose, b: Loose): Candidate<Loose, Loose> {
  const uids = [a.record.uid, b.record.uid] as const;
  return { a, b, low: Math.min(...uids), high: Math.max(...uids) };
}

function related(a: LiveRecord, b: { readonly uid: number; readonly formerUids: readonly number[] }): boolean {
  if (a.formerUids.length === 0 && b.formerUids.length === 0) return false;
  const uids = new Set(lineage(a.uid, a.formerUids));
  return lineage(b.uid, b.formerUids).some((uid) => uids.has(uid));
}

/** Loose messages that the other side expunged under a UID they once had. */
function buried(loose: readonly Loose[], graves: readonly OpenGrave[]): Loose[] {
  const byGuid = groupBy(graves, (open) => open.grave.guid);
  const candidates = loose.flatMap((a) =>
    (byGuid.get(a.record.guid) ?? [])
      .filter((b) => b.side !== a.side && related(a.record, { uid: b.uid, formerUids: b.grave.formerUids }))
      .map((b) => ({ a, b, low: a.record.uid, high: b.uid })),
  );
  return eachOnce(candidates).map(({ a }) => a);
}

/** Graves whose message the other side does not hold, live or expunged, under the same UID. */
function openGraves(slots: readonly Decided[]): OpenGrave[] {
  return slots.flatMap((slot) =>
    slot.row === "M11" ? [] : [...gravesOf(slot, "left", slot.right), ...gravesOf(slot, "right", slot.left)],
  );
}

function gravesOf(slot: Decided, side: SideName, other: IndexRecord | null): OpenGrave[] {
  const own = slot[side];
  if (own === null || !own.expunged) return [];
  return own.graves.filter((grave) => !holds(other, grave.guid)).map((grave) => ({ side, uid: slot.uid, grave }));
}

function holds(record: IndexRecord | null, guid: string): boolean {
  if (record === null) return false;
  return record.expunged ? record.graves.some((grave) => grave.guid === guid) : record.guid === guid;
}

/** Pairs what is left by GUID, in UID order. Only one side can have messages that arrive, so a pair has at most one. */
function sameGuid(loose: readonly Loose[]): [Loose, Loose][] {
  const right = groupBy(onSide(loose, "right"), (message) => message.record.guid);
  const pairs: [Loose, Loose][] = [];
  for (const left of onSide(loose, "left")) {
    const partner = right.get(left.record.guid)?.shift();
    if (partner !== undefined) pairs.push([left, partner]);
  }
  return pairs;
}

function eachOnce<A, B>(candidates: Candidate<A, B>[]): Candidate<A, B>[] {
  const used = new Set<unknown>();
  const chosen: Candidate<A, B>[] = [];
  for (const one of candidates.sort((x, y) => x.low - y.low || x.high - y.high)) {
    if (used.has(one.a) || used.has(one.b)) continue;
    used.add(one.a).add(one.b);
    chosen.push(one);
  }
  return chosen;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
