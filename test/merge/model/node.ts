/**
 * A node of the model: one mailbox in plain arrays, what clients do to it, and how a planned change is applied.
 *
 * Everything is immutable, so that a history can branch and an older copy can be restored.
 */
import { sameRecord } from "../../../src/merge/equal.ts";
import { addDigest, digestOf } from "../../../src/model/digest.ts";
import { changeFlags, parseFlags } from "../../../src/model/flags.ts";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import { tombstoneOf } from "../../../src/model/record.ts";
import type { Cursor, MailboxDigest, MailboxState } from "../../../src/model/state.ts";
import { EMPTY_DIGEST, sameState } from "../../../src/model/state.ts";

/** The two flags clients use: one system flag, one keyword. */
export const MODEL_FLAGS = ["\\Seen", "kw"] as const;
const FLAG_SETS = MODEL_FLAGS.map((flag) => parseFlags([flag]));
const NO_FLAGS = parseFlags([]);

export interface ModelNode {
  readonly state: MailboxState;
  /** In UID order. */
  readonly records: readonly IndexRecord[];
  /** By the peer's number. */
  readonly cursors: ReadonlyMap<number, Cursor>;
}

export const EMPTY_NODE: ModelNode = {
  state: { uidValidity: 1, uidNext: 1, highestModseq: 1, purgedModseq: 0, digest: EMPTY_DIGEST },
  records: [],
  cursors: new Map(),
};

/** The GUID of mail number `mail`, 1 to 255; GUIDs are ordered as the numbers are. */
export function guidOf(mail: number): string {
  return mail.toString(16).padStart(2, "0").repeat(32);
}

/** The mail number of a GUID: what people read. */
export function mailOf(guid: string): number {
  return Number.parseInt(guid.slice(0, 2), 16);
}

export function liveRecords(node: ModelNode): LiveRecord[] {
  return node.records.filter((record): record is LiveRecord => !record.expunged);
}

export function recordAt(node: ModelNode, uid: number): IndexRecord | null {
  for (const record of node.records) if (record.uid === uid) return record;
  return null;
}

export function liveAt(node: ModelNode, uid: number): LiveRecord | null {
  const record = recordAt(node, uid);
  return record === null || record.expunged ? null : record;
}

/** A mail arrives. `date` stands for when it came to this node: the same mail has another date elsewhere. */
export function deliver(node: ModelNode, mail: number, date: number): ModelNode {
  return append(node, {
    guid: guidOf(mail),
    size: 100 + mail,
    internalDate: date,
    systemFlags: 0,
    keywords: [],
  });
}

/** A copy within the mailbox: the same GUID under a new UID. */
export function copy(node: ModelNode, uid: number): ModelNode {
  const source = liveAt(node, uid);
  return source === null ? node : append(node, source);
}

type Content = Pick<LiveRecord, "guid" | "size" | "internalDate" | "systemFlags" | "keywords">;

function append(node: ModelNode, content: Content): ModelNode {
  const { uidNext: uid, highestModseq } = node.state;
  const modseq = highestModseq + 1;
  const { guid, size, internalDate, systemFlags, keywords } = content;
  const extra = { expunged: false as const, flagStamps: [], formerUids: [] };
  const record = { ...extra, uid, modseq, createdModseq: modseq, guid, size, internalDate, systemFlags, keywords };
  return write(node, [record], { uidNext: uid + 1, highestModseq: modseq });
}

/** Sets or clears a flag (an index of `MODEL_FLAGS`); nothing happens if it is that already. */
export function changeFlag(node: ModelNode, uid: number, flag: number, value: boolean): ModelNode {
  const old = liveAt(node, uid);
  const flags = FLAG_SETS[flag];
  if (old === null || flags === undefined) return node;
  const modseq = node.state.highestModseq + 1;
  const next = changeFlags(old, value ? flags : NO_FLAGS, value ? NO_FLAGS : flags, modseq);
  return next === old ? node : write(node, [next], { highestModseq: modseq });
}

export function expunge(node: ModelNode, uid: number): ModelNode {
  const old = liveAt(node, uid);
  if (old === null) return node;
  const modseq = node.state.highestModseq + 1;
  return write(node, [tombstoneOf(old, modseq)], { highestModseq: modseq });
}

/** Drops tombstones with a modseq of at most `limit`; purgedModseq rises to the highest that is dropped. */
export function purge(node: ModelNode, limit: number): ModelNode {
  const dropped = node.records.filter((record) => record.expunged && record.modseq <= limit);
  return raisePurge(node, Math.max(0, ...dropped.map((record) => record.modseq)));
}

/** Drops all tombstones with a modseq of at most `purgedModseq`, which becomes the node's. */
export function raisePurge(node: ModelNode, purgedModseq: number): ModelNode {
  return write(node, [], { purgedModseq: Math.max(purgedModseq, node.state.purgedModseq) });
}

/** The highest modseq that all peers this node has a cursor of are known to have reached; all of it without a peer. */
export function confirmedModseq(node: ModelNode): number {
  const confirmed = [...node.cursors.values()].map(({ agreed }) => agreed?.highestModseq ?? 0);
  return Math.min(node.state.highestModseq, ...confirmed);
}

/**
 * Writes records (in UID order) and counters, drops purged tombstones, and brings the digest up to date. The same node if
 * nothing changes.
 */
export function write(node: ModelNode, puts: readonly IndexRecord[], counters: Partial<MailboxState>): ModelNode {
  const merged = { ...node.state, ...counters };
  const written = puts.length === 0 ? node.records : withPuts(node.records, puts);
  const isDropped = (record: IndexRecord) => record.expunged && record.modseq <= merged.purgedModseq;
  const records = written.some(isDropped) ? written.filter((record) => !isDropped(record)) : written;
  const state = puts.length === 0 ? merged : { ...merged, digest: digestOfAll(records) };
  return records === node.records && sameState(state, node.state) ? node : { state, records, cursors: node.cursors };
}

function withPuts(records: readonly IndexRecord[], puts: readonly IndexRecord[]): IndexRecord[] {
  const written: IndexRecord[] = [];
  let at = 0;
  for (const put of puts) {
    for (let old = records[at]; old !== undefined && old.uid <= put.uid; old = records[++at])
      if (old.uid < put.uid) written.push(old);
    written.push(put);
  }
  for (; at < records.length; at++) written.push(records[at] as IndexRecord);
  return written;
}

export function withCursor(node: ModelNode, peer: number, cursor: Cursor): ModelNode {
  return { ...node, cursors: new Map(node.cursors).set(peer, cursor) };
}

const digests = new WeakMap<LiveRecord, MailboxDigest>();

function digestOfAll(records: readonly IndexRecord[]): MailboxDigest {
  let sum = EMPTY_DIGEST;
  for (const record of records) {
    if (record.expunged) continue;
    let digest = digests.get(record);
    if (digest === undefined) {
      digest = digestOf(record);
      digests.set(record, digest);
    }
    sum = addDigest(sum, digest);
  }
  return sum;
}

/** True if both have the same counters and the same records, tombstones included. Cursors do not count. */
export function sameMailbox(a: ModelNode, b: ModelNode): boolean {
  return (a.state === b.state || sameCounters(a.state, b.state)) && sameRecords(a.records, b.records);
}

function sameCounters(a: MailboxState, b: MailboxState): boolean {
  return a.uidNext === b.uidNext && a.highestModseq === b.highestModseq && a.purgedModseq === b.purgedModseq;
}

function sameRecords(a: readonly IndexRecord[], b: readonly IndexRecord[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((record, i) => record === b[i] || sameRecord(record, b[i] as IndexRecord));
}

const texts = new WeakMap<IndexRecord, string>();

/** One line for people: counters and records. */
export function describeNode(node: ModelNode): string {
  const { uidNext, highestModseq, purgedModseq } = node.state;
  return `next ${uidNext} modseq ${highestModseq} purged ${purgedModseq} | ${node.records.map(describeRecord).join(" ")}`;
}

/** `5=m2@7` is mail 2 under UID 5 with modseq 7; `-` stands before a tombstone. */
export function describeRecord(record: IndexRecord): string {
  let text = texts.get(record);
  if (text === undefined) {
    text = record.expunged ? describeTombstone(record) : describeLive(record);
    texts.set(record, text);
  }
  return text;
}

function describeLive(record: LiveRecord): string {
  const flags = [record.systemFlags === 0 ? "" : `s${record.systemFlags}`, ...record.keywords]
    .filter(Boolean)
    .join(",");
  const stamps = record.flagStamps.map(({ flag, modseq }) => `${flag}:${modseq}`).join(",");
  const former = record.formerUids.length === 0 ? "" : `^${record.formerUids.join(",")}`;
  const fields = `c${record.createdModseq}d${record.internalDate}z${record.size}`;
  return `${record.uid}=m${mailOf(record.guid)}@${record.modseq}${former}{${flags}}[${stamps}](${fields})`;
}

function describeTombstone(record: Extract<IndexRecord, { expunged: true }>): string {
  const graves = record.graves.map(
    ({ guid, formerUids }) => `m${mailOf(guid)}${formerUids.length === 0 ? "" : `^${formerUids.join(",")}`}`,
  );
  return `-${record.uid}=${graves.join("+") || "moved"}@${record.modseq}`;
}
