/**
 * UID sets as in IMAP (RFC 9051 section 9, `sequence-set`): `1:5,9,12:*`.
 */
import { TandemError } from "../model/errors.ts";
import { MAX_UID } from "../model/record.ts";
import type { MailboxSnapshot, UidRange } from "../store/store.ts";

/** A UID, or "*": the highest UID present. */
export type UidBound = number | "*";

/** The ranges of a UID set as they were given, in any order. */
export type UidSet = readonly { readonly a: UidBound; readonly b: UidBound }[];

const ITEM = /^(\d+|\*)(?::(\d+|\*))?$/;

/** @throws TandemError `invalid-argument`. */
export function parseUidSet(text: string): UidSet {
  return text.split(",").map((item) => {
    const match = ITEM.exec(item);
    if (match === null) throw wrongSet(text, `${JSON.stringify(item)} is neither a UID nor a range`);
    const [, a = "", b = a] = match;
    return { a: parseBound(text, a), b: parseBound(text, b) };
  });
}

/** A set of single UIDs. */
export function uidSetOf(uids: readonly number[]): UidSet {
  return uids.map((uid) => ({ a: uid, b: uid }));
}

/** The set as ascending ranges that do not touch. `highest`: the highest UID present, null in an empty mailbox. */
export function resolveUidSet(set: UidSet, highest: number | null): UidRange[] {
  const value = (bound: UidBound) => (bound === "*" ? (highest ?? 0) : bound);
  const ranges = set
    .map(({ a, b }) => ({ firstUid: Math.min(value(a), value(b)), lastUid: Math.max(value(a), value(b)) }))
    .filter(({ lastUid }) => lastUid > 0)
    .sort((x, y) => x.firstUid - y.firstUid);
  const merged: UidRange[] = [];
  for (const { firstUid, lastUid } of ranges) {
    const before = merged.at(-1);
    if (before === undefined || firstUid > before.lastUid + 1) merged.push({ firstUid, lastUid });
    else merged[merged.length - 1] = { firstUid: before.firstUid, lastUid: Math.max(before.lastUid, lastUid) };
  }
  return merged;
}

/** The highest UID of a live message, null if there is none: a binary search over counts of UID ranges. */
export async function highestLiveUid(snapshot: MailboxSnapshot): Promise<number | null> {
  if (snapshot.state.digest.count === 0) return null;
  let low = 1;
  let high = snapshot.state.uidNext - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await snapshot.digest(middle, high)).count > 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

function parseBound(text: string, bound: string): UidBound {
  if (bound === "*") return "*";
  const uid = Number(bound);
  if (uid < 1 || uid > MAX_UID) throw wrongSet(text, `${bound} is not a UID, which goes from 1 to ${MAX_UID}`);
  return uid;
}

function wrongSet(text: string, how: string): TandemError {
  return new TandemError(
    "invalid-argument",
    `The UID set ${JSON.stringify(text)} is wrong: ${how}; write it as in 1:5,9,12:*.`,
  );
}
