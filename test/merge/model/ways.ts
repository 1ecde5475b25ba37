/**
 * The ways in which an exchange of two nodes can go, and all of them tried from one world.
 *
 * Ways that begin alike share their beginning: they form a tree, and each of its branches is walked once.
 */
import { convergence } from "./convergence.ts";
import type { Merge } from "./exchange.ts";
import { describeNode, sameMailbox } from "./node.ts";
import { type Op, partsOf } from "./op.ts";
import { demand, Violation } from "./violation.ts";
import { memberAt, step, type World } from "./world.ts";

/** One way: its steps, and the world once all has become quiet, or what it broke. */
export interface Outcome {
  readonly steps: readonly Op[];
  readonly ended: World | Violation;
}

interface Way {
  readonly name: string;
  readonly steps: readonly Op[];
}

/** A exchanges with B, and nothing disturbs them: that is how the quiet time begins. */
const UNDISTURBED: Way = { name: "A drives", steps: [{ op: "exchange", from: 0, to: 1 }] };

/** What is left undone, the quiet time after it must mend. */
const WAYS: readonly Way[] = [
  UNDISTURBED,
  { name: "B drives", steps: [{ op: "exchange", from: 1, to: 0 }] },
  {
    name: "A drives and dies after B applied",
    steps: [
      { op: "begin", from: 0, to: 1 },
      { op: "reach", from: 0, to: 1 },
    ],
  },
  {
    name: "B drives and dies after A applied",
    steps: [
      { op: "begin", from: 1, to: 0 },
      { op: "reach", from: 1, to: 0 },
    ],
  },
  { name: "A drives, its cursor is lost", steps: [{ op: "exchange", from: 0, to: 1, lost: "driver" }] },
  { name: "A drives, B's cursor is lost", steps: [{ op: "exchange", from: 0, to: 1, lost: "peer" }] },
  {
    name: "both drive at once, A's clients write between",
    steps: [
      { op: "begin", from: 0, to: 1 },
      { op: "flag", at: 0, pick: 0, flag: 1, value: true },
      { op: "begin", from: 1, to: 0 },
      { op: "reach", from: 0, to: 1 },
      { op: "reach", from: 1, to: 0 },
      { op: "finish", from: 0, to: 1 },
      { op: "finish", from: 1, to: 0 },
      { op: "deliver", at: 1, mail: 3 },
    ],
  },
];

/** Ways in which clients write meanwhile, so that the mailbox is another in the end. */
const WRITING = /clients write/;

/** A branch of the tree of ways: a step, and what can come after it. */
interface Branch {
  readonly op: Op;
  readonly next: Branch[];
  /** Ways that end with this step. */
  readonly ends: Way[];
}

const TREE = treeOf(WAYS);

function treeOf(ways: readonly Way[]): readonly Branch[] {
  const roots: Branch[] = [];
  for (const way of ways) {
    let level = roots;
    let last: Branch | undefined;
    for (const op of way.steps.flatMap((one) => (one.op === "exchange" ? partsOf(one) : [one]))) {
      last = level.find((branch) => JSON.stringify(branch.op) === JSON.stringify(op)) ?? grow(level, op);
      level = last.next;
    }
    last?.ends.push(way);
  }
  return roots;
}

function grow(level: Branch[], op: Op): Branch {
  const branch: Branch = { op, next: [], ends: [] };
  level.push(branch);
  return branch;
}

/** What comes of `world` in each of the ways. */
export function tryWays(world: World, merge: Merge): Outcome[] {
  const reached = new Map<Way, World | Violation>();
  for (const branch of TREE) walk(branch, world, merge, reached);
  const at = (way: Way) => reached.get(way) ?? world;
  const uninterrupted = attempt(at(UNDISTURBED), (begun) => convergence(world, merge, begun));
  return WAYS.map((way) => {
    if (way === UNDISTURBED) return { steps: [], ended: uninterrupted };
    return { steps: way.steps, ended: attempt(at(way), (now) => endOf(way, now, merge, uninterrupted)) };
  });
}

/** Takes the step of a branch and of all that grow from it, and notes where each way has led when its steps are done. */
function walk(branch: Branch, before: World | Violation, merge: Merge, reached: Map<Way, World | Violation>): void {
  const now = attempt(before, (world) => step(world, branch.op, merge));
  for (const way of branch.ends) reached.set(way, now);
  for (const next of branch.next) walk(next, now, merge, reached);
}

function endOf(way: Way, now: World, merge: Merge, uninterrupted: World | Violation): World {
  const after = convergence(now, merge);
  if (!WRITING.test(way.name)) sameEnd(uninterrupted, after, way.name);
  return after;
}

/** However often an exchange is interrupted and repeated, the mailbox is the same in the end (P11). */
function sameEnd(uninterrupted: World | Violation, after: World, way: string): void {
  if (uninterrupted instanceof Violation) return;
  const [mine, theirs] = [memberAt(after, 0).node, memberAt(uninterrupted, 0).node];
  demand(sameMailbox(mine, theirs), "P11", () => {
    return `another mailbox if ${way}:\n      ${describeNode(mine)}\n      ${describeNode(theirs)}`;
  });
}

/** What comes after a world; once a promise is broken, nothing does. */
function attempt(before: World | Violation, run: (world: World) => World): World | Violation {
  if (before instanceof Violation) return before;
  try {
    return run(before);
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}
