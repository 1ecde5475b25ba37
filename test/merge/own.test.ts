/**
 * What the right side has of its own, beside a naive account of what its clients did while the two were apart.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaAllowed } from "../../src/merge/base.ts";
import { planMerge } from "../../src/merge/merge.ts";
import { type Own, ownOfRight } from "../../src/merge/own.ts";
import type { MergeInput } from "../../src/merge/plan.ts";
import { ownOfVoid } from "../../src/merge/renumbering.ts";
import { deltaSuffices } from "../../src/merge/suffices.ts";
import { comparePairs } from "../../src/merge/walk.ts";
import { flagNames } from "../../src/model/flags.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import type { MailboxState } from "../../src/model/state.ts";
import { applyBoth, applySide, type Box, box, deltaPairs } from "./boxes.ts";
import { changeFlag, copy, deliver, EMPTY_NODE, expunge, liveRecords, type ModelNode, purge } from "./model/node.ts";

/** What a client does to one of the live messages, or a delivery. */
interface Step {
  readonly op: "deliver" | "copy" | "expunge" | "set" | "clear" | "purge";
  readonly pick: number;
  readonly flag: number;
}

interface Story {
  readonly past: readonly Step[];
  readonly left: readonly Step[];
  readonly right: readonly Step[];
}

const OPS: readonly Step["op"][] = ["deliver", "deliver", "copy", "expunge", "set", "set", "clear", "purge"];
const steps = fc.array(fc.record({ op: fc.constantFrom(...OPS), pick: fc.nat(7), flag: fc.nat(1) }), { maxLength: 8 });
const anyStory: fc.Arbitrary<Story> = fc.record({ past: steps, left: steps, right: steps });
const RUNS = { numRuns: 1000 };

/** What a server's own clients know of it; a naive account, which knows nothing of the rule. */
interface Told {
  /** UIDs of messages, with the flags set. */
  readonly live: ReadonlyMap<number, ReadonlySet<number>>;
  readonly expunged: ReadonlySet<number>;
  /** By UID and flag, when it was last changed. */
  readonly changed: ReadonlyMap<string, number>;
  readonly uidNext: number;
}

interface Server {
  readonly node: ModelNode;
  readonly told: Told;
}

const START: Server = {
  node: EMPTY_NODE,
  told: { live: new Map(), expunged: new Set(), changed: new Map(), uidNext: 1 },
};

function act({ node, told }: Server, { op, pick, flag }: Step, mail: number): Server {
  const uids = [...told.live.keys()];
  const uid = uids[pick % uids.length];
  if (op === "deliver") return { node: deliver(node, mail, 0), told: added(told, new Set()) };
  if (op === "purge") return { node: purge(node, node.state.highestModseq), told };
  if (uid === undefined) return { node, told };
  const flags = told.live.get(uid) as ReadonlySet<number>;
  if (op === "copy") return { node: copy(node, uid), told: added(told, flags) };
  const live = new Map(told.live);
  if (op === "expunge") {
    live.delete(uid);
    return { node: expunge(node, uid), told: { ...told, live, expunged: new Set(told.expunged).add(uid) } };
  }
  if (flags.has(flag) === (op === "set")) return { node, told };
  live.set(uid, new Set(op === "set" ? [...flags, flag] : [...flags].filter((one) => one !== flag)));
  const changed = new Map(told.changed).set(`${uid} ${flag}`, node.state.highestModseq + 1);
  return { node: changeFlag(node, uid, flag, op === "set"), told: { ...told, live, changed } };
}

function added(told: Told, flags: ReadonlySet<number>): Told {
  return { ...told, live: new Map(told.live).set(told.uidNext, flags), uidNext: told.uidNext + 1 };
}

/** All mails are different if `mails` is 0, else the same few come to both sides. */
function tell(story: Story, mails: number): { past: Server; left: Server; right: Server } {
  let mail = 0;
  const next = () => (mails === 0 ? ++mail : (mail++ % mails) + 1);
  const go = (from: Server, list: readonly Step[]) => list.reduce((server, step) => act(server, step, next()), from);
  const past = go(START, story.past);
  return { past, left: go(past, story.left), right: go(past, story.right) };
}

/** In words: what of the right side's doing would be undone, UIDs that it gave away included. */
function ownByAccount(past: Told, left: Told, right: Told): string[] {
  const own: string[] = [];
  for (let uid = 1; uid < Math.max(left.uidNext, right.uidNext); uid++) {
    const [mine, theirs] = [right.live.get(uid), left.live.get(uid)];
    if (uid >= past.uidNext) {
      if (mine !== undefined) own.push(`${uid} message`);
      else if (theirs !== undefined && right.expunged.has(uid)) own.push(`${uid} taken`);
    } else if (theirs !== undefined && mine === undefined) own.push(`${uid} expunged`);
    else if (theirs !== undefined && mine !== undefined) own.push(...ownFlags(uid, left, right));
  }
  return own;
}

function ownFlags(uid: number, left: Told, right: Told): string[] {
  const differing = [0, 1].filter((flag) => left.live.get(uid)?.has(flag) !== right.live.get(uid)?.has(flag));
  const when = (told: Told, flag: number) => told.changed.get(`${uid} ${flag}`) ?? 0;
  const isSet = (flag: number) => right.live.get(uid)?.has(flag) === true;
  // Of two changes the newer one counts; of two at once the one that sets.
  const wins = (flag: number) => when(right, flag) - when(left, flag) || (isSet(flag) ? 1 : -1);
  return differing.some((flag) => wins(flag) > 0) ? [`${uid} changed`] : [];
}

const inWords = (own: readonly Own[]) => own.map(({ uid, kind }) => `${uid} ${kind}`);

function inputOf(left: Box, right: Box, base: MailboxState | null): MergeInput {
  return { left: left.state, right: right.state, base, delta: false, pairs: comparePairs(left.records, right.records) };
}

/** What clients see. */
const seen = (one: { readonly records: readonly IndexRecord[] }) =>
  one.records.flatMap((record) =>
    record.expunged ? [] : [[record.uid, record.guid, record.internalDate, flagNames(record)]],
  );

describe("ownOfRight", () => {
  it("names what clients of the right side did, and nothing that the left side did", () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        // Copies of one message on both sides would be taken for one.
        const { past, left, right } = tell({ ...story, left: story.left.filter(({ op }) => op !== "copy") }, 0);
        const own = ownOfRight(inputOf(left.node, right.node, past.node.state));
        expect(inWords(own)).toEqual(ownByAccount(past.told, left.told, right.told));
      }),
      RUNS,
    );
  });

  it("names the same from a delta", () => {
    let allowed = 0;
    fc.assert(
      fc.property(anyStory, fc.nat(3), (story, mails) => {
        const { past, left, right } = tell(story, mails);
        const base = { ...past.node.state, entryModseq: 1 };
        const pairs = deltaPairs(left.node, right.node, base.highestModseq, "left");
        if (!deltaAllowed(base, [left.node.state, right.node.state]) || !deltaSuffices({ pairs, base })) return;
        allowed++;
        const input = { left: left.node.state, right: right.node.state, base, delta: true, pairs };
        expect(ownOfRight(input)).toEqual(ownOfRight(inputOf(left.node, right.node, base)));
      }),
      RUNS,
    );
    expect(allowed).toBeGreaterThan(RUNS.numRuns / 10);
  });

  it("is empty exactly if the left side's clients see nothing new, and then its half alone makes the right side like it", () => {
    let empty = 0;
    fc.assert(
      fc.property(anyStory, fc.nat(3), fc.boolean(), (story, mails, known) => {
        const { past, left, right } = tell({ ...story, right: story.right.slice(0, 3) }, mails);
        const input = inputOf(left.node, right.node, known ? past.node.state : null);
        const plan = planMerge(input);
        const isEmpty = ownOfRight(input).length === 0;
        const after = applyBoth(left.node, right.node, plan);
        expect(JSON.stringify(seen(after.left)) === JSON.stringify(seen(left.node))).toBe(isEmpty);
        if (!isEmpty) return;
        empty++;
        const half = applySide(right.node, plan.right);
        expect(seen(half)).toEqual(seen(left.node));
        const again = inputOf(left.node, half, input.base);
        expect([ownOfRight(again), planMerge(again).right.puts]).toEqual([[], []]);
      }),
      RUNS,
    );
    expect(empty).toBeGreaterThan(RUNS.numRuns / 20);
  });

  it.each<readonly [name: string, left: string, right: string, own: readonly string[]]>([
    ["a message that the left side renumbered meanwhile", "7@8 | -5@8 6:E@8^5", "6@5 | 5:E@5", []],
    ["one that the right side renumbered", "6@5 | 5:E@5", "7@8 | -5@8 6:E@8^5", ["6 elsewhere 5"]],
    ["one expunged there under a later UID", "6@5 | 5:E@5", "7@9 | -5@8 -6:E^5@9", ["6 expunged"]],
    [
      "one that came to both under two UIDs",
      "6@5 | 4:D@4 5:E@5",
      "6@5 | 4:E@4 5:D@5",
      ["4 elsewhere 5", "5 elsewhere 4"],
    ],
    ["the same one with an earlier date there", "6@5 | 5:E@5#9", "6@5 | 5:E@5#8", ["5 changed"]],
    ["flags set and cleared there", "6@6 | 5:E@6/5+S~S:6", "6@8 | 5:E@8/5+F~F:7,S:8", ["5 changed +\\Flagged -\\Seen"]],
    ["a message whose flags are its own", "5@4 |", "6@6 | 5:E@6/5+S~S:6", ["5 message \\Seen"]],
  ])("%s", (_name, left, right, own) => {
    const found = ownOfRight(inputOf(box(left), box(right), null));
    expect(found.map(inDetail)).toEqual(own);
  });
});

function inDetail(own: Own): string {
  if (own.kind === "elsewhere") return `${own.uid} elsewhere ${own.leftUid}`;
  if (own.kind === "message") return [own.uid, "message", ...own.flags].join(" ");
  if (own.kind !== "changed") return `${own.uid} ${own.kind}`;
  return [`${own.uid} changed`, ...own.set.map((one) => `+${one}`), ...own.cleared.map((one) => `-${one}`)].join(" ");
}

describe("ownOfVoid", () => {
  it("counts the messages of a void numbering by GUID, and names them by their own UIDs", () => {
    fc.assert(
      fc.property(anyStory, anyStory, (one, other) => {
        const [left, right] = [tell(one, 3).left.node, tell(other, 3).right.node];
        const own = ownOfVoid(left.records, right.records).filter(({ kind }) => kind === "message");
        const spare = liveRecords(left).map(({ guid }) => guid);
        const missing = liveRecords(right).filter(({ guid }) => {
          const at = spare.indexOf(guid);
          if (at >= 0) spare.splice(at, 1);
          return at < 0;
        });
        const guids = new Map(liveRecords(right).map(({ uid, guid }) => [uid, guid]));
        expect(own.map(({ uid }) => guids.get(uid)).sort()).toEqual(missing.map(({ guid }) => guid).sort());
      }),
      RUNS,
    );
  });
});
