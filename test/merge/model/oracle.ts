/**
 * Judges one exchange by what the all-knowing observer remembers: P6, P7 and P8, GUIDs counted as multisets.
 *
 * Bounds, per exchange and per GUID, with "left only" meaning what stands on the left and not under the same UID on the
 * right: every message that nobody expunged is there afterwards, once; two messages stay two if any node ever had
 * both; a left-only and a right-only message of one GUID become one (the same mail delivered to both), so that of n and
 * m of them max(n, m) remain; no message that is expunged under a tombstone either side still has is there afterwards.
 * Where a purge has dropped the tombstone and no base proves anything, a message may stay: in doubt, keep.
 */
import { flagsByName, stampOf } from "../../../src/model/flags.ts";
import type { LiveRecord } from "../../../src/model/record.ts";
import type { AgreedState } from "../../../src/model/state.ts";
import {
  areApart,
  classOf,
  type Ghost,
  type Instances,
  isConfused,
  messagesOf,
  setApart,
  unexpunged,
  unite,
} from "./ghost.ts";
import { allOf, type Before, standFor, successorsOf, swapped } from "./heirs.ts";
import { describeRecord, liveRecords, MODEL_FLAGS, type ModelNode } from "./node.ts";
import { demand } from "./violation.ts";

/** What the observer knows of one node. */
export interface Knowledge {
  /** The instances that each live UID stands for. */
  readonly live: ReadonlyMap<number, Instances>;
  /** Instances expunged as this node has heard, by UID (former ones too) and GUID; purging does not forget them. */
  readonly graves: ReadonlyMap<string, Instances>;
}

export const NO_KNOWLEDGE: Knowledge = { live: new Map(), graves: new Map() };

/** A node as it was when the exchange was planned, with what the observer knows of it. */
export interface Witness {
  readonly node: ModelNode;
  readonly knowledge: Knowledge;
}

export interface Verdict {
  readonly ghost: Ghost;
  /** Of both nodes, once each has applied its part. */
  readonly knowledge: Knowledge;
  /** Instances that got a UID which no node had for them before. */
  readonly renumbered: Instances;
}

export function graveKey(uid: number, guid: string): string {
  return `${uid}/${guid}`;
}

/** All instances with this GUID that the node knows to be expunged. */
export function buriedOf({ graves }: Knowledge, guid: string): Instances {
  let all = 0;
  for (const [key, set] of graves) if (key.endsWith(guid)) all |= set;
  return all;
}

/** The graves of a node with one more: found under each UID the message ever had. */
export function withGrave(graves: ReadonlyMap<string, Instances>, record: LiveRecord, set: Instances) {
  const next = new Map(graves);
  for (const uid of [record.uid, ...record.formerUids]) {
    const key = graveKey(uid, record.guid);
    next.set(key, (next.get(key) ?? 0) | set);
  }
  return next;
}

/**
 * @param after the mailbox both sides have afterwards.
 * @throws Violation P6, P7, P8 or P1.
 */
export function judge(
  ghost: Ghost,
  sides: readonly [Witness, Witness],
  after: ModelNode,
  base: AgreedState | null,
): Verdict {
  const results = liveRecords(after);
  const before = [...beforeOf(sides[0], 0), ...beforeOf(sides[1], 1)];
  const origin = new Map<LiveRecord, Before[]>(results.map((record) => [record, []]));
  const { found: successors, unclear } = successorsOf(before, after);
  const dead: Before[] = [];
  for (const one of before) {
    const became = successors.get(one);
    if (became === undefined) dead.push(one);
    else origin.get(became)?.push(one);
  }
  const [united, found] = standFor(ghost, origin);
  const now = dead.reduce((known, one) => uniteWithGraves(known, one, sides, found), united);
  const live = swapped(now, before, results, found);
  for (const one of dead) checkDeath(now, one, live);
  for (const [record, from] of origin) {
    if (!unclear.has(record)) checkFlags(record, from);
    checkBurial({ ghost: now, sides, base, before }, record, from, live);
  }
  checkPairing(now, origin, live);
  return {
    ghost: checkOnce(now, results, live),
    knowledge: { live, graves: gravesAfter(sides, dead, allOf(now, live)) },
    renumbered: renumberedOf(origin, live),
  };
}

/** What both nodes know to be expunged, without what turned out to be there under another UID (`alive`). */
function gravesAfter(
  sides: readonly [Witness, Witness],
  dead: readonly Before[],
  alive: Instances,
): Map<string, Instances> {
  const graves = new Map(sides[0].knowledge.graves);
  for (const [key, set] of sides[1].knowledge.graves) graves.set(key, (graves.get(key) ?? 0) | set);
  return dead.reduce((all, { record, set }) => withGrave(all, record, set & ~alive), graves);
}

function renumberedOf(
  origin: ReadonlyMap<LiveRecord, readonly Before[]>,
  live: ReadonlyMap<number, Instances>,
): Instances {
  let all = 0;
  for (const [record, from] of origin)
    if (from.every((one) => one.record.uid !== record.uid)) all |= live.get(record.uid) ?? 0;
  return all;
}

function beforeOf({ node, knowledge }: Witness, side: 0 | 1): Before[] {
  return liveRecords(node).map((record) => ({ side, record, set: knowledge.live.get(record.uid) ?? 0 }));
}

/** A message that is not there any more is one with those expunged under its UIDs, if they can be one message. */
function uniteWithGraves(
  ghost: Ghost,
  one: Before,
  sides: readonly [Witness, Witness],
  live: ReadonlyMap<number, Instances>,
): Ghost {
  const missing = one.set & ~allOf(ghost, live);
  let now = ghost;
  for (const { knowledge } of sides)
    for (const uid of [one.record.uid, ...one.record.formerUids]) {
      const buried = knowledge.graves.get(graveKey(uid, one.record.guid)) ?? 0;
      if (buried !== 0 && missing !== 0 && !areApart(now, missing, buried)) now = unite(now, missing, buried);
    }
  return now;
}

/** A message that is not there any more under any UID was expunged by somebody, as one side knew (P6). */
function checkDeath(ghost: Ghost, one: Before, live: ReadonlyMap<number, Instances>): void {
  const missing = one.set & ~allOf(ghost, live);
  demand(unexpunged(ghost, missing) === 0, "P6", () => `${describeRecord(one.record)} is lost, nobody expunged it`);
}

/** Per flag the newest stamp of all that became this record wins, a set flag on equal stamps (P8); the lowest date (P1). */
function checkFlags(record: LiveRecord, from: readonly Before[]): void {
  const names = from.map((one) => flagsByName(one.record));
  const has = flagsByName(record);
  for (const flag of MODEL_FLAGS.map((name) => name.toLowerCase())) {
    const stamps = from.map((one) => stampOf(one.record.flagStamps, flag));
    const newest = Math.max(...stamps);
    const value = stamps.some((stamp, i) => stamp === newest && names[i]?.has(flag));
    demand(has.has(flag) === value && stampOf(record.flagStamps, flag) === newest, "P8", () => {
      return `${flag} is wrong in ${describeRecord(record)}, made of ${from.map((one) => describeRecord(one.record))}`;
    });
  }
  const date = Math.min(...from.map((one) => one.record.internalDate));
  demand(record.internalDate === date, "P1", () => `the date of ${describeRecord(record)} is not ${date}`);
}

interface Evidence {
  readonly ghost: Ghost;
  readonly sides: readonly [Witness, Witness];
  readonly base: AgreedState | null;
  readonly before: readonly Before[];
}

/**
 * A message that is expunged for all its instances must not live on where a tombstone or the base proves it (P6), unless
 * it stands for another one that is expunged without a proof, and gone.
 */
function checkBurial(
  evidence: Evidence,
  record: LiveRecord,
  from: readonly Before[],
  live: Map<number, Instances>,
): void {
  const { ghost, before } = evidence;
  const set = live.get(record.uid) ?? 0;
  if (isConfused(ghost, record.guid)) return;
  if (unexpunged(ghost, set) !== 0 || (set & ~provenGone(evidence, from)) !== 0) return;
  const same = before.filter((one) => one.record.guid === record.guid);
  const all = same.reduce((sum, one) => sum | one.set, 0);
  const doubtful = all & ~provenGone(evidence, same) & ~allOf(ghost, live);
  demand(doubtful !== 0, "P6", () => `${describeRecord(record)} lives, though it was expunged`);
  live.set(record.uid, doubtful);
}

/** Instances whose expunge a tombstone of either side proves, or the base. */
function provenGone({ ghost, sides, base }: Evidence, from: readonly Before[]): Instances {
  const guid = from[0]?.record.guid ?? "";
  const purged = Math.max(...sides.map(({ node }) => node.state.purgedModseq));
  const uids = new Set(from.map((one) => one.record.uid));
  let proven = 0;
  for (const { node, knowledge } of sides)
    for (const record of node.records) {
      if (!record.expunged || !record.graves.some((grave) => grave.guid === guid)) continue;
      if (record.modseq > purged || uids.has(record.uid))
        proven |= knowledge.graves.get(graveKey(record.uid, guid)) ?? 0;
    }
  for (const one of from) if (base !== null && one.record.uid < base.uidNext) proven |= goneSinceBase(one, from, sides);
  return classOf(ghost, proven);
}

/** What stood under this UID on both sides at the base, and was expunged and purged on the other one. */
function goneSinceBase(one: Before, from: readonly Before[], sides: readonly [Witness, Witness]): Instances {
  const other = sides[one.side === 0 ? 1 : 0].knowledge;
  const isHere = from.every(({ side }) => side === one.side);
  if (!isHere || other.live.has(one.record.uid)) return 0;
  return other.graves.get(graveKey(one.record.uid, one.record.guid)) ?? 0;
}

/** No left-only message stands beside a right-only one of the same GUID, unless they are known to be two (P7). */
function checkPairing(
  ghost: Ghost,
  origin: ReadonlyMap<LiveRecord, readonly Before[]>,
  live: ReadonlyMap<number, Instances>,
): void {
  const only = (side: 0 | 1) => [...origin].filter(([, from]) => from.every((one) => one.side === side));
  for (const [mine] of only(0)) {
    for (const [theirs] of only(1)) {
      if (mine.guid !== theirs.guid) continue;
      const apart = areApart(ghost, live.get(mine.uid) ?? 0, live.get(theirs.uid) ?? 0);
      demand(apart, "P7", () => `the same mail twice: ${describeRecord(mine)}, ${describeRecord(theirs)}`);
    }
  }
}

/** No instance stands under two UIDs (P7); what stands side by side now is two messages for ever. */
export function checkOnce(ghost: Ghost, records: readonly LiveRecord[], live: ReadonlyMap<number, Instances>): Ghost {
  let now = ghost;
  for (const [i, a] of records.entries()) {
    for (const b of records.slice(i + 1)) {
      if (a.guid !== b.guid) continue;
      const [setA, setB] = [live.get(a.uid) ?? 0, live.get(b.uid) ?? 0];
      const isTwice = (classOf(now, setA) & classOf(now, setB)) !== 0;
      if (isTwice) checkCount(now, a.guid, records);
      else now = setApart(now, setA, setB);
    }
  }
  return now;
}

/** Where nobody can tell the messages of a GUID apart any more, there are at least no more than were accepted. */
function checkCount(ghost: Ghost, guid: string, records: readonly LiveRecord[]): void {
  const same = records.filter((record) => record.guid === guid);
  const enough = isConfused(ghost, guid) && same.length <= messagesOf(ghost, guid);
  demand(enough, "P7", () => `one message twice: ${same.map(describeRecord).join(" and ")}`);
}
