/**
 * The model's world: some nodes, what clients and exchanges do to them step by step, and the observer who checks
 * every step.
 */
import type { AgreedState } from "../../../src/model/state.ts";
import { sameState } from "../../../src/model/state.ts";
import { type Merge, type Planned, planExchange, savedCursors } from "./exchange.ts";
import { acceptedBeside, classOf, expunged, type Ghost, type Instances, MAX_INSTANCES, NO_GHOST } from "./ghost.ts";
import { allOf } from "./heirs.ts";
import {
  changeFlag,
  confirmedModseq,
  copy,
  deliver,
  EMPTY_NODE,
  expunge,
  liveAt,
  liveRecords,
  type ModelNode,
  purge,
  raisePurge,
  recordAt,
  withCursor,
} from "./node.ts";
import { type Op, partsOf } from "./op.ts";
import {
  buriedOf,
  checkOnce,
  graveKey,
  judge,
  type Knowledge,
  NO_KNOWLEDGE,
  type Verdict,
  type Witness,
  withGrave,
} from "./oracle.ts";

/** An exchange between its steps; it holds what both sides were when it was planned. */
interface Underway {
  readonly planned: Planned;
  readonly sides: readonly [Witness, Witness];
  /** Set once the peer has applied its part. */
  readonly verdict: Verdict | null;
}

export interface World {
  readonly members: readonly Witness[];
  readonly ghost: Ghost;
  /** The last copy of each node, for a restore. */
  readonly copies: readonly Witness[];
  /** By "from>to". */
  readonly underway: ReadonlyMap<string, Underway>;
  /** True once a node went back in time: then what it holds may depend on who meets it first. */
  readonly restored: boolean;
  /** Instances renumbered by the last step. */
  readonly renumbered: Instances;
}

const EMPTY_MEMBER: Witness = { node: EMPTY_NODE, knowledge: NO_KNOWLEDGE };

export function newWorld(nodes: number): World {
  const members = Array.from({ length: nodes }, () => EMPTY_MEMBER);
  return { members, ghost: NO_GHOST, copies: members, underway: new Map(), restored: false, renumbered: 0 };
}

export function memberAt(world: World, at: number): Witness {
  const member = world.members[at];
  if (member === undefined) throw new Error(`the world has no node ${at}`);
  return member;
}

/**
 * One step. A step that cannot be done (nothing to expunge, nothing under way) does nothing, so that any part of a
 * history is a history.
 * @throws Violation
 */
export function step(world: World, op: Op, merge: Merge): World {
  switch (op.op) {
    case "exchange":
      return partsOf(op).reduce((now, part) => step(now, part, merge), world);
    case "begin":
      return begin(world, op.from, op.to, merge);
    case "reach":
      return reach(world, op.from, op.to, op.lost !== true);
    case "finish":
      return finish(world, op.from, op.to, op.lost !== true);
    case "save":
      return { ...world, copies: world.copies.with(op.at, memberAt(world, op.at)) };
    case "restore":
      return restore(world, op.at);
    default:
      return clientStep(world, op);
  }
}

type ClientOp = Extract<Op, { op: "deliver" | "copy" | "flag" | "expunge" | "purge" }>;

function clientStep(world: World, op: ClientOp): World {
  const { node } = memberAt(world, op.at);
  if (op.op === "deliver") return accept(world, op.at, deliver(node, op.mail, 10 + op.at));
  if (op.op === "purge") {
    const after = { ...memberAt(world, op.at), node: purgedNode(node, op.what) };
    return put(forget(world, memberAt(world, op.at), after.node), op.at, after);
  }
  const live = liveRecords(node);
  const record = live[op.pick % live.length];
  if (record === undefined) return world;
  if (op.op === "copy") return accept(world, op.at, copy(node, record.uid));
  if (op.op === "expunge") return bury(world, op.at, record.uid);
  if (op.op !== "flag") return world;
  const changed = changeFlag(node, record.uid, op.flag, op.value);
  return put(world, op.at, { ...memberAt(world, op.at), node: changed });
}

function purgedNode(node: ModelNode, what: "confirmed" | "all" | "raise"): ModelNode {
  if (what === "raise") return raisePurge(node, node.state.highestModseq);
  return purge(node, what === "all" ? node.state.highestModseq : confirmedModseq(node));
}

function put(world: World, at: number, member: Witness): World {
  return { ...world, members: world.members.with(at, member) };
}

/** A mail was delivered or copied: the newest UID of `node` is a new instance. */
function accept(world: World, at: number, node: ModelNode): World {
  const instance = world.ghost.one.length;
  if (instance >= MAX_INSTANCES) return world;
  const { knowledge } = memberAt(world, at);
  const live = new Map(knowledge.live).set(node.state.uidNext - 1, 1 << instance);
  const guid = liveAt(node, node.state.uidNext - 1)?.guid ?? "";
  const known = acceptedBeside(mistakable(world, node.state.uidNext - 1, guid), guid, buriedOf(knowledge, guid));
  const ghost = checkOnce(known, liveRecords(node), live);
  return put({ ...world, ghost }, at, { node, knowledge: { ...knowledge, live } });
}

/** An expunged and purged message whose UID a cut-off node now gives to a mail of the same GUID becomes doubtful. */
function mistakable(world: World, uid: number, guid: string): Ghost {
  let doubtful = world.ghost.doubtful;
  for (const { node, knowledge } of world.members)
    if (recordAt(node, uid) === null) doubtful |= knowledge.graves.get(graveKey(uid, guid)) ?? 0;
  return { ...world.ghost, doubtful };
}

function bury(world: World, at: number, uid: number): World {
  const { node, knowledge } = memberAt(world, at);
  const record = liveRecords(node).find((one) => one.uid === uid);
  if (record === undefined) return world;
  const set = knowledge.live.get(uid) ?? 0;
  const live = new Map(knowledge.live);
  live.delete(uid);
  const after: Knowledge = { live, graves: withGrave(knowledge.graves, record, set) };
  const ghost = expunged(world.ghost, set);
  return put({ ...world, ghost }, at, { node: expunge(node, uid), knowledge: after });
}

function begin(world: World, from: number, to: number, merge: Merge): World {
  const sides = [memberAt(world, from), memberAt(world, to)] as const;
  const [{ node: left }, { node: right }] = sides;
  const planned = planExchange(merge, { left, right, leftId: from, rightId: to });
  const underway = new Map(world.underway).set(`${from}>${to}`, { planned, sides, verdict: null });
  return { ...world, underway, renumbered: 0 };
}

/** The peer applies its part, if it is still as it was (compare-and-set). */
function reach(world: World, from: number, to: number, saveCursor: boolean): World {
  const exchange = world.underway.get(`${from}>${to}`);
  if (exchange === undefined || exchange.verdict !== null) return world;
  const { planned, sides } = exchange;
  if (!sameState(memberAt(world, to).node.state, planned.meeting.right.state)) return drop(world, from, to);
  const verdict = judge(world.ghost, sides, planned.right, planned.base);
  const cursor = saveCursor ? savedCursors(planned).peer : null;
  const known = sides.reduce((now, side) => forget(now, side, planned.right), { ...world, ghost: verdict.ghost });
  const reached = settle(known, to, from, planned.right, verdict.knowledge, cursor);
  const underway = new Map(world.underway).set(`${from}>${to}`, { ...exchange, verdict });
  return { ...reached, underway, renumbered: verdict.renumbered };
}

/** The driving node applies its part after the peer has, if it is still as it was. */
function finish(world: World, from: number, to: number, saveCursor: boolean): World {
  const exchange = world.underway.get(`${from}>${to}`);
  if (exchange === undefined || exchange.verdict === null) return world;
  const { planned, verdict } = exchange;
  const ended = drop(world, from, to);
  if (!sameState(memberAt(world, from).node.state, planned.meeting.left.state)) return ended;
  const cursor = saveCursor ? savedCursors(planned).driver : null;
  return settle(ended, from, to, planned.left, verdict.knowledge, cursor);
}

/** What becomes doubtful as tombstones of `before` are dropped: what some node, or a copy of one, still has live. */
function forget(world: World, before: Witness, after: ModelNode): World {
  let dropped = 0;
  for (const record of before.node.records) {
    if (!record.expunged || recordAt(after, record.uid) !== null) continue;
    for (const { guid } of record.graves) dropped |= before.knowledge.graves.get(graveKey(record.uid, guid)) ?? 0;
  }
  const taken = takenFor(world, before, after);
  if (dropped === 0 && taken === 0) return world;
  let live = 0;
  for (const { knowledge } of [...world.members, ...world.copies]) live |= allOf(world.ghost, knowledge.live);
  const doubtful = world.ghost.doubtful | (classOf(world.ghost, dropped) & live) | taken;
  return { ...world, ghost: { ...world.ghost, doubtful } };
}

/** Dropped graves of a UID and GUID under which another node has a live message that is not the same. */
function takenFor(world: World, before: Witness, after: ModelNode): Instances {
  let taken = 0;
  for (const { node } of world.members)
    for (const { uid, guid } of liveRecords(node)) {
      const record = recordAt(before.node, uid);
      if (record?.expunged && recordAt(after, uid) === null)
        taken |= before.knowledge.graves.get(graveKey(uid, guid)) ?? 0;
    }
  return taken;
}

interface Cursors {
  readonly latest: AgreedState;
  readonly agreed: AgreedState | null;
}

/** The cursors a node holds for others are those of now, not of when the exchange was planned. */
function settle(
  world: World,
  at: number,
  peer: number,
  planned: ModelNode,
  knowledge: Knowledge,
  cursor: Cursors | null,
): World {
  const { cursors } = memberAt(world, at).node;
  const node = { ...planned, cursors };
  return put(world, at, { node: cursor === null ? node : withCursor(node, peer, cursor), knowledge });
}

function drop(world: World, from: number, to: number): World {
  const underway = new Map(world.underway);
  underway.delete(`${from}>${to}`);
  return { ...world, underway };
}

/** A node is its older copy again, cursors included; exchanges under way do not survive its restart. */
function restore(world: World, at: number): World {
  const copyOf = world.copies[at] ?? EMPTY_MEMBER;
  const kept = [...world.underway].filter(([key]) => !key.split(">").includes(String(at)));
  return put({ ...world, underway: new Map(kept), restored: true }, at, copyOf);
}
