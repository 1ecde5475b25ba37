/**
 * Random pairs of mailboxes that share a history: merged, they are one, and no promise is broken.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaAllowed } from "../../src/merge/base.ts";
import { planMerge } from "../../src/merge/merge.ts";
import type { MergeInput } from "../../src/merge/plan.ts";
import { deltaSuffices } from "../../src/merge/suffices.ts";
import { comparePairs } from "../../src/merge/walk.ts";
import { flagNames, stampOf } from "../../src/model/flags.ts";
import type { IndexRecord, LiveRecord } from "../../src/model/record.ts";
import type { AgreedState, MailboxState } from "../../src/model/state.ts";
import { allPairs, applyBoth, applySide, type Box, deltaPairs, mirrored, show } from "./boxes.ts";
import { changeFlag, copy, deliver, EMPTY_NODE, expunge, guidOf, type ModelNode, purge } from "./model/node.ts";

type Change =
  | { readonly op: "deliver"; readonly mail: number; readonly date: number }
  | { readonly op: "copy" | "expunge"; readonly pick: number }
  | { readonly op: "flag"; readonly pick: number; readonly flag: number; readonly value: boolean }
  | { readonly op: "purge" };

/** A shared past, then what each side did while they were apart. */
interface Story {
  readonly past: readonly Change[];
  readonly left: readonly Change[];
  readonly right: readonly Change[];
}

/** Changes; mails are numbered from a range of their own for each part of a story, so that they are all different. */
function changes(firstMail: number, kinds: readonly Change["op"][], most: number): fc.Arbitrary<Change[]> {
  const pick = fc.nat(7);
  const all: Record<Change["op"], fc.Arbitrary<Change>> = {
    deliver: fc.record({ op: fc.constant("deliver"), mail: fc.constant(firstMail), date: fc.nat(9) }),
    copy: fc.record({ op: fc.constant("copy"), pick }),
    expunge: fc.record({ op: fc.constant("expunge"), pick }),
    flag: fc.record({ op: fc.constant("flag"), pick, flag: fc.nat(1), value: fc.boolean() }),
    purge: fc.record({ op: fc.constant("purge") }),
  };
  const list = fc.array(fc.oneof(...kinds.map((kind) => all[kind])), { maxLength: most });
  return list.map((steps) => steps.map((step, i) => (step.op === "deliver" ? { ...step, mail: firstMail + i } : step)));
}

function isLive(record: IndexRecord): record is LiveRecord {
  return !record.expunged;
}

function apply(node: ModelNode, change: Change): ModelNode {
  if (change.op === "deliver") return deliver(node, change.mail, change.date);
  if (change.op === "purge") return purge(node, node.state.highestModseq);
  const live = node.records.filter(isLive);
  const uid = live[change.pick % live.length]?.uid;
  if (uid === undefined) return node;
  if (change.op === "flag") return changeFlag(node, uid, change.flag, change.value);
  return change.op === "copy" ? copy(node, uid) : expunge(node, uid);
}

interface Apart {
  readonly past: Box;
  readonly left: Box;
  readonly right: Box;
  readonly base: AgreedState;
}

function tell({ past, left, right }: Story): Apart {
  const shared = past.reduce(apply, EMPTY_NODE);
  const base = { ...shared.state, entryModseq: 1 };
  return { past: shared, left: left.reduce(apply, shared), right: right.reduce(apply, shared), base };
}

function inputOf(left: Box, right: Box, base: MailboxState | null): MergeInput {
  const pairs = comparePairs(left.records, right.records);
  return { left: left.state, right: right.state, base, delta: false, pairs };
}

/** The mailbox both sides become. @throws if they do not, or a store would refuse the plan. */
function merged(left: Box, right: Box, base: MailboxState | null): Box {
  const after = applyBoth(left, right, planMerge(inputOf(left, right, base)));
  expect(show(after.left)).toBe(show(after.right));
  expect(after.left).toEqual(after.right);
  return after.left;
}

const EVERY: readonly Change["op"][] = ["deliver", "deliver", "copy", "expunge", "flag", "flag", "purge"];
/** Mails from few numbers, so that the same one comes to both sides. */
const anyStory: fc.Arbitrary<Story> = fc.record({
  past: changes(1, EVERY, 8),
  left: changes(3, EVERY, 8),
  right: changes(4, EVERY, 8),
});
const RUNS = { numRuns: 500 };

describe("any two mailboxes with a shared past", () => {
  it("P9: become identical, whether the base is known or not, and a second merge has nothing to do", () => {
    fc.assert(
      fc.property(anyStory, fc.boolean(), (story, known) => {
        const { left, right, base } = tell(story);
        const after = merged(left, right, known ? base : null);
        for (const next of [null, after.state]) {
          const again = planMerge({ ...inputOf(after, after, next), pairs: allPairs(after, after) });
          expect([again.left.puts, again.right.puts]).toEqual([[], []]);
          expect([again.left.after, again.right.after]).toEqual([after.state, after.state]);
        }
      }),
      RUNS,
    );
  });

  it("P10: the plan is the mirrored one with roles swapped", () => {
    fc.assert(
      fc.property(anyStory, fc.boolean(), (story, known) => {
        const { left, right, base } = tell(story);
        const input = inputOf(left, right, known ? base : null);
        const [plan, other] = [planMerge(input), planMerge(mirrored(input))];
        expect([other.left, other.right]).toEqual([plan.right, plan.left]);
      }),
      RUNS,
    );
  });

  it("P11: applied on one side only and repeated, the merge gives the same as an uninterrupted one", () => {
    fc.assert(
      fc.property(anyStory, fc.boolean(), fc.boolean(), (story, known, leftFirst) => {
        const { left, right, base } = tell(story);
        const from = known ? base : null;
        const plan = planMerge(inputOf(left, right, from));
        const after = merged(left, right, from);
        const again = leftFirst
          ? merged(applySide(left, plan.left), right, from)
          : merged(left, applySide(right, plan.right), from);
        expect(show(again)).toBe(show(after));
      }),
      RUNS,
    );
  });

  it("a delta gives what whole lists give, where it is allowed", () => {
    let allowed = 0;
    fc.assert(
      fc.property(anyStory, fc.constantFrom("left" as const, "right" as const), (story, filled) => {
        const { left, right, base } = tell(story);
        const pairs = deltaPairs(left, right, base.highestModseq, filled);
        if (!deltaAllowed(base, [left.state, right.state]) || !deltaSuffices({ pairs, base })) return;
        allowed++;
        const plan = planMerge({ left: left.state, right: right.state, base, delta: true, pairs });
        const after = applyBoth(left, right, plan);
        const whole = show(merged(left, right, base));
        expect([show(after.left), show(after.right)]).toEqual([whole, whole]);
      }),
      RUNS,
    );
    expect(allowed).toBeGreaterThan(RUNS.numRuns / 10);
  });

  it("P1, P2, P3: no UID names another message, none that was seen dead lives, none appears below an uidNext", () => {
    fc.assert(
      fc.property(anyStory, fc.boolean(), (story, known) => {
        const { left, right, base } = tell(story);
        for (const record of merged(left, right, known ? base : null).records.filter(isLive)) {
          for (const side of [left, right]) {
            const before = side.records.find(({ uid }) => uid === record.uid);
            if (before === undefined) expect(record.uid).toBeGreaterThanOrEqual(side.state.uidNext);
            else expect(isLive(before) && [before.guid, before.size]).toEqual([record.guid, record.size]);
          }
        }
      }),
      RUNS,
    );
  });

  it("P4, P5: counters are the maxima or above, each change stands above all that the side announced", () => {
    fc.assert(
      fc.property(anyStory, fc.boolean(), (story, known) => {
        const { left, right, base } = tell(story);
        const after = merged(left, right, known ? base : null);
        for (const side of [left, right]) {
          expect(after.state.uidNext).toBeGreaterThanOrEqual(side.state.uidNext);
          expect(after.state.purgedModseq).toBeGreaterThanOrEqual(side.state.purgedModseq);
          const announced = new Map(side.records.map((record) => [record.uid, JSON.stringify(record)]));
          for (const record of after.records)
            if (announced.get(record.uid) !== JSON.stringify(record))
              expect(record.modseq).toBeGreaterThan(side.state.highestModseq);
        }
        expect(Math.max(0, ...after.records.map(({ modseq }) => modseq))).toBeLessThanOrEqual(
          after.state.highestModseq,
        );
      }),
      RUNS,
    );
  });
});

function countsOf(box: Box): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { guid } of box.records.filter(isLive)) counts.set(guid, (counts.get(guid) ?? 0) + 1);
  return counts;
}

describe("P6, P7: GUIDs as multisets", () => {
  it("nothing expunged: of n new ones here and m there, the larger number stays, beside all old ones", () => {
    const kinds = ["deliver", "deliver", "copy", "flag"] as const;
    const story = fc.record({ past: changes(1, kinds, 6), left: changes(3, kinds, 7), right: changes(3, kinds, 7) });
    fc.assert(
      fc.property(story, fc.boolean(), (one, known) => {
        const { past, left, right, base } = tell(one);
        const [old, mine, theirs] = [countsOf(past), countsOf(left), countsOf(right)];
        const after = countsOf(merged(left, right, known ? base : null));
        for (const guid of new Set([...mine.keys(), ...theirs.keys()])) {
          const before = old.get(guid) ?? 0;
          const [here, there] = [(mine.get(guid) ?? 0) - before, (theirs.get(guid) ?? 0) - before];
          expect(after.get(guid)).toBe(before + Math.max(here, there));
        }
      }),
      RUNS,
    );
  });

  const kinds = ["deliver", "deliver", "expunge", "flag", "purge"] as const;
  const distinct = fc.record({ past: changes(1, kinds, 8), left: changes(20, kinds, 8), right: changes(40, kinds, 8) });

  it("each mail once: exactly what nobody expunged is there, once, if the base is known", () => {
    fc.assert(
      fc.property(distinct, (story) => {
        const { past, left, right, base } = tell(story);
        const [old, mine, theirs] = [countsOf(past), countsOf(left), countsOf(right)];
        const wanted = new Set([...mine.keys(), ...theirs.keys()].filter((guid) => stays(guid, old, mine, theirs)));
        const after = countsOf(merged(left, right, base));
        expect([...after.keys()].sort()).toEqual([...wanted].sort());
        expect([...after.values()].every((count) => count === 1)).toBe(true);
      }),
      RUNS,
    );
  });

  it("without a base nothing that nobody expunged is lost, and nothing is there twice: in doubt, keep", () => {
    fc.assert(
      fc.property(distinct, (story) => {
        const { past, left, right } = tell(story);
        const [old, mine, theirs] = [countsOf(past), countsOf(left), countsOf(right)];
        const after = countsOf(merged(left, right, null));
        for (const guid of [...mine.keys(), ...theirs.keys()])
          if (stays(guid, old, mine, theirs)) expect(after.get(guid)).toBe(1);
        expect(Math.max(0, ...after.values())).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });
});

function stays(guid: string, ...[old, mine, theirs]: readonly Map<string, number>[]): boolean {
  return old?.has(guid) ? mine?.has(guid) === true && theirs?.has(guid) === true : true;
}

describe("P8: flags", () => {
  it("of every message that is left, each flag is as its newest stamp says, on whichever side", () => {
    const kinds = ["deliver", "flag", "flag", "flag", "expunge"] as const;
    const story = fc.record({ past: changes(1, kinds, 8), left: changes(20, kinds, 8), right: changes(40, kinds, 8) });
    fc.assert(
      fc.property(story, fc.boolean(), (one, known) => {
        const { left, right, base } = tell(one);
        for (const record of merged(left, right, known ? base : null).records.filter(isLive)) {
          const before = [left, right].flatMap((side) => side.records.filter(isLive)).filter(sameGuid(record));
          for (const flag of ["\\Seen", "kw"]) expect(flagNames(record).includes(flag)).toBe(newest(before, flag));
        }
      }),
      RUNS,
    );
  });

  it("the same mail delivered to both: one, with the flags of both", () => {
    const flags = changes(99, ["flag"], 5);
    fc.assert(
      fc.property(flags, flags, fc.nat(3), (mine, theirs, more) => {
        const one = deliver(EMPTY_NODE, 1, 5);
        const other = Array.from({ length: more }, (_, i) => 10 + i).reduce(
          (node, n) => deliver(node, n, 5),
          EMPTY_NODE,
        );
        const left = mine.reduce(apply, one);
        const right = theirs.map((change) => ({ ...change, pick: more })).reduce(apply, deliver(other, 1, 4));
        const found = merged(left, right, null)
          .records.filter(isLive)
          .filter(({ guid }) => guid === guidOf(1));
        const before = [...left.records, ...right.records].filter(isLive).filter(({ guid }) => guid === guidOf(1));
        expect(found).toHaveLength(1);
        expect(found[0]?.internalDate).toBe(4);
        for (const flag of ["\\Seen", "kw"])
          expect(found[0] && flagNames(found[0]).includes(flag)).toBe(newest(before, flag));
      }),
    );
  });
});

function sameGuid({ guid }: LiveRecord) {
  return (other: LiveRecord) => other.guid === guid;
}

/** Whether the flag is set by the newest stamp of all these records of one message; a tie is set. */
function newest(records: readonly LiveRecord[], flag: string): boolean {
  const stamps = records.map((record) => stampOf(record.flagStamps, flag.toLowerCase()));
  return records.some((record, i) => stamps[i] === Math.max(...stamps) && flagNames(record).includes(flag));
}
