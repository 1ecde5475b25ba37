/**
 * One exchange in the model: both sides are read, a merge is planned, and every way of planning it must agree.
 */
import { baseOf, cursorAt, deltaAllowed } from "../../../src/merge/base.ts";
import { sameRecord } from "../../../src/merge/equal.ts";
import type { MergeInput, MergePlan, RecordPair, SidePlan } from "../../../src/merge/plan.ts";
import { deltaSuffices } from "../../../src/merge/suffices.ts";
import { comparePairs } from "../../../src/merge/walk.ts";
import { guardCounters, guardRecord } from "../../../src/model/guard.ts";
import type { IndexRecord } from "../../../src/model/record.ts";
import { type AgreedState, type MailboxState, sameState } from "../../../src/model/state.ts";
import {
  describeNode,
  describeRecord,
  EMPTY_NODE,
  type ModelNode,
  recordAt,
  sameMailbox,
  withCursor,
  write,
} from "./node.ts";
import { demand, Violation } from "./violation.ts";

export type Merge = (input: MergeInput) => MergePlan;

/** Two mailboxes about to be made identical; `left` is the node that drives the exchange. */
export interface Meeting {
  readonly left: ModelNode;
  readonly right: ModelNode;
  readonly leftId: number;
  readonly rightId: number;
}

/** A planned exchange: what both sides will be, and what the plan rests on. */
export interface Planned {
  readonly meeting: Meeting;
  readonly base: AgreedState | null;
  readonly delta: boolean;
  /** Number of records that would cross the link. */
  readonly sent: number;
  readonly left: ModelNode;
  readonly right: ModelNode;
}

/**
 * Plans an exchange as the engine does: above the base if it may, else from whole lists.
 * @throws Violation if whole lists, roles swapped or the walker say otherwise, or if both sides would not be equal.
 */
export function planExchange(merge: Merge, meeting: Meeting): Planned {
  const { left, right } = meeting;
  const states = [left.state, right.state] as const;
  const base = baseOf(left.cursors.get(meeting.rightId) ?? null, right.cursors.get(meeting.leftId) ?? null, states);
  const pairs = comparePairs(left.records, right.records);
  checkWalk(meeting, pairs);
  const whole = planBothRoles(merge, { left: left.state, right: right.state, base, delta: false, pairs });
  const planned = applyBoth(meeting, whole);
  checkCopy(meeting, base, planned.right);
  const changed = base !== null && deltaAllowed(base, states) ? deltaPairs(meeting, base) : null;
  if (changed === null || !deltaSuffices({ pairs: changed, base }))
    return { meeting, base, delta: false, sent: left.records.length + right.records.length, ...planned };
  const delta = planBothRoles(merge, { left: left.state, right: right.state, base, delta: true, pairs: changed });
  const byDelta = applyBoth(meeting, delta);
  demand(sameMailbox(planned.left, byDelta.left) && sameMailbox(planned.right, byDelta.right), "delta", () =>
    differ("the delta gives another mailbox than whole lists", byDelta.left, planned.left),
  );
  return { meeting, base, delta: true, sent: changed.length, ...byDelta };
}

/**
 * Where only the driving side changed since the base, or the other one was never used, the engine copies records as they
 * are, without the rule: the rule must say the same.
 */
function checkCopy({ left, right }: Meeting, base: AgreedState | null, planned: ModelNode): void {
  const isUnused = sameState(right.state, EMPTY_NODE.state);
  const isUnchanged = base !== null && sameState(right.state, base) && left.state.purgedModseq <= base.highestModseq;
  if (isUnused || isUnchanged)
    demand(sameMailbox(planned, left), "delta", () => differ("a plain copy gives another mailbox", planned, left));
}

/** Plans with both roles and holds them against each other (P10). */
function planBothRoles(merge: Merge, input: MergeInput): MergePlan {
  const plan = merge(input);
  if (input.pairs.length === 0) return plan;
  const pairs = input.pairs.map(({ uid, left, right }) => ({ uid, left: right, right: left }));
  const swapped = merge({ ...input, left: input.right, right: input.left, pairs });
  demand(sameSide(plan.left, swapped.right) && sameSide(plan.right, swapped.left), "P10", () => {
    const show = (side: SidePlan) => side.puts.map(describeRecord).join(" ");
    return `with roles swapped the plan is another: ${show(plan.left)} / ${show(plan.right)}, not ${show(swapped.right)} / ${show(swapped.left)}`;
  });
  return plan;
}

function sameSide(a: SidePlan, b: SidePlan): boolean {
  return (
    sameState(a.after, b.after) &&
    a.puts.length === b.puts.length &&
    a.puts.every((put, i) => sameRecord(put, b.puts[i] as IndexRecord))
  );
}

/**
 * What changed since the base on either side. The driving side knows all its records and fills in those that only the
 * other one changed; the other side's unchanged ones stay unknown.
 */
function deltaPairs({ left, right }: Meeting, base: MailboxState): RecordPair[] {
  const since = base.highestModseq;
  const changed = [...left.records, ...right.records].filter((record) => record.modseq > since);
  const uids = [...new Set(changed.map((record) => record.uid))].sort((a, b) => a - b);
  return uids.map((uid) => {
    const theirs = recordAt(right, uid);
    return { uid, left: recordAt(left, uid), right: theirs !== null && theirs.modseq > since ? theirs : null };
  });
}

/** The walker against the naive way: look every UID up on both sides. */
function checkWalk({ left, right }: Meeting, pairs: readonly RecordPair[]): void {
  if (left.records === right.records) {
    demand(pairs.length === 0, "delta", () => "the walker finds equal lists to differ");
    return;
  }
  const uids = [...new Set([...left.records, ...right.records].map((record) => record.uid))].sort((a, b) => a - b);
  const naive = uids.filter((uid) => {
    const [mine, theirs] = [recordAt(left, uid), recordAt(right, uid)];
    return mine === null || theirs === null || !sameRecord(mine, theirs);
  });
  const walked = pairs.map(({ uid }) => uid);
  demand(walked.join() === naive.join(), "delta", () => `the walker finds UIDs ${walked} to differ, not ${naive}`);
  for (const { uid, left: mine, right: theirs } of pairs)
    demand(mine === recordAt(left, uid) && theirs === recordAt(right, uid), "delta", () => `wrong pair at UID ${uid}`);
}

function applyBoth({ left, right }: Meeting, plan: MergePlan): { left: ModelNode; right: ModelNode } {
  const after = { left: applySide(left, plan.left), right: applySide(right, plan.right) };
  demand(sameMailbox(after.left, after.right), "P9", () =>
    differ("one exchange leaves two different mailboxes", after.left, after.right),
  );
  demand(sameState(after.left.state, after.right.state), "P9", () => "the two digests differ");
  // One value for what is equal, so that it need not be compared again.
  const { state, records } = after.left;
  if (after.right.state === state && after.right.records === records) return after;
  return { left: after.left, right: { state, records, cursors: after.right.cursors } };
}

/** Applies one side's part as a store would, guard included, and checks what its clients get to see (P1-P5). */
function applySide(node: ModelNode, side: SidePlan): ModelNode {
  if (side.puts.length === 0 && sameState(side.after, node.state)) return node;
  checkGuard(node, side);
  const { digest, ...counters } = side.after;
  const after = write(node, side.puts, counters);
  demand(sameState(after.state, side.after), "guard", () => `digest ${JSON.stringify(digest)} does not come out`);
  for (const put of side.puts)
    demand(put.modseq > node.state.highestModseq, "P5", () => `modseq of ${describeRecord(put)} was announced already`);
  for (const record of after.records) checkVisible(recordAt(node, record.uid), record, node.state);
  return after;
}

function checkGuard(node: ModelNode, side: SidePlan): void {
  const excuse = { reset: false, overrule: false };
  try {
    guardCounters(node.state, side.after, excuse);
    for (const put of side.puts) guardRecord(recordAt(node, put.uid), put, node.state, side.after, excuse);
  } catch (error) {
    throw new Violation("guard", error instanceof Error ? error.message : String(error));
  }
}

function checkVisible(old: IndexRecord | null, next: IndexRecord, before: MailboxState): void {
  if (next.expunged) return;
  const what = () => `${old === null ? "nothing" : describeRecord(old)} becomes ${describeRecord(next)}`;
  if (old === null) demand(next.uid >= before.uidNext, "P3", what);
  else demand(!old.expunged, "P2", what);
  if (old === null || old.expunged) return;
  demand(old.guid === next.guid && old.size === next.size && old.internalDate >= next.internalDate, "P1", what);
}

/** The cursors both sides save: the one written to first cannot know whether the other gets there. */
export function savedCursors({ base, left, right }: Planned): {
  readonly driver: ReturnType<typeof cursorAt>;
  readonly peer: ReturnType<typeof cursorAt>;
} {
  return {
    driver: cursorAt({ ...left.state, entryModseq: 0 }, base, true),
    peer: cursorAt({ ...right.state, entryModseq: 0 }, base, false),
  };
}

/** A whole exchange between two nodes that nothing disturbs; cursors included. */
export function exchangeQuietly(merge: Merge, meeting: Meeting): Planned {
  const planned = planExchange(merge, meeting);
  const { driver, peer } = savedCursors(planned);
  return {
    ...planned,
    left: withCursor(planned.left, meeting.rightId, driver),
    right: withCursor(planned.right, meeting.leftId, peer),
  };
}

export function differ(what: string, one: ModelNode, other: ModelNode): string {
  return `${what}\n      ${describeNode(one)}\n      ${describeNode(other)}`;
}
