/**
 * In which fields two mailboxes, or two records under one UID, differ, and whether a client can see it. Pure.
 */

import type { RecordPair } from "../merge/plan.ts";
import { counted } from "../model/counted.ts";
import { flagNames } from "../model/flags.ts";
import type { MailboxAttribute, MailboxEntry } from "../model/mailbox.ts";
import type { Grave, LiveRecord, Tombstone } from "../model/record.ts";
import { type MailboxState, sameDigest } from "../model/state.ts";
import type { SurveyedMailbox } from "./peer.ts";

/** One field that differs; null: that side has nothing there. */
export interface FieldDifference {
  readonly field: string;
  readonly a: string | number | null;
  readonly b: string | number | null;
  /** Whether clients see it: messages, their flags, dates and modseqs, and mailboxes. Not: tombstones, counters, stamps. */
  readonly visible: boolean;
}

/** Differences of the mailboxes themselves: entry and counters. One that is on one side only differs in being there. */
export function mailboxDifferences(a: SurveyedMailbox | null, b: SurveyedMailbox | null): FieldDifference[] {
  if (a === null || b === null) {
    const [only] = [a ?? b] as [SurveyedMailbox];
    const what = only.entry.deleted ? "deleted" : counted(only.state.digest.count, "message");
    return [{ field: "mailbox", a: a && what, b: b && what, visible: !only.entry.deleted }];
  }
  return [...entryDifferences(a.entry, b.entry), ...stateDifferences(a.state, b.state)];
}

function entryDifferences(a: MailboxEntry, b: MailboxEntry): FieldDifference[] {
  const plain = (entry: MailboxEntry) => entry.formerNames.map(({ name, uidValidity }) => `${name} (${uidValidity})`);
  return differing([
    ["name", a.name, b.name, true],
    ["deleted", String(a.deleted), String(b.deleted), true],
    ...attributeFields(a.attributes, b.attributes),
    ["mailboxId", a.mailboxId, b.mailboxId, true],
    ["aliases", a.aliases.join(" "), b.aliases.join(" "), false],
    ["formerNames", plain(a).join(", "), plain(b).join(", "), false],
    ["nameStamp", a.nameStamp, b.nameStamp, false],
    ["createdStamp", a.createdStamp, b.createdStamp, false],
    ["entryModseq", a.modseq, b.modseq, false],
  ]);
}

function stateDifferences(a: MailboxState, b: MailboxState): FieldDifference[] {
  return differing([
    ["uidValidity", a.uidValidity, b.uidValidity, true],
    ["messages", a.digest.count, b.digest.count, true],
    ["uidNext", a.uidNext, b.uidNext, false],
    ["highestModseq", a.highestModseq, b.highestModseq, false],
    ["purgedModseq", a.purgedModseq, b.purgedModseq, false],
  ]);
}

/** Whether two mailboxes can have records that differ; false too where the UIDs mean different messages. */
export function mayDiffer(a: SurveyedMailbox, b: SurveyedMailbox): boolean {
  if (a.state.uidValidity !== b.state.uidValidity) return false;
  const isSame = sameDigest(a.state.digest, b.state.digest);
  return !isSame || a.tombstones === null || b.tombstones === null || !sameDigest(a.tombstones, b.tombstones);
}

/** Differences of the records under one UID. */
export function recordDifferences({ left: a, right: b }: RecordPair): FieldDifference[] {
  const isLive = (record: RecordPair["left"]): record is LiveRecord => record !== null && !record.expunged;
  if (isLive(a) && isLive(b)) return liveDifferences(a, b);
  if (isLive(a) || isLive(b)) return [{ field: "record", a: described(a), b: described(b), visible: true }];
  if (a === null || b === null) return [{ field: "record", a: described(a), b: described(b), visible: false }];
  return differing([
    ["modseq", a.modseq, b.modseq, false],
    ["graves", (a as Tombstone).graves.map(grave).join(", "), (b as Tombstone).graves.map(grave).join(", "), false],
  ]);
}

function liveDifferences(a: LiveRecord, b: LiveRecord): FieldDifference[] {
  const stamps = (record: LiveRecord) => record.flagStamps.map(({ flag, modseq }) => `${flag}=${modseq}`).join(" ");
  return differing([
    ["guid", a.guid, b.guid, true],
    ["size", a.size, b.size, true],
    ["internalDate", new Date(a.internalDate).toISOString(), new Date(b.internalDate).toISOString(), true],
    ["flags", flagNames(a).join(" "), flagNames(b).join(" "), true],
    ["modseq", a.modseq, b.modseq, true],
    ["createdModseq", a.createdModseq, b.createdModseq, false],
    ["flagStamps", stamps(a), stamps(b), false],
    ["formerUids", a.formerUids.join(","), b.formerUids.join(","), false],
  ]);
}

type Field = readonly [field: string, a: string | number | null, b: string | number | null, visible: boolean];

function differing(fields: readonly Field[]): FieldDifference[] {
  return fields.filter(([, a, b]) => a !== b).map(([field, a, b, visible]) => ({ field, a, b, visible }));
}

/** Each attribute by its key: its value, which clients see, or its stamp alone. */
function attributeFields(a: readonly MailboxAttribute[], b: readonly MailboxAttribute[]): Field[] {
  const [left, right] = [a, b].map((all) => new Map(all.map((one) => [one.key, one]))) as [Attributes, Attributes];
  const keys = [...new Set([...left.keys(), ...right.keys()])].sort();
  return keys.map((key): Field => {
    const [one, other] = [left.get(key), right.get(key)];
    if (one?.value !== other?.value) return [`attribute ${key}`, one?.value ?? null, other?.value ?? null, true];
    return [`stamp of attribute ${key}`, one?.stamp ?? null, other?.stamp ?? null, false];
  });
}

type Attributes = Map<string, MailboxAttribute>;

function described(record: RecordPair["left"]): string | null {
  if (record === null) return null;
  return record.expunged ? `tombstone, modseq ${record.modseq}` : `message ${record.guid}`;
}

function grave({ guid, formerUids }: Grave): string {
  return formerUids.length === 0 ? guid : `${guid} (was ${formerUids.join(",")})`;
}
