/**
 * Mailboxes as readable boxes: written and read as text, merged and applied.
 *
 * `8@10-2 | -5@10 6:E@10/4+S,kw~S:7^5#9` is a mailbox with uidNext 8, highestModseq 10 and purgedModseq 2. It holds a
 * moved tombstone of UID 5 with modseq 10, and under UID 6 the message E with modseq 10, created under 4 (else under its
 * modseq), \Seen and the keyword kw, stamp 7 of \Seen, former UID 5 and date 9. `-5:E,F^3@10` is a tombstone with the
 * graves of E and of F, which had UID 3 before. S A F D T stand for the system flags.
 */
import type { MergeInput, MergePlan, RecordPair, SidePlan } from "../../src/merge/plan.ts";
import { addDigest, digestOf } from "../../src/model/digest.ts";
import { flagNames, parseFlags, SYSTEM_FLAGS, sortedStamps } from "../../src/model/flags.ts";
import { guardCounters, guardRecord } from "../../src/model/guard.ts";
import type { Grave, IndexRecord, LiveRecord, Tombstone } from "../../src/model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest, type MailboxState } from "../../src/model/state.ts";

export interface Box {
  readonly state: MailboxState;
  /** In UID order. */
  readonly records: readonly IndexRecord[];
}

const LETTERS = ["S", "A", "F", "D", "T"];
const RECORD = /^(\d+):([A-Z])@(\d+)(?:\/(\d+))?(?:\+([^~^#]+))?(?:~([^^#]+))?(?:\^([\d,]+))?(?:#(\d+))?$/;
const TOMBSTONE = /^-(\d+)(?::(.+))?@(\d+)$/;
const HEAD = /^(\d+)@(\d+)(?:-(\d+))?$/;

/** The mailbox that a text describes. @throws Error if it is malformed. */
export function box(text: string, uidValidity = 1): Box {
  const [head = "", list = ""] = text.split("|");
  const [, uidNext, modseq, purged] = matched(HEAD, head.trim());
  const records = list.split(" ").filter(Boolean).map(record);
  const counters = { uidNext: Number(uidNext), highestModseq: Number(modseq), purgedModseq: Number(purged ?? 0) };
  return { state: { uidValidity, ...counters, digest: digestOfAll(records) }, records };
}

/** The text of a mailbox: `box(show(x))` is `x`. */
export function show({ state, records }: Box): string {
  const purged = state.purgedModseq === 0 ? "" : `-${state.purgedModseq}`;
  const list = records.map(showRecord).join(" ");
  return `${state.uidNext}@${state.highestModseq}${purged} | ${list}`.trim();
}

/** The GUID of a message named by a letter, in the order of the letters. */
export function guidOf(letter: string): string {
  return letter.charCodeAt(0).toString(16).padStart(2, "0").repeat(32);
}

export function record(text: string): IndexRecord {
  return text.startsWith("-") ? tombstone(text) : live(text);
}

function live(text: string): LiveRecord {
  const [, uid, letter = "", modseq, created, flags, stamps, former, date] = matched(RECORD, text);
  return {
    expunged: false,
    uid: Number(uid),
    modseq: Number(modseq),
    createdModseq: Number(created ?? modseq),
    guid: guidOf(letter),
    size: letter.charCodeAt(0),
    internalDate: Number(date ?? 0),
    ...parseFlags((flags ?? "").split(",").filter(Boolean).map(flagOf)),
    flagStamps: sortedStamps(new Map((stamps ?? "").split(",").filter(Boolean).map(stampOf))),
    formerUids: numbers(former),
  };
}

function tombstone(text: string): Tombstone {
  const [, uid, graves, modseq] = matched(TOMBSTONE, text);
  const list = (graves ?? "").match(/[A-Z](\^\d+(,\d+)*)?/g) ?? [];
  return { expunged: true, uid: Number(uid), modseq: Number(modseq), graves: list.map(grave) };
}

function grave(text: string): Grave {
  return { guid: guidOf(text.charAt(0)), formerUids: numbers(text.slice(2)) };
}

function flagOf(name: string): string {
  return SYSTEM_FLAGS[LETTERS.indexOf(name)] ?? name;
}

function stampOf(text: string): [string, number] {
  const [flag = "", modseq] = text.split(":");
  return [flagOf(flag).toLowerCase(), Number(modseq)];
}

function numbers(text: string | undefined): number[] {
  return (text ?? "").split(",").filter(Boolean).map(Number);
}

function matched(pattern: RegExp, text: string): string[] {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`${JSON.stringify(text)} does not read as ${pattern}.`);
  return found;
}

export function showRecord(one: IndexRecord): string {
  if (one.expunged) {
    const graves = one.graves.map((each) => letterOf(each.guid) + prefixed("^", each.formerUids)).join(",");
    return `-${one.uid}${graves === "" ? "" : `:${graves}`}@${one.modseq}`;
  }
  const created = one.createdModseq === one.modseq ? "" : `/${one.createdModseq}`;
  const stamps = one.flagStamps.map(({ flag, modseq }) => `${letterOfFlag(flag)}:${modseq}`);
  const extra = prefixed("+", flagNames(one).map(letterOfFlag)) + prefixed("~", stamps) + prefixed("^", one.formerUids);
  const date = one.internalDate === 0 ? "" : `#${one.internalDate}`;
  return `${one.uid}:${letterOf(one.guid)}@${one.modseq}${created}${extra}${date}`;
}

function letterOf(guid: string): string {
  return String.fromCharCode(Number.parseInt(guid.slice(0, 2), 16));
}

function letterOfFlag(flag: string): string {
  const at = SYSTEM_FLAGS.findIndex((name) => name.toLowerCase() === flag.toLowerCase());
  return LETTERS[at] ?? flag;
}

function prefixed(mark: string, items: readonly unknown[]): string {
  return items.length === 0 ? "" : mark + items.join(",");
}

export function digestOfAll(records: readonly IndexRecord[]): MailboxDigest {
  return records.reduce((sum, one) => (one.expunged ? sum : addDigest(sum, digestOf(one))), EMPTY_DIGEST);
}

/**
 * What a store makes of one side of a plan: guard, records, counters, purge, and a digest that must come out.
 * @throws TandemError `invalid-change`, Error if the digest is another.
 */
export function applySide(before: Box, plan: SidePlan): Box {
  const excuse = { reset: plan.reset, overrule: false };
  const byUid = new Map(plan.reset ? [] : before.records.map((one) => [one.uid, one]));
  guardCounters(before.state, plan.after, excuse);
  for (const put of plan.puts) guardRecord(byUid.get(put.uid) ?? null, put, before.state, plan.after, excuse);
  for (const put of plan.puts) byUid.set(put.uid, put);
  const kept = [...byUid.values()].filter((one) => !one.expunged || one.modseq > plan.after.purgedModseq);
  const after = { state: plan.after, records: kept.sort((a, b) => a.uid - b.uid) };
  const digest = digestOfAll(after.records);
  if (JSON.stringify(digest) !== JSON.stringify(plan.after.digest)) throw new Error("The plan claims another digest.");
  return after;
}

/** Every UID of either side, equal records included: what a naive walk looks at. */
export function allPairs(left: Box, right: Box): RecordPair[] {
  const [mine, theirs] = [byUid(left), byUid(right)];
  const uids = [...new Set([...mine.keys(), ...theirs.keys()])].sort((a, b) => a - b);
  return uids.map((uid) => ({ uid, left: mine.get(uid) ?? null, right: theirs.get(uid) ?? null }));
}

function byUid({ records }: Box): Map<number, IndexRecord> {
  return new Map(records.map((one) => [one.uid, one]));
}

/**
 * What changed since the base on either side; the side `filled` knows all its records, so it adds those that only the
 * other one changed.
 */
export function deltaPairs(left: Box, right: Box, since: number, filled: "left" | "right"): RecordPair[] {
  const changed = (one: IndexRecord | null) => one !== null && one.modseq > since;
  return allPairs(left, right)
    .filter((pair) => changed(pair.left) || changed(pair.right))
    .map((pair) => ({
      uid: pair.uid,
      left: filled === "left" || changed(pair.left) ? pair.left : null,
      right: filled === "right" || changed(pair.right) ? pair.right : null,
    }));
}

/** The same merge seen from the other side. */
export function mirrored(input: MergeInput): MergeInput {
  const pairs = input.pairs.map(({ uid, left, right }) => ({ uid, left: right, right: left }));
  return { ...input, left: input.right, right: input.left, pairs };
}

/** What both sides become. */
export function applyBoth(left: Box, right: Box, plan: MergePlan): { readonly left: Box; readonly right: Box } {
  return { left: applySide(left, plan.left), right: applySide(right, plan.right) };
}
