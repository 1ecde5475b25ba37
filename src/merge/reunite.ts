/**
 * Finds out which loose messages of the two sides are one message: by their UIDs, old and new, then by GUID.
 *
 * Without it a merge that was applied on one side only, or mail delivered to both sides, would leave a copy (P7), and
 * an expunge would be undone by a renumbering elsewhere (P6).
 */
import type { Loose } from "./decide.ts";
import { type Kin, type Known, lineage, type SideName } from "./identity.ts";

/** What becomes of the loose messages; each is in exactly one of the lists. */
export interface Reunion {
  /** One message on both sides, one of each. */
  readonly pairs: readonly (readonly [left: Loose, right: Loose])[];
  /** Expunged on the other side under another UID. */
  readonly expunged: readonly Buried[];
  /** Known to one side only. */
  readonly single: readonly Loose[];
}

/** A loose message that was expunged on the other side, and whether its UID is among those of that grave. */
export interface Buried {
  readonly message: Loose;
  readonly named: boolean;
}

export function reunite(loose: readonly Loose[], kin: readonly Kin[]): Reunion {
  const open = new Map(loose.map((message) => [keyOf(message.side, message.record), message]));
  const pairs: [Loose, Loose][] = [];
  const expunged: Buried[] = [];
  for (const { left, right } of kin) {
    const [mine, theirs] = [open.get(keyOf("left", left)), open.get(keyOf("right", right))];
    if (mine !== undefined && theirs !== undefined) pairs.push([mine, theirs]);
    else if (mine !== undefined && right.expunged) expunged.push(buried(mine, right));
    else if (theirs !== undefined && left.expunged) expunged.push(buried(theirs, left));
    else continue;
    open.delete(keyOf("left", left));
    open.delete(keyOf("right", right));
  }
  for (const [mine, theirs] of sameGuid([...open.values()])) {
    pairs.push([mine, theirs]);
    open.delete(keyOf("left", mine.record));
    open.delete(keyOf("right", theirs.record));
  }
  return { pairs, expunged, single: [...open.values()] };
}

function keyOf(side: SideName, { uid, guid }: Pick<Known, "uid" | "guid">): string {
  return `${side} ${uid} ${guid}`;
}

function buried(message: Loose, grave: Known): Buried {
  return { message, named: lineage(grave).includes(message.record.uid) };
}

/** Pairs what is left by GUID, in UID order. Only one side can have messages that arrive, so a pair has at most one. */
function sameGuid(loose: readonly Loose[]): [Loose, Loose][] {
  const right = new Map<string, Loose[]>();
  for (const message of loose) {
    if (message.side === "left") continue;
    const group = right.get(message.record.guid);
    if (group === undefined) right.set(message.record.guid, [message]);
    else group.push(message);
  }
  const pairs: [Loose, Loose][] = [];
  for (const message of loose) {
    const partner = message.side === "left" ? takeOther(right.get(message.record.guid) ?? [], message) : null;
    if (partner !== null) pairs.push([message, partner]);
  }
  return pairs;
}

/** Takes the first that does not stand under the same UID: those two are known to be different messages. */
function takeOther(group: Loose[], { record }: Loose): Loose | null {
  const at = group.findIndex((message) => message.record.uid !== record.uid);
  return at < 0 ? null : (group.splice(at, 1)[0] ?? null);
}
