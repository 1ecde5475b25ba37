/**
 * How mailboxes and records are shown: the objects of `--json`, and lines for people.
 */
import { flagNames } from "../model/flags.ts";
import type { IndexRecord } from "../model/record.ts";
import { formatDigest } from "../model/state.ts";
import type { Mailbox } from "../store/store.ts";
import { printable } from "./output.ts";

/** A mailbox in `ls` and `dump`. */
export interface MailboxLine {
  readonly kind: "mailbox";
  readonly account: string;
  readonly mailboxId: string;
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly highestModseq: number;
  readonly purgedModseq: number;
  /** 16 hex digits. */
  readonly digest: string;
  readonly messages: number;
}

/** A record in `dump`. */
export interface RecordLine {
  readonly kind: "record";
  readonly uid: number;
  readonly modseq: number;
  /** Hex. Of a tombstone: null for a renumbered message; joined by "," if two messages were expunged under the UID. */
  readonly guid: string | null;
  /** Null for a tombstone. */
  readonly size: number | null;
  /** ISO 8601, null for a tombstone. */
  readonly internalDate: string | null;
  /** Sorted; empty for a tombstone. */
  readonly flags: readonly string[];
  readonly expunged: boolean;
}

export function mailboxLine(account: string, { entry, state }: Mailbox): MailboxLine {
  return {
    kind: "mailbox",
    account,
    mailboxId: entry.mailboxId,
    name: entry.name,
    uidValidity: state.uidValidity,
    uidNext: state.uidNext,
    highestModseq: state.highestModseq,
    purgedModseq: state.purgedModseq,
    digest: formatDigest(state.digest),
    messages: state.digest.count,
  };
}

export function recordLine(record: IndexRecord): RecordLine {
  const { uid, modseq, expunged } = record;
  if (record.expunged) {
    const guid = record.graves.length === 0 ? null : record.graves.map((grave) => grave.guid).join(",");
    return { kind: "record", uid, modseq, guid, size: null, internalDate: null, flags: [], expunged };
  }
  const internalDate = new Date(record.internalDate).toISOString();
  return {
    kind: "record",
    uid,
    modseq,
    guid: record.guid,
    size: record.size,
    internalDate,
    flags: flagNames(record),
    expunged,
  };
}

/** Head of the table of mailboxes. */
export const MAILBOX_HEADS = row([
  ["messages", 9],
  ["uidValidity", 12],
  ["uidNext", 11],
  ["highestModseq", 14],
  ["purgedModseq", 13],
  ["digest", -16],
  ["name", 0],
]);

export function mailboxRow(line: MailboxLine): string {
  return row([
    [line.messages, 9],
    [line.uidValidity, 12],
    [line.uidNext, 11],
    [line.highestModseq, 14],
    [line.purgedModseq, 13],
    [line.digest, -16],
    [printable(line.name), 0],
  ]);
}

/** Head of the table of records. */
export const RECORD_HEADS = row([
  ["uid", 10],
  ["modseq", 10],
  ["size", 10],
  ["internal date", -24],
  ["guid", -64],
  ["flags", 0],
]);

export function recordRow(line: RecordLine): string {
  return row([
    [line.uid, 10],
    [line.modseq, 10],
    [line.size ?? "-", 10],
    [line.internalDate ?? (line.guid === null ? "(moved)" : "(expunged)"), -24],
    [line.guid ?? "-", -64],
    [printable(line.flags.join(" ")), 0],
  ]).trimEnd();
}

/** Columns of at least so many characters, aligned right; negative: left; 0: the last one, as it is. */
function row(cells: readonly (readonly [string | number, number])[]): string {
  return cells
    .map(([value, width]) => (width < 0 ? String(value).padEnd(-width) : String(value).padStart(width)))
    .join("  ");
}
