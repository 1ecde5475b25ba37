/**
 * How two records of one message become one: flag by flag for live ones, the union of graves for tombstones.
 *
 * Both functions are commutative, associative and idempotent, so neither roles nor the order of exchanges matter (P10).
 */
import { compareText, flagsByName, parseFlags, sortedStamps } from "../model/flags.ts";
import type { Grave, LiveRecord, Tombstone } from "../model/record.ts";

/**
 * One live record from two of the same message (M02): per flag the higher stamp wins, with equal stamps a set flag
 * wins; the lower internal date and the lower createdModseq win. UID and modseq are those of `a`.
 */
export function mergeLive(a: LiveRecord, b: LiveRecord): LiveRecord {
  return {
    ...a,
    ...mergeFlags(a, b),
    internalDate: Math.min(a.internalDate, b.internalDate),
    createdModseq: Math.min(a.createdModseq, b.createdModseq),
    formerUids: mergeUids(a.formerUids, b.formerUids),
  };
}

/** Ascending union of UIDs. */
export function mergeUids(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

/** Graves of both tombstones, one per GUID, sorted. */
export function joinGraves(a: readonly Grave[], b: readonly Grave[]): readonly Grave[] {
  const byGuid = new Map(a.map((grave) => [grave.guid, grave]));
  for (const grave of b) {
    const same = byGuid.get(grave.guid);
    const formerUids = same ? mergeUids(same.formerUids, grave.formerUids) : grave.formerUids;
    byGuid.set(grave.guid, { guid: grave.guid, formerUids });
  }
  return [...byGuid.values()].sort((x, y) => compareText(x.guid, y.guid));
}

/** The grave of a live record, as its expunge would leave it. */
export function graveOf(record: LiveRecord): Grave {
  return { guid: record.guid, formerUids: record.formerUids };
}

/** The tombstone with further graves; UID and modseq stay. */
export function withGraves(tombstone: Tombstone, graves: readonly Grave[]): Tombstone {
  return { ...tombstone, graves: joinGraves(tombstone.graves, graves) };
}

type Flags = Pick<LiveRecord, "systemFlags" | "keywords" | "flagStamps">;

function mergeFlags(a: LiveRecord, b: LiveRecord): Flags {
  const [flagsA, flagsB] = [flagsByName(a), flagsByName(b)];
  const [stampsA, stampsB] = [stampsByName(a), stampsByName(b)];
  const stamps = new Map<string, number>();
  const flags: string[] = [];
  for (const name of new Set([...flagsA.keys(), ...flagsB.keys(), ...stampsA.keys(), ...stampsB.keys()])) {
    const [stampA, stampB] = [stampsA.get(name) ?? 0, stampsB.get(name) ?? 0];
    const spelling = newer(flagsA.get(name), stampA, flagsB.get(name), stampB);
    if (spelling !== undefined) flags.push(spelling);
    if (stampA > 0 || stampB > 0) stamps.set(name, Math.max(stampA, stampB));
  }
  return { ...parseFlags(flags), flagStamps: sortedStamps(stamps) };
}

/** The spelling of the flag if it is set by the newer of two states, undefined if that one cleared it. */
function newer(a: string | undefined, stampA: number, b: string | undefined, stampB: number): string | undefined {
  if (stampA !== stampB) return stampA > stampB ? a : b;
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

function stampsByName(record: LiveRecord): Map<string, number> {
  return new Map(record.flagStamps.map((stamp) => [stamp.flag, stamp.modseq]));
}
