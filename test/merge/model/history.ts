/**
 * Histories: lists of steps that can be written to a file, read by people, and made shorter.
 */

import { convergence } from "./convergence.ts";
import type { Merge } from "./exchange.ts";
import { describeNode, liveRecords, MODEL_FLAGS, mailOf } from "./node.ts";
import type { History, Op } from "./op.ts";
import { Violation } from "./violation.ts";
import { memberAt, newWorld, step, type World } from "./world.ts";

/** Runs a history and the quiet time after it. @throws Violation */
export function run(history: History, merge: Merge): World {
  let world = newWorld(history.nodes);
  for (const op of history.ops) world = step(world, op, merge);
  return convergence(world, merge);
}

/** What a history breaks, or null. Anything thrown counts. */
export function failureOf(history: History, merge: Merge): Violation | null {
  try {
    run(history, merge);
    return null;
  } catch (error) {
    if (error instanceof Violation) return error;
    return new Violation("guard", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** The shortest history found by leaving out steps that still breaks the same promise. */
export function shrink(history: History, merge: Merge): History {
  const broken = failureOf(history, merge)?.broken;
  let best = history;
  for (let size = Math.ceil(best.ops.length / 2); size >= 1; ) {
    const shorter = leaveOut(best, size).find((one) => failureOf(one, merge)?.broken === broken);
    if (shorter !== undefined) best = shorter;
    else size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return simpler(best, merge, broken);
}

function leaveOut(history: History, size: number): History[] {
  const cuts = history.ops.length - size + 1;
  return Array.from({ length: Math.max(cuts, 0) }, (_, at) => ({
    ...history,
    ops: history.ops.toSpliced(at, size),
  }));
}

/** Whole exchanges instead of parts of one, and first picks instead of later ones, where that breaks it too. */
function simpler(history: History, merge: Merge, broken: string | undefined): History {
  let best = history;
  for (const at of history.ops.keys()) {
    for (const op of simplerOps(best.ops[at] as Op)) {
      const candidate = { ...best, ops: best.ops.with(at, op) };
      if (failureOf(candidate, merge)?.broken === broken) best = candidate;
    }
  }
  return best;
}

function simplerOps(op: Op): Op[] {
  if (op.op === "begin") return [{ op: "exchange", from: op.from, to: op.to }];
  if (op.op === "exchange" && op.lost !== undefined) return [{ op: "exchange", from: op.from, to: op.to }];
  if ("pick" in op && op.pick > 0) return [1, 0].map((pick) => ({ ...op, pick }));
  return [];
}

const PURGES = {
  confirmed: "confirmed tombstones",
  all: "all tombstones",
  raise: "all tombstones, purgedModseq rises to highestModseq",
};
const NAMES = ["A", "B", "C"];
const nameOf = (at: number) => NAMES[at] ?? String(at);

/** A step for people. `world` is the world before it. */
export function describeOp(op: Op, world: World): string {
  if ("from" in op) {
    const who = "lost" in op && typeof op.lost === "string" ? `the ${op.lost}` : "which";
    const lost = "lost" in op && op.lost !== undefined ? `, ${who} does not save its cursor` : "";
    return `${nameOf(op.from)} > ${nameOf(op.to)}: ${op.op}${lost}`;
  }
  const who = nameOf(op.at);
  if (op.op === "deliver") return `${who}: deliver mail ${op.mail}`;
  if (op.op === "purge") return `${who}: purge ${PURGES[op.what]}`;
  if (!("pick" in op)) return `${who}: ${op.op}`;
  const live = liveRecords(memberAt(world, op.at).node);
  const record = live[op.pick % live.length];
  const target = record === undefined ? "nothing" : `UID ${record.uid} (mail ${mailOf(record.guid)})`;
  if (op.op === "flag") return `${who}: ${op.value ? "set" : "clear"} ${MODEL_FLAGS[op.flag]} on ${target}`;
  return `${who}: ${op.op} ${target}`;
}

/** The history as a readable list, each step with what the nodes are after it, and how it ends. */
export function tell(history: History, merge: Merge): string {
  const lines: string[] = [];
  let world = newWorld(history.nodes);
  for (const [i, op] of history.ops.entries()) {
    lines.push(`${i + 1}. ${describeOp(op, world)}`);
    try {
      world = step(world, op, merge);
    } catch {
      break;
    }
    for (const [at, { node }] of world.members.entries()) lines.push(`      ${nameOf(at)} ${describeNode(node)}`);
  }
  return [...lines, failureOf(history, merge)?.message ?? "holds"].join("\n");
}
