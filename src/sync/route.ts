/**
 * How one mailbox is brought together: the cheapest way that two states and their cursors allow. Pure.
 */
import { baseOf } from "../merge/base.ts";
import { type AgreedState, type MailboxState, sameDigest, sameState } from "../model/state.ts";
import type { SideMailbox } from "./gather.ts";
import type { Direction } from "./report.ts";

/**
 * `equal`: nothing to do. `push`, `pull`: one side is still in the base's state, so it takes what the other changed,
 * as it is. `merge`: rows M01 to M11. `renumber`: the uidValidities differ, and one side's numbering is void.
 */
export type RouteName = "equal" | "push" | "pull" | "merge" | "renumber";

export interface Route {
  readonly name: RouteName;
  readonly base: AgreedState | null;
}

export interface RouteWish {
  readonly direction: Direction;
  /** Walk whole lists, whatever the states say. */
  readonly whole: boolean;
  /** The sides are copies of one store, which can hold no cursors for each other: equal digests must do. */
  readonly copies: boolean;
  /** Let the rule decide each record, so that decisions can be told. */
  readonly explain: boolean;
}

export function chooseRoute(left: SideMailbox, right: SideMailbox, wish: RouteWish): Route {
  const base = findBase(left, right, wish.direction);
  if (isVoid(left.state, right.state, wish.direction)) return { name: "renumber", base: null };
  if (left.state.uidValidity !== right.state.uidValidity) return { name: "merge", base: null };
  if (wish.whole) return { name: "merge", base };
  const isSame = sameState(left.state, right.state);
  if (isSame && (wish.copies || isProven(left, right, base))) return { name: "equal", base };
  // At the base and yet with other tombstones: what was agreed on does not hold, so nothing can be taken as it is.
  if (isSame && base !== null && sameState(left.state, base)) return { name: "merge", base: null };
  if (wish.explain || wish.direction === "mirror") return { name: "merge", base };
  if (canTake(right, base, left)) return { name: "push", base };
  if (canTake(left, base, right) && wish.direction === "both") return { name: "pull", base };
  return { name: "merge", base };
}

/**
 * Whether the numbering of one side is void. One way that can only be the right one's: the left side is never written, and
 * the right side's uidValidity may not fall, so a higher one stays (P4) over what it takes from the left side.
 */
export function isVoid(left: MailboxState, right: MailboxState, direction: Direction): boolean {
  return direction === "both" ? left.uidValidity !== right.uidValidity : left.uidValidity > right.uidValidity;
}

/**
 * Whether two equal states are known to be one and the same. Their digest covers live messages, so both sides may have come
 * to equal counters on their own, with different tombstones (scenario 13). Where both told the digest of these, it decides;
 * else the base does. Without one, one side's cursor will do: the first exchange was cut off before the other saved its own.
 */
function isProven(left: SideMailbox, right: SideMailbox, base: AgreedState | null): boolean {
  if (left.tombstones !== null && right.tombstones !== null) return sameDigest(left.tombstones, right.tombstones);
  const known = base !== null ? [base] : [left.cursor?.latest, right.cursor?.latest];
  return isUnused(left.state) || known.some((state) => state && sameState(state, left.state));
}

/** The base both cursors prove. A one-way sync writes no cursor on the left, so there the right side's word counts; the digest checks it. */
function findBase(left: SideMailbox, right: SideMailbox, direction: Direction): AgreedState | null {
  const states = [left.state, right.state] as const;
  const mine = direction === "both" ? left.cursor : right.cursor;
  return baseOf(mine, right.cursor, states);
}

/** A side takes the other's records as they are if it has not changed since the base, or was never used. */
function canTake(side: SideMailbox, base: AgreedState | null, other: SideMailbox): boolean {
  if (isUnused(side.state)) return true;
  const isUnchanged = base !== null && sameState(side.state, base);
  return isUnchanged && other.state.purgedModseq <= base.highestModseq;
}

/** A mailbox as it is created. */
export function isUnused(state: MailboxState): boolean {
  return state.uidNext === 1 && state.highestModseq === 1 && state.purgedModseq === 0;
}
