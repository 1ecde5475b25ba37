/**
 * When two worlds are alike: nothing that can happen from now on tells them apart, so it is enough to try one of them.
 *
 * `likeness` gives the same text only to worlds of which one becomes the other by renaming values in ways that neither the
 * rule, nor the model, nor the observer can see, because each only ever compares such values as follows:
 * - GUIDs for equality, and for order where new UIDs are given. So a GUID's rank stands for it. Sizes follow from GUIDs.
 * - Dates, createdModseqs and stamps of one flag only within one GUID, when records become one. So their ranks among the
 *   records of that GUID stand for them.
 * - The modseq of a record with the other side's counters and with the states that cursors name (is it new there, is it
 *   purged there, is it above the base), and with that of the other side's record under the same UID if both could be what
 *   is wanted, which takes equal contents; never with a record under another UID. So it is the same whether a client
 *   changed message 1 and then message 2 or the other way round.
 * - highestModseq and purgedModseq with each other and with the states that cursors name. So their order stands for them.
 * - The observer's instances as members of sets. So their numbers are names.
 * UIDs, flags, and how many there are of everything stand for themselves. An exchange writes a modseq above all others, in
 * both worlds; a client writes one above all of its node. The only such write that the other node does not know yet is the
 * flag that a client of A sets while both drive (see `ways.ts`), so its modseq is ordered among those of B.
 *
 * Cursors themselves, copies to restore, and exchanges under way are left out: only worlds that came from one start without
 * an exchange or a restore since may be compared, and those have the same ones.
 *
 * That this is so is tested: in `alike.test.ts` every history is tried, and alike ones must end alike.
 */
import { sameContent } from "../../../src/merge/equal.ts";
import type { Grave, IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import { type Ghost, type Instances, membersOf } from "./ghost.ts";
import { guidOf, liveRecords, type ModelNode, recordAt } from "./node.ts";
import type { Knowledge } from "./oracle.ts";
import { memberAt, type World } from "./world.ts";

/** The mail that is delivered after crossed exchanges, see `ways.ts`: its place among the others may matter. */
const LATE_MAIL = guidOf(3);

/** What values of one world are compared with. */
interface Frame {
  /** In order; a GUID's rank is its place. */
  readonly guids: readonly string[];
  /** Live records of both nodes. */
  readonly live: readonly LiveRecord[];
  /** Modseqs of the states that some cursor names. */
  readonly agreed: readonly number[];
  /** The modseq of the flag that a client of A sets while both drive; it is above all at A. Infinity if it sets none. */
  readonly flagAtA: number;
}

/** The same text for two worlds only if they are alike. */
export function likeness(world: World): string {
  const [a, b] = [memberAt(world, 0).node, memberAt(world, 1).node];
  const frame = frameOf(world.ghost, a, b);
  return `${countersText(a, b, frame)}|${nodeText(a, b, frame)}|${nodeText(b, a, frame)}|${observerText(world, frame)}`;
}

function frameOf(ghost: Ghost, a: ModelNode, b: ModelNode): Frame {
  const agreed = new Set<number>();
  for (const { cursors } of [a, b])
    for (const cursor of cursors.values())
      agreed.add(cursor.latest.highestModseq).add(cursor.agreed?.highestModseq ?? 0);
  const live = [...liveRecords(a), ...liveRecords(b)];
  const guids = [...new Set([LATE_MAIL, ...ghost.guids])].sort();
  return { guids, live, agreed: [...agreed], flagAtA: flagAtA(a) };
}

/** The flag is set on A's first message; if that has it already, nothing is written. */
function flagAtA(a: ModelNode): number {
  const [first] = liveRecords(a);
  return first === undefined || first.keywords.length > 0 ? Number.POSITIVE_INFINITY : a.state.highestModseq + 1;
}

/** The order of the counters of both; of highestModseq also whether B's is that of A's next change. */
function countersText({ state: a }: ModelNode, { state: b }: ModelNode, { agreed, flagAtA }: Frame): string {
  let text = `${a.uidNext},${b.uidNext}${order(a.highestModseq, b.highestModseq)}${order(flagAtA, b.highestModseq)}`;
  text += order(a.purgedModseq, b.purgedModseq);
  for (const { highestModseq, purgedModseq } of [a, b])
    for (const modseq of agreed) text += order(highestModseq, modseq) + order(purgedModseq, modseq);
  return text;
}

function order(a: number, b: number): string {
  return a === b ? "=" : a < b ? "<" : ">";
}

function nodeText(node: ModelNode, other: ModelNode, frame: Frame): string {
  let text = "";
  for (const record of node.records) {
    const content = record.expunged ? gravesText(record.graves, frame) : liveText(record, frame);
    text += ` ${record.uid}@${modseqText(record, other, frame)}${content}`;
  }
  return text;
}

/** All that the modseq of a node's record is ever compared with. What counts is which of them it is above. */
function modseqText(record: IndexRecord, other: ModelNode, { agreed, flagAtA }: Frame): string {
  const { uid, modseq, expunged } = record;
  const { highestModseq, purgedModseq } = other.state;
  let text = `${modseq > highestModseq ? "n" : ""}${modseq >= flagAtA ? order(modseq, flagAtA) : ""}`;
  if (expunged && modseq > purgedModseq) text += "p";
  for (const one of agreed) text += modseq > one ? "a" : "-";
  const beside = recordAt(other, uid);
  return beside === null || !sameContent(record, beside) ? text : text + order(modseq, beside.modseq);
}

function gravesText(graves: readonly Grave[], { guids }: Frame): string {
  return `-${graves.map(({ guid, formerUids }) => `${guids.indexOf(guid)}^${formerUids}`).join("+")}`;
}

function liveText(record: LiveRecord, { guids, live, flagAtA }: Frame): string {
  const { guid, systemFlags, keywords, flagStamps, formerUids } = record;
  let [older, earlier] = [0, 0];
  for (const other of live) {
    if (other.guid !== guid) continue;
    if (other.createdModseq < record.createdModseq) older++;
    if (other.internalDate < record.internalDate) earlier++;
  }
  let text = `=${guids.indexOf(guid)}c${older}d${earlier}s${systemFlags}`;
  if (keywords.length > 0) text += `k${keywords}`;
  if (formerUids.length > 0) text += `^${formerUids}`;
  for (const { flag, modseq } of flagStamps)
    text += `[${flag} ${lowerStamps(live, guid, flag, modseq)}${modseq >= flagAtA ? order(modseq, flagAtA) : ""}`;
  return text;
}

/** How many records of the GUID have an older stamp of the flag. */
function lowerStamps(live: readonly LiveRecord[], guid: string, flag: string, modseq: number): number {
  let lower = 0;
  for (const other of live) {
    if (other.guid !== guid) continue;
    for (const stamp of other.flagStamps) if (stamp.flag === flag && stamp.modseq < modseq) lower++;
  }
  return lower;
}

/** What the observer knows, with instances named in the order in which they come up here. */
function observerText({ members, ghost }: World, frame: Frame): string {
  const names = new Map<number, number>();
  const name = (set: Instances): string => {
    let text = "";
    for (const instance of membersOf(set)) {
      const known = names.get(instance) ?? names.size;
      if (known === names.size) names.set(instance, known);
      text += `${known}.`;
    }
    return text;
  };
  const known = members.map(({ knowledge }) => knowledgeText(knowledge, frame, name)).join("|");
  return `${known}|${ghostText(ghost, frame, names, name)}`;
}

function knowledgeText({ live, graves }: Knowledge, { guids }: Frame, name: (set: Instances) => string): string {
  let text = "";
  for (const uid of [...live.keys()].sort((a, b) => a - b)) text += `${uid}=${name(live.get(uid) ?? 0)}`;
  for (const key of [...graves.keys()].sort()) {
    const [uid, guid = ""] = key.split("/");
    text += `-${uid}=${guids.indexOf(guid)}:${name(graves.get(key) ?? 0)}`;
  }
  return text;
}

/** Each instance in the order of the names: what it is one with, what it was seen beside, whether it is gone. */
function ghostText(
  ghost: Ghost,
  { guids }: Frame,
  names: ReadonlyMap<number, number>,
  name: (set: Instances) => string,
): string {
  for (const instance of ghost.one.keys()) name(1 << instance);
  let text = "";
  for (const instance of names.keys()) {
    const bit = 1 << instance;
    const state = `${(ghost.gone & bit) === 0 ? "" : "g"}${(ghost.doubtful & bit) === 0 ? "" : "d"}`;
    const others = sorted(name(ghost.apart[instance] ?? 0));
    text += `;${guids.indexOf(ghost.guids[instance] ?? "")}${state}=${sorted(name(ghost.one[instance] ?? 0))}!${others}`;
  }
  return text;
}

/** Names in one order, whatever the bits of the instances. */
function sorted(names: string): string {
  return names.split(".").sort().join(".");
}
