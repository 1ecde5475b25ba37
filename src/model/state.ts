/**
 * The state of a mailbox in a few numbers, and the cursor: the state two nodes last agreed on.
 */

/**
 * An O(1) summary of all live records: their number and two sums, each mod 2^32, of mixed CRC-32 and CRC-32C values.
 * See `digest.ts`.
 */
export interface MailboxDigest {
  readonly count: number;
  readonly crc: number;
  readonly crcC: number;
}

/** The counters of a mailbox and its digest. */
export interface MailboxState {
  /** 1 to 2^32-1 (RFC 9051 section 2.3.1.1). */
  readonly uidValidity: number;
  /** The first UID never used, 1 to 2^32 (2^32: the UIDs are used up). */
  readonly uidNext: number;
  /** 1 to 2^53-1. A new mailbox has 1. */
  readonly highestModseq: number;
  /** The highest modseq of a dropped tombstone, 0 if none was dropped. */
  readonly purgedModseq: number;
  readonly digest: MailboxDigest;
}

/**
 * What a node remembers of its exchanges with one peer about one mailbox.
 *
 * `latest` is the state it was in when it last saved the cursor. The node that is written to first cannot know whether
 * the other one gets there too, so it keeps in `agreed` the last state that both are known to have been in.
 * A base is `latest` where both sides hold the same, else the lower `agreed` (see `baseOf` in the merge rule).
 */
export interface Cursor {
  readonly latest: AgreedState;
  readonly agreed: AgreedState | null;
}

/** A mailbox's state and the modseq of its entry in the tree. */
export interface AgreedState extends MailboxState {
  readonly entryModseq: number;
}

/** Digests of the records of a mailbox or of a range of UIDs. */
export interface RecordDigests {
  readonly live: MailboxDigest;
  readonly tombstones: MailboxDigest;
}

export const EMPTY_DIGEST: MailboxDigest = { count: 0, crc: 0, crcC: 0 };

export function sameDigest(a: MailboxDigest, b: MailboxDigest): boolean {
  return a.count === b.count && a.crc === b.crc && a.crcC === b.crcC;
}

export function sameState(a: MailboxState, b: MailboxState): boolean {
  return (
    a.uidValidity === b.uidValidity &&
    a.uidNext === b.uidNext &&
    a.highestModseq === b.highestModseq &&
    a.purgedModseq === b.purgedModseq &&
    sameDigest(a.digest, b.digest)
  );
}

export function sameAgreed(a: AgreedState | null, b: AgreedState | null): boolean {
  if (a === null || b === null) return a === b;
  return a.entryModseq === b.entryModseq && sameState(a, b);
}

/** The digest as 16 hex digits: what `dump` and `ls` print. The count stands beside it. */
export function formatDigest(digest: MailboxDigest): string {
  const hex = (lane: number) => lane.toString(16).padStart(8, "0");
  return hex(digest.crc) + hex(digest.crcC);
}
