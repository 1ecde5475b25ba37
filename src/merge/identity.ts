/**
 * Finds out by UIDs, old and new, which messages of the two sides are one: also where one was renumbered meanwhile.
 *
 * Prevents these: a message renumbered here and expunged there under its old UID comes back; a message renumbered here to
 * a UID that the other side gave to another copy of it is taken for that copy, and an expunge of the one takes the other.
 */
import type { IndexRecord } from "../model/record.ts";
import { mergeUids } from "./combine.ts";
import { sameRecord } from "./equal.ts";
import type { RecordPair } from "./plan.ts";

export type SideName = "left" | "right";

/** One message that one side knows, live or expunged. */
export interface Known {
  readonly guid: string;
  readonly uid: number;
  /** All UIDs it is known to have had, ascending. */
  readonly lineage: readonly number[];
  /** Of its record. */
  readonly modseq: number;
  readonly expunged: boolean;
}

/** One message as both sides know it. */
export interface Kin {
  readonly left: Known;
  readonly right: Known;
}

interface Candidate extends Kin {
  /** UIDs that only one of the two ever had: the fewer, the surer that they are one. */
  readonly strange: number;
}

/** More messages than this that claim to have had one UID are no evidence, but a burden: 100 on each side. */
const MAX_CLAIMS = 10_000;

/** All UIDs a record's message is known to have had, ascending. */
export function lineageOf({ uid, formerUids }: { uid: number; formerUids: readonly number[] }): readonly number[] {
  return mergeUids([uid], formerUids);
}

/**
 * Pairs up the messages of all GUIDs of which some message was renumbered, each at most once. For all others the UID
 * says it all.
 *
 * @param since modseq of the base, 0 without one: both sides knew the graves of then, so they prove nothing now.
 */
export function findKin(pairs: readonly RecordPair[], since: number): Kin[] {
  // As a rule nothing was renumbered: then there is no need to gather the messages of every GUID.
  if (!pairs.some(({ left, right }) => hasFormerUids(left) || hasFormerUids(right))) return [];
  const differing = pairs.filter(({ left, right }) => left === null || right === null || !sameRecord(left, right));
  const left = byGuid(differing, "left", since);
  const right = byGuid(differing, "right", since);
  return [...left].flatMap(([guid, mine]) => {
    const theirs = right.get(guid) ?? [];
    return [...mine, ...theirs].some(({ lineage }) => lineage.length > 1) ? matched(mine, theirs) : [];
  });
}

function hasFormerUids(record: IndexRecord | null): boolean {
  if (record === null) return false;
  return record.expunged ? record.graves.some(({ formerUids }) => formerUids.length > 0) : record.formerUids.length > 0;
}

/**
 * Greedy, the surest first; in a tie those that began under one UID, then live with live and expunged with expunged, then
 * what stands under one UID now.
 */
function matched(left: readonly Known[], right: readonly Known[]): Kin[] {
  const used = new Set<Known>();
  return candidates(left, right)
    .sort(compare)
    .filter((one) => {
      if (used.has(one.left) || used.has(one.right)) return false;
      used.add(one.left).add(one.right);
      return true;
    });
}

/** All that share a UID, each once. */
function candidates(left: readonly Known[], right: readonly Known[]): Candidate[] {
  const [mine, theirs] = [byEachUid(left), byEachUid(right)];
  const found = new Map<Known, Map<Known, Candidate>>();
  for (const [uid, some] of mine) {
    const others = theirs.get(uid) ?? [];
    if (some.length * others.length > MAX_CLAIMS) continue;
    for (const one of some) {
      const known = found.get(one) ?? new Map<Known, Candidate>();
      found.set(one, known);
      for (const other of others) {
        const candidate = known.has(other) ? null : candidateOf(one, other);
        if (candidate !== null) known.set(other, candidate);
      }
    }
  }
  return [...found.values()].flatMap((known) => [...known.values()]);
}

function candidateOf(left: Known, right: Known): Candidate | null {
  const all = mergeUids(left.lineage, right.lineage).length;
  if (left.expunged !== right.expunged && !isCertain(left, right, all)) return null;
  return { left, right, strange: 2 * all - left.lineage.length - right.lineage.length };
}

/**
 * Whether a grave is certainly that of a live message: they began under one UID, or one has all UIDs of the other. Else a
 * UID that both had may have been given to two messages. In doubt, keep.
 */
function isCertain(left: Known, right: Known, all: number): boolean {
  return left.lineage[0] === right.lineage[0] || all === Math.max(left.lineage.length, right.lineage.length);
}

function compare(a: Candidate, b: Candidate): number {
  const [ranksA, ranksB] = [ranks(a), ranks(b)];
  for (const [i, rank] of ranksA.entries()) {
    const difference = rank - (ranksB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The lowest comes first. The UIDs at the end make the order the same in both roles. */
function ranks({ left, right, strange }: Candidate): number[] {
  const origins = left.lineage[0] === right.lineage[0] ? 0 : 1;
  const kinds = left.expunged === right.expunged ? 0 : 1;
  const places = left.uid === right.uid ? 0 : 1;
  return [strange, origins, kinds, places, Math.min(left.uid, right.uid), Math.max(left.uid, right.uid)];
}

function byEachUid(all: readonly Known[]): Map<number, Known[]> {
  const groups = new Map<number, Known[]>();
  for (const known of all) for (const uid of known.lineage) addTo(groups, uid, known);
  return groups;
}

function byGuid(pairs: readonly RecordPair[], side: SideName, since: number): Map<string, Known[]> {
  const groups = new Map<string, Known[]>();
  for (const pair of pairs) for (const known of knownBy(pair[side], since)) addTo(groups, known.guid, known);
  return groups;
}

function addTo<K>(groups: Map<K, Known[]>, key: K, known: Known): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [known]);
  else group.push(known);
}

function knownBy(record: IndexRecord | null, since: number): Known[] {
  if (record === null || (record.expunged && record.modseq <= since)) return [];
  const { uid, modseq, expunged } = record;
  return (record.expunged ? record.graves : [record]).map(({ guid, formerUids }) => {
    return { guid, uid, lineage: lineageOf({ uid, formerUids }), modseq, expunged };
  });
}
