/**
 * An index record: what a mailbox knows about one UID, a live message or a tombstone.
 */
import { TandemError } from "./errors.ts";

/** Message identity: SHA-256 of the bytes as received, 64 lower-case hex digits. */
export type Guid = string;

/** When a flag was last changed after the message was created; names are lower-case (`\seen`, `$forwarded`). */
export interface FlagStamp {
  readonly flag: string;
  readonly modseq: number;
}

/** A message that is there. */
export interface LiveRecord {
  readonly expunged: false;
  /** 1 to 2^32-1 (RFC 9051 section 2.3.1.1). */
  readonly uid: number;
  /** Modseq of the last change, 1 to 2^53-1 (RFC 7162 section 3.1). */
  readonly modseq: number;
  /** Modseq under which the message came to this UID; never above `modseq`. */
  readonly createdModseq: number;
  readonly guid: Guid;
  /** Bytes, 0 to 2^32-1. */
  readonly size: number;
  /** Milliseconds since 1970-01-01T00:00:00Z, years 0 to 9999. */
  readonly internalDate: number;
  /** Bit set of `SYSTEM_FLAGS`. */
  readonly systemFlags: number;
  /** As spelled by whoever set them, unique without regard to case, sorted by their lower-case form. */
  readonly keywords: readonly string[];
  /** Sorted by flag; a flag that is not here has stamp 0: never changed since creation. */
  readonly flagStamps: readonly FlagStamp[];
  /** UIDs this message had before it was renumbered, ascending; almost always empty. */
  readonly formerUids: readonly number[];
}

/** A message expunged under a UID. */
export interface Grave {
  readonly guid: Guid;
  readonly formerUids: readonly number[];
}

/**
 * What is left of an expunged or renumbered message. `graves` holds the messages expunged under this UID, sorted by
 * GUID: one, as a rule; two if two cut-off nodes gave the UID to two messages and each was expunged; none if the
 * message was renumbered ("moved") and lives on under another UID.
 */
export interface Tombstone {
  readonly expunged: true;
  readonly uid: number;
  readonly modseq: number;
  readonly graves: readonly Grave[];
}

export type IndexRecord = LiveRecord | Tombstone;

export const MAX_UID = 0xffff_ffff;
export const MAX_MODSEQ = Number.MAX_SAFE_INTEGER;

/** The modseq, if there is one so high. @throws TandemError `limit`. */
export function checkedModseq(modseq: number): number {
  if (modseq <= MAX_MODSEQ) return modseq;
  throw new TandemError("limit", "The modseqs of this mailbox are used up; copy its messages to a new mailbox.");
}
export const MAX_SIZE = 0xffff_ffff;
/** First and last millisecond of the years 0 and 9999: what ISO 8601 writes with four digits. */
export const MIN_DATE = -62_167_219_200_000;
export const MAX_DATE = 253_402_300_799_999;

/** True if the tombstone stands for a message that was renumbered, not expunged. */
export function isMoved(tombstone: Tombstone): boolean {
  return tombstone.graves.length === 0;
}

/** The tombstone that a live record leaves when its message is expunged. */
export function tombstoneOf(record: LiveRecord, modseq: number): Tombstone {
  return {
    expunged: true,
    uid: record.uid,
    modseq,
    graves: [{ guid: record.guid, formerUids: record.formerUids }],
  };
}
