/**
 * The quiet time after a history: clients have stopped, links work, and the nodes must become identical (P9).
 */
import { type Merge, planExchange } from "./exchange.ts";
import type { Instances } from "./ghost.ts";
import { describeNode, liveRecords, type ModelNode, sameMailbox } from "./node.ts";
import { demand } from "./violation.ts";
import { memberAt, step, type World } from "./world.ts";

type Link = readonly [from: number, to: number];

/** Every pair of nodes once; each round starts with another pair, driven from the other end. */
function roundOf(nodes: number, round: number): Link[] {
  const links: Link[] =
    nodes === 2
      ? [[0, 1]]
      : [
          [0, 1],
          [1, 2],
          [2, 0],
        ];
  const turned = links.map((_, i) => links[(i + round) % links.length] as Link);
  return round % 2 === 0 ? turned : turned.map(([from, to]) => [to, from] as const);
}

/** Rounds in which all nodes must become identical: one exchange for two nodes. */
export function roundsFor(nodes: number): number {
  return nodes === 2 ? 1 : 3;
}

/**
 * Lets the nodes exchange until they are identical, then one round more, in which the cursors get there too.
 * @param begun the world after the first exchange, if that was made already.
 * @throws Violation P9 if they do not get there in time, renumber anything too often, or find more to do; P10 if
 * another order of exchanges gives other messages.
 */
export function convergence(world: World, merge: Merge, begun?: World): World {
  const nodes = world.members.length;
  const settled = exchangeRounds(world, merge, 0, begun);
  checkQuiet(settled, merge);
  if (nodes > 2 && world.ghost.doubtful === 0 && !world.restored && !hasRepeats(world))
    checkOrder(settled, exchangeRounds(world, merge, 1));
  return settled;
}

function exchangeRounds(world: World, merge: Merge, first: number, begun?: World): World {
  const nodes = world.members.length;
  let now: World = { ...world, underway: new Map() };
  let made = begun;
  const renumbered: Instances[] = [];
  for (let round = first; round < first + roundsFor(nodes) + 1; round++) {
    const isLast = areIdentical(now);
    for (const [from, to] of roundOf(nodes, round)) {
      now = made ?? step(now, { op: "exchange", from, to }, merge);
      made = undefined;
      if (now.renumbered !== 0) renumbered.push(now.renumbered);
    }
    if (isLast) break;
  }
  checkRenumbered(now, renumbered);
  return now;
}

function areIdentical({ members }: World): boolean {
  const [first, ...others] = members;
  return first !== undefined && others.every(({ node }) => sameMailbox(first.node, node));
}

/** With two nodes nothing is renumbered twice; with more, each node that wrote while cut off can cost one renumbering. */
function checkRenumbered(world: World, renumbered: readonly Instances[]): void {
  const most = world.members.length - 1;
  for (const one of world.ghost.one) {
    const times = renumbered.filter((set) => (set & one) !== 0).length;
    demand(times <= most, "P9", () => `a message was renumbered ${times} times in quiet`);
  }
}

/** All nodes are the same, and one more exchange of each pair sends no record and changes nothing. */
function checkQuiet(world: World, merge: Merge): void {
  demand(areIdentical(world), "P9", () => {
    return `not identical:${world.members.map(({ node }) => `\n      ${describeNode(node)}`).join("")}`;
  });
  for (const [leftId, rightId] of roundOf(world.members.length, 0)) {
    const [left, right] = [memberAt(world, leftId).node, memberAt(world, rightId).node];
    const again = planExchange(merge, { left, right, leftId, rightId });
    demand(again.delta && again.sent === 0, "P9", () => `a quiet exchange still sends ${again.sent} records`);
    demand(sameMailbox(left, again.left), "P9", () => `a quiet exchange changes ${describeNode(left)}`);
  }
}

/**
 * True if a mail was accepted more than once. If it was expunged on one node before another copy of it was met, whether
 * that one goes too depends on whether the two were taken for one message first.
 */
function hasRepeats({ ghost: { guids } }: World): boolean {
  return new Set(guids).size < guids.length;
}

/** The messages and their flags do not depend on who met whom first. */
function checkOrder(one: World, other: World): void {
  const [a, b] = [contents(memberAt(one, 0).node), contents(memberAt(other, 0).node)];
  demand(a === b, "P10", () => `another order of exchanges gives ${b}, not ${a}`);
}

function contents(node: ModelNode): string {
  return liveRecords(node)
    .map(({ guid, systemFlags, keywords }) => `${guid.slice(0, 2)}{${systemFlags},${keywords}}`)
    .sort()
    .join(" ");
}
