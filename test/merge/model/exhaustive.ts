/**
 * All short histories of two nodes: some clients' operations on one, some on the other, then an exchange in all the ways
 * it can go.
 */

import { convergence } from "./convergence.ts";
import type { Merge } from "./exchange.ts";
import { describeNode, liveRecords, sameMailbox } from "./node.ts";
import type { Op } from "./op.ts";
import { demand, Violation } from "./violation.ts";
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

/** The ways an exchange can go, besides A driving it undisturbed. What is left undone, the quiet time after it must mend. */
const WAYS: Readonly<Record<string, readonly Op[]>> = {
  "B drives": [{ op: "exchange", from: 1, to: 0 }],
  "A drives and dies after B applied": [
    { op: "begin", from: 0, to: 1 },
    { op: "reach", from: 0, to: 1 },
  ],
  "B drives and dies after A applied": [
    { op: "begin", from: 1, to: 0 },
    { op: "reach", from: 1, to: 0 },
  ],
  "A drives, its cursor is lost": [{ op: "exchange", from: 0, to: 1, lost: "driver" }],
  "A drives, B's cursor is lost": [{ op: "exchange", from: 0, to: 1, lost: "peer" }],
  "both drive at once, A's clients write between": [
    { op: "begin", from: 0, to: 1 },
    { op: "flag", at: 0, pick: 0, flag: 1, value: true },
    { op: "begin", from: 1, to: 0 },
    { op: "reach", from: 0, to: 1 },
    { op: "reach", from: 1, to: 0 },
    { op: "finish", from: 0, to: 1 },
    { op: "finish", from: 1, to: 0 },
    { op: "deliver", at: 1, mail: 3 },
  ],
};

/** Ways in which clients write meanwhile, so that the mailbox is another in the end. */
const WRITING = /clients write/;

/** A history that was found to break something. */
export interface Finding {
  readonly ops: readonly Op[];
  readonly violation: Violation;
}

export interface Tally {
  histories: number;
  /** The shortest history that breaks something. */
  shortest: Finding | null;
}

/** All histories from `start` with at most `most[0]` operations on node A and `most[1]` on node B. */
export function tryAll(start: readonly Op[], most: readonly [number, number], merge: Merge): Tally {
  const tally: Tally = { histories: 0, shortest: null };
  const world = start.reduce((now, op) => step(now, op, merge), newWorld(2));
  forEachHistory(world, 0, most[0], merge, [], (afterA, opsA) =>
    forEachHistory(afterA, 1, most[1], merge, opsA, (afterB, ops) => tryWays(afterB, [...start, ...ops], merge, tally)),
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

function tryWays(world: World, ops: readonly Op[], merge: Merge, tally: Tally): void {
  const uninterrupted = attempt(() => convergence(world, merge));
  note(tally, ops, uninterrupted);
  for (const [way, steps] of Object.entries(WAYS)) {
    const ended = attempt(() => {
      const before = steps.reduce((now, op) => step(now, op, merge), world);
      const after = convergence(before, merge);
      if (!WRITING.test(way)) sameEnd(uninterrupted, after, way);
      return after;
    });
    note(tally, [...ops, ...steps], ended);
  }
}

function note(tally: Tally, ops: readonly Op[], ended: World | Violation): void {
  tally.histories++;
  if (!(ended instanceof Violation)) return;
  if (tally.shortest === null || ops.length < tally.shortest.ops.length) tally.shortest = { ops, violation: ended };
}

/** However often an exchange is interrupted and repeated, the mailbox is the same in the end (P11). */
function sameEnd(uninterrupted: World | Violation, after: World, way: string): void {
  if (uninterrupted instanceof Violation) return;
  const [mine, theirs] = [memberAt(after, 0).node, memberAt(uninterrupted, 0).node];
  demand(sameMailbox(mine, theirs), "P11", () => {
    return `another mailbox if ${way}:\n      ${describeNode(mine)}\n      ${describeNode(theirs)}`;
  });
}

function attempt(run: () => World): World | Violation {
  try {
    return run();
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}
