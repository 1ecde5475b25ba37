/**
 * The merge of two mailboxes of different uidValidity: the higher one keeps its UIDs, the other's numbering and
 * tombstones are void.
 *
 * Also used for two mailboxes of one name made independently (T05), where the identities differ too.
 */

import { addDigest, digestOf, subtractDigest } from "../model/digest.ts";
import { TandemError } from "../model/errors.ts";
import { checkedModseq, type IndexRecord, type LiveRecord, MAX_UID } from "../model/record.ts";
import type { MailboxDigest, MailboxState } from "../model/state.ts";
import { mergeLive } from "./combine.ts";
import { sameContent } from "./equal.ts";
import { type Own, ownChange, ownMessage } from "./own.ts";
import type { Decision, MergePlan, SidePlan } from "./plan.ts";

export interface RenumberingInput {
  readonly left: MailboxState;
  readonly right: MailboxState;
  /** Both whole lists, in UID order. */
  readonly leftRecords: readonly IndexRecord[];
  readonly rightRecords: readonly IndexRecord[];
  /** GUIDs whose bytes cannot be had: such messages stay where they are; the merge is refused if they would be lost. */
  readonly held?: ReadonlySet<string>;
}

/** Messages of the void side matched with those of the other by GUID, as multisets. */
interface Matched {
  readonly same: readonly (readonly [winner: LiveRecord, loser: LiveRecord])[];
  readonly rest: readonly LiveRecord[];
}

/**
 * Plans the merge: messages that both have are merged flag by flag (M02), what remains is appended.
 * @throws TandemError `body-unreadable` if the bytes of a message that must move cannot be read, `limit`.
 */
export function planRenumbering(input: RenumberingInput): MergePlan {
  const leftWins = input.left.uidValidity > input.right.uidValidity;
  const winner = leftWins ? input.left : input.right;
  const loser = leftWins ? input.right : input.left;
  const winnerRecords = leftWins ? input.leftRecords : input.rightRecords;
  const loserRecords = leftWins ? input.rightRecords : input.leftRecords;
  const { same, rest } = match(winnerRecords, live(loserRecords));
  refuseHeld(rest, input.held);
  const kept = new Map(same.map(([mine, theirs]) => [mine.uid, mergeVoid(mine, theirs)]));
  const modseq = Math.max(winner.highestModseq, loser.highestModseq) + 1;
  const changed = changedRecords(winnerRecords, kept, modseq);
  const appended = append(rest, winner.uidNext, modseq);
  const puts = [...changed, ...appended];
  const after = stateAfter(winner, loser, winnerRecords, puts, appended.length);
  const replaced = new Map(changed.map((record) => [record.uid, record]));
  const all = [...winnerRecords.map((record) => replaced.get(record.uid) ?? record), ...appended];
  const winning: SidePlan = { puts, after, reset: false };
  const losing: SidePlan = { puts: all.filter((record) => !isPurged(record, after)), after, reset: true };
  return {
    left: leftWins ? winning : losing,
    right: leftWins ? losing : winning,
    decisions: decide(kept, rest, appended),
  };
}

function live(records: readonly IndexRecord[]): LiveRecord[] {
  return records.filter((record): record is LiveRecord => !record.expunged);
}

function isPurged(record: IndexRecord, after: MailboxState): boolean {
  return record.expunged && record.modseq <= after.purgedModseq;
}

/** First those that stand under the same UID, then the others in UID order. */
function match(winner: readonly IndexRecord[], loser: readonly LiveRecord[]): Matched {
  const free = new Map(live(winner).map((record) => [record.uid, record]));
  const same: [LiveRecord, LiveRecord][] = [];
  const take = (mine: LiveRecord, theirs: LiveRecord) => {
    same.push([mine, theirs]);
    free.delete(mine.uid);
  };
  const unmatched: LiveRecord[] = [];
  for (const theirs of loser) {
    const mine = free.get(theirs.uid);
    if (mine?.guid === theirs.guid) take(mine, theirs);
    else unmatched.push(theirs);
  }
  const byGuid = new Map<string, LiveRecord[]>();
  for (const mine of free.values()) byGuid.set(mine.guid, [...(byGuid.get(mine.guid) ?? []), mine]);
  const rest = unmatched.filter((theirs) => {
    const mine = byGuid.get(theirs.guid)?.shift();
    if (mine !== undefined) take(mine, theirs);
    return mine === undefined;
  });
  return { same, rest };
}

function mergeVoid(mine: LiveRecord, theirs: LiveRecord): LiveRecord {
  return mergeLive(mine, { ...theirs, formerUids: [], createdModseq: mine.createdModseq });
}

/** What a right side whose numbering is void has of its own, under its own UIDs: its expunges are as void. */
export function ownOfVoid(left: readonly IndexRecord[], right: readonly IndexRecord[]): Own[] {
  const { same, rest } = match(left, live(right));
  const changes = same.flatMap(([mine, theirs]) => ownChange(mine, theirs));
  return [...changes, ...rest.map(ownMessage)].sort((a, b) => a.uid - b.uid);
}

function refuseHeld(rest: readonly LiveRecord[], held: ReadonlySet<string> | undefined): void {
  const lost = rest.filter((record) => held?.has(record.guid));
  if (lost.length === 0) return;
  const uids = lost.map((record) => record.uid).join(", ");
  throw new TandemError(
    "body-unreadable",
    `The mailbox needs a new numbering, but the bytes of UID ${uids} cannot be read; restore or expunge them first.`,
  );
}

function changedRecords(records: readonly IndexRecord[], kept: Map<number, LiveRecord>, modseq: number): LiveRecord[] {
  return live(records).flatMap((record) => {
    const merged = kept.get(record.uid);
    return merged === undefined || sameContent(merged, record) ? [] : [{ ...merged, modseq }];
  });
}

function append(rest: readonly LiveRecord[], uidNext: number, modseq: number): LiveRecord[] {
  if (uidNext + rest.length > MAX_UID + 1)
    throw new TandemError("limit", "The UIDs of this mailbox are used up; move its messages to a new mailbox.");
  return rest.map((record, i) => ({
    ...record,
    uid: uidNext + i,
    modseq,
    createdModseq: modseq,
    formerUids: [],
  }));
}

function stateAfter(
  winner: MailboxState,
  loser: MailboxState,
  records: readonly IndexRecord[],
  puts: readonly LiveRecord[],
  appended: number,
): MailboxState {
  const highest = Math.max(winner.highestModseq, loser.highestModseq);
  return {
    uidValidity: winner.uidValidity,
    uidNext: winner.uidNext + appended,
    highestModseq: puts.length > 0 ? checkedModseq(highest + 1) : highest,
    purgedModseq: winner.purgedModseq,
    digest: digestAfter(winner.digest, records, puts),
  };
}

function digestAfter(
  before: MailboxDigest,
  records: readonly IndexRecord[],
  puts: readonly LiveRecord[],
): MailboxDigest {
  const old = new Map(live(records).map((record) => [record.uid, record]));
  return puts.reduce((digest, put) => {
    const replaced = old.get(put.uid);
    const without = replaced === undefined ? digest : subtractDigest(digest, digestOf(replaced));
    return addDigest(without, digestOf(put));
  }, before);
}

function decide(
  kept: ReadonlyMap<number, LiveRecord>,
  rest: readonly LiveRecord[],
  appended: readonly LiveRecord[],
): Decision[] {
  const merged = [...kept.keys()].map(
    (uid): Decision => ({ row: "M02", uid, reason: "the same message on both sides, matched by GUID: merged" }),
  );
  const added = rest.map(
    (record, i): Decision => ({
      row: "M09",
      uid: record.uid,
      newUid: appended[i]?.uid ?? 0,
      reason: "its numbering is void, since the other side has a higher uidValidity: it gets a new UID",
    }),
  );
  return [...merged, ...added];
}
