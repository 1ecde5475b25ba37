/**
 * Which record each message became in an exchange, and what each record stands for afterwards.
 */
import type { LiveRecord } from "../../../src/model/record.ts";
import { areApart, classOf, type Ghost, type Instances, unexpunged, unite } from "./ghost.ts";
import { describeRecord, liveRecords, type ModelNode, recordAt } from "./node.ts";
import { demand } from "./violation.ts";

/** A live record before the exchange. */
export interface Before {
  readonly side: 0 | 1;
  readonly record: LiveRecord;
  readonly set: Instances;
}

/** What became of each message; it is not there for those that are gone. */
export interface Succession {
  readonly found: ReadonlyMap<Before, LiveRecord>;
  /** Records of one GUID where it could have been another. */
  readonly unclear: ReadonlySet<LiveRecord>;
}

/**
 * The record that each message is afterwards: the one under its UID, else one that names all its UIDs among its own. No
 * two messages of one side get the same record if that can be avoided.
 */
export function successorsOf(before: readonly Before[], after: ModelNode): Succession {
  const results = liveRecords(after);
  const found = new Map<Before, LiveRecord>();
  for (const one of before) {
    const same = results.find((record) => record.uid === one.record.uid);
    if (same === undefined) continue;
    demand(same.guid === one.record.guid, "P1", () => `${describeRecord(one.record)} becomes ${describeRecord(same)}`);
    found.set(one, same);
  }
  const moved = before
    .filter((one) => !found.has(one))
    .map((one) => ({ one, heirs: heirsOf(one.record, results) }))
    .sort((a, b) => a.heirs.length - b.heirs.length);
  for (const { one, heirs } of moved) {
    const taken = new Set([...found].filter(([other]) => other.side === one.side).map(([, record]) => record));
    const free = heirs.find((record) => !taken.has(record));
    const heir = free ?? (isBuried(one.record, after) ? undefined : heirs[0]);
    if (heir !== undefined) found.set(one, heir);
  }
  const unclear = new Set(moved.flatMap(({ heirs }) => (heirs.length > 1 ? heirs : [])));
  return { found, unclear };
}

function isBuried({ uid, guid }: LiveRecord, after: ModelNode): boolean {
  const record = recordAt(after, uid);
  return record?.expunged === true && record.graves.some((grave) => grave.guid === guid);
}

/** Records that can be the message under a new UID, those with the fewest other UIDs first. */
function heirsOf({ uid, guid, formerUids }: LiveRecord, results: readonly LiveRecord[]): LiveRecord[] {
  const uids = [uid, ...formerUids];
  return results
    .filter(
      (record) => record.guid === guid && uids.every((one) => record.uid === one || record.formerUids.includes(one)),
    )
    .sort((a, b) => a.formerUids.length - b.formerUids.length);
}

/** What each record may stand for: more than one possibility where two messages meet under one UID. */
interface Possible {
  readonly uid: number;
  readonly choices: readonly Instances[];
}

/**
 * What each record stands for afterwards, by UID: the messages that became it are one from now on.
 *
 * Messages of one GUID can swap their UIDs on two nodes, where one of them was renumbered to a UID that the other node
 * gave to its copy. Then two messages meet under one UID, which is no loss as long as there is a record for each:
 * GUIDs are counted as multisets. So the choice that leaves out the fewest messages counts.
 */
export function standFor(
  ghost: Ghost,
  origin: ReadonlyMap<LiveRecord, readonly Before[]>,
): [Ghost, ReadonlyMap<number, Instances>] {
  const possible = [...origin].map(([record, from]): Possible => {
    demand(from.length > 0, "P7", () => `${describeRecord(record)} comes from nowhere`);
    return { uid: record.uid, choices: choicesOf(ghost, from) };
  });
  const all = [...origin.values()].flat().reduce((sum, one) => sum | one.set, 0);
  const best = bestChoice(ghost, possible, all);
  let now = ghost;
  for (const set of best.values()) now = unite(now, set, set);
  return [now, best];
}

/** All that became the record and can be one message; or one of them alone. What is doubtful is not taken for another. */
function choicesOf(ghost: Ghost, from: readonly Before[]): Instances[] {
  const sets = from.map((one) => one.set);
  const isDoubtful = (set: Instances) => unexpunged(ghost, set) === 0 && (classOf(ghost, set) & ghost.doubtful) !== 0;
  const sure = sets.every(isDoubtful) ? sets : sets.filter((set) => !isDoubtful(set));
  const choices = sure.map((set) =>
    sure.filter((other) => other === set || !areApart(ghost, set, other)).reduce((sum, other) => sum | other, 0),
  );
  return [...new Set([...choices, ...sets])];
}

function bestChoice(ghost: Ghost, possible: readonly Possible[], all: Instances): Map<number, Instances> {
  let best = new Map<number, Instances>();
  let least = Number.POSITIVE_INFINITY;
  for (const choice of combinations(possible)) {
    const faults = faultsOf(ghost, [...choice.values()], all);
    if (faults >= least) continue;
    [best, least] = [choice, faults];
    if (least === 0) break;
  }
  return best;
}

function* combinations(possible: readonly Possible[]): Generator<Map<number, Instances>> {
  const [first, ...others] = possible;
  if (first === undefined) return yield new Map();
  for (const rest of combinations(others))
    for (const set of first.choices) yield new Map<number, Instances>([[first.uid, set], ...rest]);
}

/** Unexpunged messages without a record, and messages with two. */
function faultsOf(ghost: Ghost, sets: readonly Instances[], all: Instances): number {
  let seen = 0;
  let twice = 0;
  for (const set of sets) {
    const whole = classOf(ghost, set);
    twice |= seen & whole;
    seen |= whole;
  }
  return bits(unexpunged(ghost, all & ~seen)) + bits(twice);
}

function bits(set: Instances): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/**
 * Of two messages of one GUID, a tombstone may take the one for the other, where renumbering has swapped their UIDs. Then
 * as many are there as should be: the one that should have gone stands for the one that went.
 */
export function swapped(
  ghost: Ghost,
  before: readonly Before[],
  results: readonly LiveRecord[],
  live: ReadonlyMap<number, Instances>,
): Map<number, Instances> {
  const after = new Map(live);
  for (const { record, set } of before) {
    const missing = unexpunged(ghost, set & ~allOf(ghost, after));
    if (missing === 0) continue;
    const surplus = results.find(
      ({ guid, uid }) => guid === record.guid && unexpunged(ghost, after.get(uid) ?? 0) === 0,
    );
    if (surplus !== undefined) after.set(surplus.uid, missing);
  }
  return after;
}

/** All instances that some record stands for. */
export function allOf(ghost: Ghost, live: ReadonlyMap<number, Instances>): Instances {
  let all = 0;
  for (const set of live.values()) all |= set;
  return classOf(ghost, all);
}
