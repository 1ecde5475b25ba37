/**
 * Finds out by UIDs, old and new, which messages of the two sides are one: also where one was renumbered meanwhile.
 *
 * Prevents these: a message renumbered here and expunged there under its old UID comes back; a message renumbered here to
 * a UID that the other side gave to another copy of it is taken for that copy, and an expunge of the one takes the other.
 */
import { mergeUids } from "./combine.ts";
import { sameRecord } from "./equal.ts";
import type { RecordPair } from "./plan.ts";

export type SideName = "left" | "right";

/** One message that one side knows, live or expunged. */
export interface Known {
  readonly guid: string;
  readonly uid: number;
  /** UIDs it had before. */
  readonly formerUids: readonly number[];
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

/** All UIDs a message is known to have had. */
export function lineage({ uid, formerUids }: Pick<Known, "uid" | "formerUids">): readonly number[] {
  return mergeUids([uid], formerUids);
}

/**
 * Pairs up the messages of all GUIDs of which some message was renumbered, each at most once. For all others the UID
 * says it all.
 *
 * @param purgedModseq of the merged mailbox: older graves prove nothing, since both sides forget them.
 */
export function findKin(pairs: readonly RecordPair[], purgedModseq: number): Kin[] {
  const differing = pairs.filter(({ left, right }) => left === null || right === null || !sameRecord(left, right));
  const left = byGuid(differing, "left", purgedModseq);
  const right = byGuid(differing, "right", purgedModseq);
  return [...left].flatMap(([guid, mine]) => {
    const theirs = right.get(guid) ?? [];
    return [...mine, ...theirs].some((known) => known.formerUids.length > 0) ? matched(mine, theirs) : [];
  });
}

/** Greedy, the surest first; in a tie live with live and expunged with expunged, then what stands under one UID. */
function matched(left: readonly Known[], right: readonly Known[]): Kin[] {
  const candidates = left.flatMap((mine) => right.flatMap((theirs) => candidate(mine, theirs) ?? []));
  const used = new Set<Known>();
  return candidates.sort(compare).filter((one) => {
    if (used.has(one.left) || used.has(one.right)) return false;
    used.add(one.left).add(one.right);
    return true;
  });
}

function candidate(left: Known, right: Known): Candidate | null {
  const both = lineage(left).length + lineage(right).length;
  const all = mergeUids(lineage(left), lineage(right)).length;
  return all === both ? null : { left, right, strange: 2 * all - both };
}

function compare(a: Candidate, b: Candidate): number {
  const [ranksA, ranksB] = [ranks(a), ranks(b)];
  for (const [i, rank] of ranksA.entries()) {
    const difference = rank - (ranksB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function ranks({ left, right, strange }: Candidate): number[] {
  const kinds = left.expunged === right.expunged ? 0 : 1;
  const uids = left.uid === right.uid ? 0 : 1;
  return [strange, kinds, uids, Math.min(left.uid, right.uid), Math.max(left.uid, right.uid)];
}

function byGuid(pairs: readonly RecordPair[], side: SideName, purgedModseq: number): Map<string, Known[]> {
  const groups = new Map<string, Known[]>();
  for (const pair of pairs) {
    for (const known of knownBy(pair, side, purgedModseq)) {
      const group = groups.get(known.guid);
      if (group === undefined) groups.set(known.guid, [known]);
      else group.push(known);
    }
  }
  return groups;
}

function knownBy(pair: RecordPair, side: SideName, purgedModseq: number): readonly Known[] {
  const record = pair[side];
  if (record === null) return [];
  if (!record.expunged) return [record];
  if (record.modseq <= purgedModseq) return [];
  return record.graves.map((grave) => ({ ...grave, uid: pair.uid, expunged: true }));
}
