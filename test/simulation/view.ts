/**
 * What any client that watches a node all the time has seen there, and what that binds the node to (P1 to P5, and that no
 * message disappears, P6).
 *
 * A client knows a mailbox by its name and uidValidity. All of it is data, so that a node that is restored from a backup
 * takes up the views of that time.
 */
import { flagsByName, stampOf } from "../../src/model/flags.ts";
import type { IndexRecord, LiveRecord } from "../../src/model/record.ts";
import type { MailboxState } from "../../src/model/state.ts";
import { demand } from "../merge/model/violation.ts";
import { FLAGS } from "./event.ts";

/** A mailbox at one moment. */
export interface View {
  readonly name: string;
  /** Its id and those that it took over. */
  readonly ids: readonly string[];
  readonly state: MailboxState;
  readonly records: readonly IndexRecord[];
}

/** What was seen of a name under one uidValidity. */
export interface Numbering {
  state: MailboxState;
  ids: readonly string[];
  /** As it was last seen. */
  records: ReadonlyMap<number, IndexRecord>;
  /** What each UID named. */
  readonly named: Map<number, { readonly guid: string; readonly size: number; readonly date: number }>;
  /** UIDs that were expunged, or whose message was renumbered. */
  readonly dead: Set<number>;
  /** What stood under each "uid@modseq". */
  readonly states: Map<string, string>;
}

/** The newest change of a flag: a set flag wins if stamps are equal. */
export interface FlagSeen {
  readonly stamp: number;
  readonly value: boolean;
}

export interface NodeViews {
  /** By "name/uidValidity". */
  readonly numberings: Map<string, Numbering>;
  /** Highest uidValidity by name. */
  readonly validities: Map<string, number>;
  /** Most live messages of a GUID seen at once in a mailbox of a name, by "name/guid". */
  readonly counts: Map<string, number>;
  /** By "name/guid/flag". */
  readonly flags: Map<string, FlagSeen>;
}

export function newViews(): NodeViews {
  return { numberings: new Map(), validities: new Map(), counts: new Map(), flags: new Map() };
}

/** A copy that goes its own way. */
export function copyOfViews(views: NodeViews): NodeViews {
  return structuredClone(views);
}

/** How many messages of a GUID in mailboxes of this name may be gone at most. */
export type Allowance = (name: string, guid: string) => number;

/** Takes in what is seen now. @throws Violation if it is not what clients were promised. */
export function look(views: NodeViews, view: View, allowance: Allowance): void {
  const { name, state } = view;
  const highest = views.validities.get(name) ?? 0;
  demand(state.uidValidity >= highest, "P4", () => `the uidValidity of ${name} falls from ${highest}`);
  views.validities.set(name, state.uidValidity);
  const key = `${name}/${state.uidValidity}`;
  const before = views.numberings.get(key);
  if (before !== undefined) {
    checkCounters(view, before);
    for (const record of view.records) checkRecord(view, record, before);
    checkGone(view, before, allowance);
  }
  views.numberings.set(key, taken(view, before));
  note(views, view);
}

function checkCounters({ name, state }: View, { state: before }: Numbering): void {
  for (const counter of ["uidNext", "highestModseq", "purgedModseq"] as const)
    demand(state[counter] >= before[counter], "P4", () => {
      return `${counter} of ${name} falls from ${before[counter]} to ${state[counter]}`;
    });
}

function checkRecord({ name }: View, record: IndexRecord, before: Numbering): void {
  const { uid, modseq } = record;
  const old = before.records.get(uid);
  const what = () => `${name} UID ${uid} (${textOf(record)}, was ${old ? textOf(old) : "not there"})`;
  const seen = before.states.get(`${uid}@${modseq}`);
  demand(seen === undefined || seen === textOf(record), "P5", () => `${what()}: modseq ${modseq} showed ${seen}`);
  if (old !== undefined && textOf(old) === textOf(record)) return;
  demand(modseq > before.state.highestModseq, "P5", () => `${what()} changed below ${before.state.highestModseq}`);
  if (record.expunged) return;
  demand(!before.dead.has(uid), "P2", () => `${what()} came back`);
  const named = before.named.get(uid);
  if (named === undefined) {
    const { uidNext } = before.state;
    demand(uid >= uidNext, "P3", () => `${what()} appears below the announced uidNext ${uidNext}`);
  } else demand(named.guid === record.guid && named.size === record.size, "P1", () => `${what()} is another message`);
}

/** What is not there any more was told of, and of each message as many are left as nobody expunged. */
function checkGone(view: View, before: Numbering, allowance: Allowance): void {
  const now = new Map(view.records.map((record) => [record.uid, record]));
  for (const { uid, expunged } of before.records.values())
    if (!expunged && !now.has(uid))
      demand(
        view.state.purgedModseq > before.state.highestModseq,
        "P5",
        () => `${view.name} UID ${uid} is gone untold`,
      );
  if (!before.ids.some((id) => view.ids.includes(id))) return;
  const left = countGuids(view.records);
  for (const [guid, count] of countGuids([...before.records.values()]))
    demand((left.get(guid) ?? 0) >= count - allowance(view.name, guid), "P6", () => {
      return `${view.name} has ${left.get(guid) ?? 0} of the ${count} messages ${guid.slice(0, 8)}, which nobody expunged`;
    });
}

function taken({ ids, state, records }: View, before: Numbering | undefined): Numbering {
  const now: Numbering = {
    named: new Map(),
    dead: new Set(),
    states: new Map(),
    ...before,
    ids,
    state,
    records: new Map(records.map((record) => [record.uid, record])),
  };
  for (const record of records) {
    now.states.set(`${record.uid}@${record.modseq}`, textOf(record));
    if (record.expunged) now.dead.add(record.uid);
    else now.named.set(record.uid, { guid: record.guid, size: record.size, date: record.internalDate });
  }
  for (const { uid } of before?.records.values() ?? []) if (!now.records.has(uid)) now.dead.add(uid);
  return now;
}

/** Counts of messages and newest flags. */
function note(views: NodeViews, { name, records }: View): void {
  for (const [guid, count] of countGuids(records)) {
    const key = `${name}/${guid}`;
    views.counts.set(key, Math.max(count, views.counts.get(key) ?? 0));
  }
  for (const record of records) {
    if (record.expunged) continue;
    for (const [flag, seen] of flagsOf(record)) {
      const key = `${name}/${record.guid}/${flag}`;
      views.flags.set(key, newer(views.flags.get(key), seen));
    }
  }
}

export function flagsOf(record: LiveRecord): [string, FlagSeen][] {
  const set = flagsByName(record);
  return FLAGS.map((flag) => flag.toLowerCase()).map((flag) => {
    return [flag, { stamp: stampOf(record.flagStamps, flag), value: set.has(flag) }];
  });
}

export function newer(a: FlagSeen | undefined, b: FlagSeen): FlagSeen {
  if (a === undefined || b.stamp > a.stamp) return b;
  return b.stamp === a.stamp && b.value ? b : a;
}

export function countGuids(records: readonly IndexRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) if (!record.expunged) counts.set(record.guid, (counts.get(record.guid) ?? 0) + 1);
  return counts;
}

/** All that clients can see of a record, and what tells other nodes about it. */
export function textOf(record: IndexRecord): string {
  return JSON.stringify(record);
}
