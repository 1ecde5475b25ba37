/**
 * Whether a delta shows enough to tell messages apart, or the exchange needs whole lists.
 *
 * Prevents this: at the base both have message g under UID 1. The left side renumbers it to 3 (merging with a third node),
 * the right side copies it to 2. The delta shows g under 3 on the left and g under 2 on the right, and not that the
 * right side still has g under 1: taken for the same mail delivered to both, the copy would be lost.
 */
import type { IndexRecord } from "../model/record.ts";
import { lineageOf } from "./identity.ts";
import type { MergeInput } from "./plan.ts";

/** A message, live or expunged, that a record tells of. */
interface Told {
  readonly guid: string;
  readonly uid: number;
  readonly formerUids: readonly number[];
}

/**
 * False if one side renumbered a message whose old record the other side did not change, and the other side changed
 * something about a message of the same GUID; or if records are lacking on both sides, so that no digest can be computed.
 * Rare: it takes a third node or a restored one.
 */
export function deltaSuffices({ pairs, base }: Pick<MergeInput, "pairs" | "base">): boolean {
  const below = pairs.filter((pair) => base !== null && pair.uid < base.uidNext);
  const lacking = below.some((pair) => pair.left === null) && below.some((pair) => pair.right === null);
  return !lacking && tellsApart(pairs, "left", "right") && tellsApart(pairs, "right", "left");
}

function tellsApart(pairs: MergeInput["pairs"], side: "left" | "right", other: "left" | "right"): boolean {
  const left = new Set(pairs.filter((pair) => pair[side]?.expunged && pair[other] === null).map(({ uid }) => uid));
  const renumbered = pairs
    .flatMap((pair) => toldBy(pair[side]))
    .filter((told) => told.formerUids.length > 0 && lineageOf(told).some((uid) => left.has(uid)));
  if (renumbered.length === 0) return true;
  const guids = new Set(renumbered.map((told) => told.guid));
  return !pairs.some((pair) => toldBy(pair[other]).some((told) => guids.has(told.guid)));
}

function toldBy(record: IndexRecord | null): readonly Told[] {
  if (record === null) return [];
  return record.expunged ? record.graves.map((grave) => ({ ...grave, uid: record.uid })) : [record];
}
