/**
 * When two records are the same: in everything (M01), or in everything but the modseq.
 */
import type { Grave, IndexRecord, LiveRecord } from "../model/record.ts";

/** Equal in every field, modseq and stamps included. */
export function sameRecord(a: IndexRecord, b: IndexRecord): boolean {
  return a.modseq === b.modseq && sameContent(a, b);
}

/** Equal in every field but the modseq. */
export function sameContent(a: IndexRecord, b: IndexRecord): boolean {
  if (a.uid !== b.uid) return false;
  if (a.expunged || b.expunged) return a.expunged && b.expunged && sameList(a.graves, b.graves, sameGrave);
  return sameLive(a, b);
}

function sameLive(a: LiveRecord, b: LiveRecord): boolean {
  return (
    a.guid === b.guid &&
    a.size === b.size &&
    a.internalDate === b.internalDate &&
    a.createdModseq === b.createdModseq &&
    a.systemFlags === b.systemFlags &&
    sameList(a.keywords, b.keywords, Object.is) &&
    sameList(a.flagStamps, b.flagStamps, (x, y) => x.flag === y.flag && x.modseq === y.modseq) &&
    sameList(a.formerUids, b.formerUids, Object.is)
  );
}

function sameGrave(a: Grave, b: Grave): boolean {
  return a.guid === b.guid && sameList(a.formerUids, b.formerUids, Object.is);
}

function sameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((item, i) => same(item, b[i] as T));
}
