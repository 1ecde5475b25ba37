/**
 * Decides each UID on its own: the row, and what should stand there on both sides afterwards.
 */
import type { IndexRecord, LiveRecord, Tombstone } from "../model/record.ts";
import { graveOf, mergeLive, withGraves } from "./combine.ts";
import type { Decision, MergeInput, RecordPair } from "./plan.ts";
import { type RowId, rowFor } from "./rows.ts";

export type SideName = "left" | "right";

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
}

/** Walks the pairs once, in UID order. */
export function decideSlots(input: MergeInput): DecidedSlots {
  const result: DecidedSlots = { slots: [], loose: [], decisions: [] };
  for (const pair of input.pairs) {
    const row = rowFor(pair, input);
    if (row === null || row === "M01") continue;
    const loose = looseOf(pair, row);
    if (loose.some(({ record }) => input.held?.has(record.guid))) continue;
    result.slots.push({ ...pair, row, want: wanted(pair, row) });
    result.loose.push(...loose);
    result.decisions.push({ row, uid: pair.uid, reason: reasonFor(pair, row) });
  }
  return result;
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

function wanted({ uid, left, right }: RecordPair, row: RowId): IndexRecord {
  const [one, other] = left === null ? [right, left] : [left, right];
  if (one === null) throw new Error("a row was found for an empty slot");
  const [live, dead] = one.expunged ? [other, one] : [one, other];
  switch (row) {
    case "M02":
      return mergeLive(one as LiveRecord, other as LiveRecord);
    case "M03":
      return withGraves(dead as Tombstone, [graveOf(live as LiveRecord)]);
    case "M04":
      return withGraves(one as Tombstone, (other as Tombstone).graves);
    case "M05":
    case "M09":
      return moved(uid);
    case "M06":
      return dead as Tombstone;
    case "M08":
      return { ...moved(uid), graves: [graveOf(live as LiveRecord)] };
    default:
      return one;
  }
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
