/**
 * All short histories of two nodes: some clients' operations on one, some on the other, then an exchange in all the ways
 * it can go.
 */
import { planMerge } from "../../../src/merge/merge.ts";
import { likeness } from "./alike.ts";
import type { Merge } from "./exchange.ts";
import { liveRecords } from "./node.ts";
import type { Op } from "./op.ts";
import { type Broken, Violation } from "./violation.ts";
import { type Outcome, tryWays } from "./ways.ts";
import { memberAt, newWorld, step, type World } from "./world.ts";

/** Where a history starts, by name: the steps that lead there. */
export const STARTS: Readonly<Record<string, readonly Op[]>> = {
  "two empty mailboxes": [],
  "two messages on both": [
    { op: "deliver", at: 0, mail: 4 },
    { op: "deliver", at: 0, mail: 5 },
    { op: "exchange", from: 0, to: 1 },
  ],
  "two messages on both, one of them twice, known to one side only": [
    { op: "deliver", at: 0, mail: 4 },
    { op: "copy", at: 0, pick: 0 },
    { op: "begin", from: 0, to: 1 },
    { op: "reach", from: 0, to: 1 },
  ],
  "two messages delivered to both, the other way round": [
    { op: "deliver", at: 0, mail: 4 },
    { op: "deliver", at: 0, mail: 5 },
    { op: "deliver", at: 1, mail: 5 },
    { op: "deliver", at: 1, mail: 4 },
  ],
};

/** A history that was found to break something. */
export interface Finding {
  readonly ops: readonly Op[];
  readonly violation: Violation;
}

export interface Tally {
  /** Histories up to the exchanges, each of which is tried in every way or is alike to one that is. */
  histories: number;
  /** Worlds from which every way was tried. */
  worlds: number;
  /** What is broken. */
  readonly broken: Set<Broken>;
  /** The shortest history that breaks something. */
  shortest: Finding | null;
}

/** How to go through the histories. */
export interface Manner {
  /** Called for each world; true if it need not be tried. */
  readonly isKnown: (world: World) => boolean;
  /** Called for each world that is tried. */
  readonly tried?: (world: World, outcomes: readonly Outcome[], tally: Tally) => void;
}

/** Tries every world, the same one again too. */
export const EVERY: Manner = { isKnown: () => false };

/** Tries one world of all that are alike: the same is tried once, and so are different ones that nothing tells apart. */
export function oneOfAlike(): Manner["isKnown"] {
  const known = new Set<string>();
  return (world) => {
    const before = known.size;
    return known.add(likeness(world)).size === before;
  };
}

/**
 * All histories from `start` with at most `most[0]` operations on node A and `most[1]` on node B. The true rule leads to
 * the start, `merge` is on trial from there.
 */
export function tryAll(start: readonly Op[], most: readonly [number, number], merge: Merge, manner: Manner): Tally {
  const tally: Tally = { histories: 0, worlds: 0, broken: new Set(), shortest: null };
  const world = start.reduce((now, op) => step(now, op, planMerge), newWorld(2));
  forEachHistory(world, 0, most[0], merge, [], (afterA, opsA) =>
    forEachHistory(afterA, 1, most[1], merge, opsA, (after, ops) => {
      tally.histories++;
      if (manner.isKnown(after)) return;
      tally.worlds++;
      const outcomes = tryWays(after, merge);
      note(tally, [...start, ...ops], outcomes);
      manner.tried?.(after, outcomes, tally);
    }),
  );
  return tally;
}

function forEachHistory(
  world: World,
  at: number,
  most: number,
  merge: Merge,
  ops: readonly Op[],
  visit: (world: World, ops: readonly Op[]) => void,
): void {
  visit(world, ops);
  if (most === 0) return;
  for (const op of clientOps(world, at)) {
    const next = step(world, op, merge);
    if (memberAt(next, at).node !== memberAt(world, at).node)
      forEachHistory(next, at, most - 1, merge, [...ops, op], visit);
  }
}

/** What clients of a node can do to its first two messages, and besides. Mail 9 comes to both nodes. */
function clientOps(world: World, at: number): Op[] {
  const { node } = memberAt(world, at);
  const ops: Op[] = [
    { op: "deliver", at, mail: at === 0 ? 7 : 2 },
    { op: "deliver", at, mail: 9 },
  ];
  if (node.records.some((record) => record.expunged)) ops.push({ op: "purge", at, what: "all" });
  for (const [pick, record] of liveRecords(node).slice(0, 2).entries()) {
    ops.push({ op: "expunge", at, pick }, { op: "copy", at, pick });
    ops.push({ op: "flag", at, pick, flag: 0, value: record.systemFlags === 0 });
    if (pick === 0) ops.push({ op: "flag", at, pick, flag: 1, value: record.keywords.length === 0 });
  }
  return ops;
}

function note(tally: Tally, ops: readonly Op[], outcomes: readonly Outcome[]): void {
  for (const { steps, ended } of outcomes) {
    if (!(ended instanceof Violation)) continue;
    tally.broken.add(ended.broken);
    const all = [...ops, ...steps];
    if (tally.shortest === null || all.length < tally.shortest.ops.length)
      tally.shortest = { ops: all, violation: ended };
  }
}
