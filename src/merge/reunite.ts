/**
 * Finds out which loose messages of the two sides are one message: by their UIDs, old and new, then by GUID.
 *
 * Without it a merge that was applied on one side only, or mail delivered to both sides, would leave a copy (P7), and
 * an expunge would be undone by a renumbering elsewhere (P6).
 */
import type { Loose } from "./decide.ts";
import type { Kin, Known, SideName } from "./identity.ts";

/** What becomes of the loose messages; each is in exactly one of the lists. */
export interface Reunion {
  /** One message on both sides, one of each. */
  readonly pairs: readonly (readonly [left: Loose, right: Loose])[];
  /** Expunged on the other side under another UID. */
  readonly expunged: readonly Buried[];
  /** Known to one side only. */
  readonly single: readonly Loose[];
}

/** A loose message, and the grave by which the other side knows it. */
export interface Buried {
  readonly message: Loose;
  readonly grave: Known;
}

export function reunite(loose: readonly Loose[], kin: readonly Kin[]): Reunion {
  const open = new Map(loose.map((message) => [keyOf(message.side, message.record.uid), message]));
  const pairs: [Loose, Loose][] = [];
  const expunged: Buried[] = [];
  for (const { left, right } of kin) {
    const mine = left.expunged ? undefined : open.get(keyOf("left", left.uid));
    const theirs = right.expunged ? undefined : open.get(keyOf("right", right.uid));
    if (mine !== undefined && theirs !== undefined) pairs.push([mine, theirs]);
    else if (mine !== undefined && right.expunged) expunged.push({ message: mine, grave: right });
    else if (theirs !== undefined && left.expunged) expunged.push({ message: theirs, grave: left });
    else continue;
    for (const message of [mine, theirs])
      if (message !== undefined) open.delete(keyOf(message.side, message.record.uid));
  }
  for (const [mine, theirs] of sameGuid([...open.values()])) {
    pairs.push([mine, theirs]);
    open.delete(keyOf("left", mine.record.uid));
    open.delete(keyOf("right", theirs.record.uid));
  }
  return { pairs, expunged, single: [...open.values()] };
}

function keyOf(side: SideName, uid: number): string {
  return `${side} ${uid}`;
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
