/**
 * Decides each UID on its own: the row, and what should stand there on both sides afterwards.
 */
import type { IndexRecord, LiveRecord, Tombstone } from "../model/record.ts";
import { graveOf, mergeLive, withGraves } from "./combine.ts";
import { findKin, type Kin, type Known, type SideName } from "./identity.ts";
import type { Decision, MergeInput, RecordPair } from "./plan.ts";
import { type RowId, rowFor } from "./rows.ts";

/** One UID under decision. `want` is what both sides shall hold; its modseq is settled later. */
export interface Decided {
  readonly uid: number;
  readonly left: IndexRecord | null;
  readonly right: IndexRecord | null;
  readonly row: RowId;
  want: IndexRecord;
}

/**
 * A live message that the other side does not have under its UID: one that arrives under it (M07), or one that has to
 * leave it (M05, M06, M09).
 */
export interface Loose {
  readonly side: SideName;
  readonly record: LiveRecord;
  readonly row: RowId;
  readonly arrives: boolean;
}

export interface DecidedSlots {
  readonly slots: Decided[];
  readonly loose: Loose[];
  readonly decisions: Decision[];
  readonly kin: readonly Kin[];
}

/** Walks the pairs once, in UID order. */
export function decideSlots(input: MergeInput): DecidedSlots {
  const since = input.base?.highestModseq ?? 0;
  const kin = findKin(input.pairs, since);
  const result: DecidedSlots = { slots: [], loose: [], decisions: [], kin };
  const partners = partnersOf(kin);
  for (const pair of input.pairs) {
    const row = rowByIdentity(rowFor(pair, input), pair, partners);
    if (row === null || row === "M01") continue;
    const loose = looseOf(pair, row);
    if (loose.some(({ record }) => input.held?.has(record.guid))) continue;
    const { uid, left, right } = pair;
    result.slots.push({ uid, left, right, row, want: wanted(pair, row, since) });
    result.loose.push(...loose);
    result.decisions.push({ row, uid: pair.uid, reason: reasonFor(pair, row) });
  }
  return result;
}

/** The UID under which the other side knows the same message, by the message's own UID and GUID. */
type Partners = Record<SideName, ReadonlyMap<string, number>>;

function partnersOf(kin: readonly Kin[]): Partners {
  const key = ({ uid, guid }: Known) => `${uid} ${guid}`;
  return {
    left: new Map(kin.map(({ left, right }) => [key(left), right.uid])),
    right: new Map(kin.map(({ left, right }) => [key(right), left.uid])),
  };
}

/**
 * The row, unless a message under this UID is known to be the same as one under another UID of the other side: then what
 * both have here are two messages (M05, M06), and what the other side lacks here was renumbered, not expunged (M06, M09).
 */
function rowByIdentity(row: RowId | null, { uid, left, right }: RecordPair, partners: Partners): RowId | null {
  if (row !== "M02" && row !== "M03" && row !== "M08") return row;
  const guid = left?.expunged === false ? left.guid : right?.expunged === false ? right.guid : "";
  const isElsewhere = (side: SideName) => (partners[side].get(`${uid} ${guid}`) ?? uid) !== uid;
  if (!isElsewhere("left") && !isElsewhere("right")) return row;
  if (row === "M02") return "M05";
  return left !== null && right !== null ? "M06" : "M09";
}

function looseOf(pair: RecordPair, row: RowId): Loose[] {
  if (row !== "M05" && row !== "M06" && row !== "M07" && row !== "M09") return [];
  const loose: Loose[] = [];
  for (const side of ["left", "right"] as const) {
    const record = pair[side];
    if (record !== null && !record.expunged) loose.push({ side, record, row, arrives: row === "M07" });
  }
  return loose;
}

/** @param since modseq of the base, 0 without one. */
function wanted({ uid, left, right }: RecordPair, row: RowId, since: number): IndexRecord {
  const [one, other] = left === null ? [right, left] : [left, right];
  if (one === null) throw new Error("a row was found for an empty slot");
  const [live, dead] = one.expunged ? [other, one] : [one, other];
  switch (row) {
    case "M02":
      return mergeLive(one as LiveRecord, other as LiveRecord);
    case "M03":
      return withGraves(dead as Tombstone, [graveOf(live as LiveRecord)]);
    case "M04":
      return joined(one as Tombstone, other as Tombstone, since);
    case "M05":
    case "M09":
      return moved(uid);
    case "M06":
      return dead as Tombstone;
    case "M08":
      return withGraves((dead as Tombstone | null) ?? moved(uid), [graveOf(live as LiveRecord)]);
    default:
      return one;
  }
}

/** Both tombstones in one; if one of them is still as it was on both sides at the base, the other. */
function joined(a: Tombstone, b: Tombstone, since: number): Tombstone {
  if (a.modseq <= since) return b;
  return b.modseq <= since ? a : withGraves(a, b.graves);
}

/** The tombstone a renumbered message leaves. */
function moved(uid: number): Tombstone {
  return { expunged: true, uid, modseq: 0, graves: [] };
}

function reasonFor(pair: RecordPair, row: RowId): string {
  const has = pair.left === null ? "the right side" : "the left side";
  const lacks = pair.left === null ? "the left side" : "the right side";
  switch (row) {
    case "M02":
      return "the same message with different flags, dates or modseqs: merged flag by flag, the newest change wins";
    case "M03":
      return "expunged on one side: expunge wins";
    case "M04":
      return "expunged on both sides: the tombstones become the same";
    case "M05":
      return "two messages under one UID: both get a new one";
    case "M06":
      return "a message whose UID was used up by another on the other side: it gets a new one";
    case "M07":
      return `new on ${has}: taken over under its UID`;
    case "M08":
      return `${lacks} expunged it and has purged the tombstone since: expunged`;
    case "M09":
      return `clients of ${lacks} were told that this UID is empty: it gets a new one`;
    case "M10":
      return `a tombstone that ${lacks} lacks`;
    default:
      return "changed on one side since the last exchange: taken over";
  }
}
