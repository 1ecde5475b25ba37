/**
 * What an all-knowing observer remembers about messages, to judge whether one was lost, doubled or brought back.
 *
 * Every acceptance (a delivery, a copy) is an *instance* with a bit of its own. A record stands for a set of instances:
 * one when it is accepted, more once the rule took records for the same message ("unites" them). The observer knows:
 * - `gone`: instances somebody expunged;
 * - `one`: for each instance, all it was united with (a class);
 * - `apart`: for each instance, those that one node knew beside it, live under another UID or expunged before. Whoever saw
 *   that knows that they are two messages, copies made on purpose included, so they must never be united;
 * - `doubtful`: expunged ones whose tombstone was purged somewhere while another node still had them live. No node can know
 *   any more that such a one is another message than one of the same GUID, nor that it should go: in doubt, keep.
 */
/** A set of instances as bits. */
export type Instances = number;

export interface Ghost {
  readonly one: readonly Instances[];
  readonly apart: readonly Instances[];
  readonly gone: Instances;
  readonly doubtful: Instances;
  readonly guids: readonly string[];
}

/** More acceptances than this do not fit the bits; later ones are left out of a history. */
export const MAX_INSTANCES = 30;
export const NO_GHOST: Ghost = { one: [], apart: [], gone: 0, doubtful: 0, guids: [] };

/** A new instance, in a class of its own, accepted by a node that knows `others` to be messages of their own. */
export function acceptedBeside(ghost: Ghost, guid: string, others: Instances): Ghost {
  const bit = 1 << ghost.one.length;
  const { one, apart, guids } = ghost;
  return setApart({ ...ghost, one: [...one, bit], apart: [...apart, 0], guids: [...guids, guid] }, bit, others);
}

/** True if a message of this GUID was expunged and forgotten too early, and there are others it can be taken for. */
export function isConfused(ghost: Ghost, guid: string): boolean {
  const all = instancesOf(ghost, guid);
  return (all & ghost.doubtful) !== 0 && (all & (all - 1)) !== 0;
}

/** How many messages of this GUID there may be: those nobody expunged, and the doubtful ones. */
export function messagesOf(ghost: Ghost, guid: string): number {
  const all = instancesOf(ghost, guid);
  const classes = ghost.one.filter(
    (one) => (one & all) !== 0 && ((one & ghost.doubtful) !== 0 || (one & ghost.gone) === 0),
  );
  return new Set(classes).size;
}

function instancesOf(ghost: Ghost, guid: string): Instances {
  let all = 0;
  for (const [i, one] of ghost.guids.entries()) if (one === guid) all |= 1 << i;
  return all;
}

export function expunged(ghost: Ghost, set: Instances): Ghost {
  return { ...ghost, gone: ghost.gone | set };
}

/** The numbers of the instances in a set, ascending. */
export function membersOf(set: Instances): number[] {
  const members: number[] = [];
  for (let rest = set; rest !== 0; rest &= rest - 1) members.push(31 - Math.clz32(rest & -rest));
  return members;
}

function gather(of: readonly Instances[], set: Instances): Instances {
  let all = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) all |= of[31 - Math.clz32(rest & -rest)] ?? 0;
  return all;
}

/** All instances of the classes that `set` touches. */
export function classOf(ghost: Ghost, set: Instances): Instances {
  return gather(ghost.one, set);
}

/** Those of `set` whose class nobody expunged. */
export function unexpunged(ghost: Ghost, set: Instances): Instances {
  return set & ~classOf(ghost, ghost.gone);
}

/** True if some instance of the one class was seen beside some of the other. */
export function areApart(ghost: Ghost, a: Instances, b: Instances): boolean {
  const [wholeA, wholeB] = [classOf(ghost, a) & ~ghost.doubtful, classOf(ghost, b) & ~ghost.doubtful];
  return (gather(ghost.apart, wholeA) & wholeB) !== 0;
}

export function unite(ghost: Ghost, a: Instances, b: Instances): Ghost {
  const all = classOf(ghost, a | b);
  if (all === classOf(ghost, a) && (all & (all - 1)) === 0) return ghost;
  return { ...ghost, one: ghost.one.map((was, i) => ((all & (1 << i)) === 0 ? was : all)) };
}

/** Records that these stand under different UIDs on one node. */
export function setApart(ghost: Ghost, a: Instances, b: Instances): Ghost {
  if ((gather(ghost.apart, a) & b) === b && (gather(ghost.apart, b) & a) === a) return ghost;
  const apart = ghost.apart.map((was, i) => {
    const bit = 1 << i;
    return was | ((a & bit) === 0 ? 0 : b) | ((b & bit) === 0 ? 0 : a);
  });
  return { ...ghost, apart };
}
