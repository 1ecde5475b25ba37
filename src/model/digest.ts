/**
 * The mailbox digest (the mailbox CRC): per live record, two CRCs of its canonical bytes, each passed through a
 * non-linear finaliser and added mod 2^32 in a lane of its own.
 *
 * The finaliser is what makes it see symmetric changes: a CRC is affine, so without it two messages swapped between two
 * UIDs, or the same flag set on one record and cleared on another, would cancel out. `protocol/digest.md` specifies the
 * bytes.
 */
import crc32 from "crc-32";
import crc32c from "crc-32/crc32c.js";
import type { LiveRecord } from "./record.ts";
import type { MailboxDigest } from "./state.ts";

const FIXED_BYTES = 4 + 8 + 8 + 8 + 4 + 1 + 32;
let scratch = Buffer.alloc(4096);

/** lowbias32: an invertible non-linear mix of 32 bits. */
export function mix32(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The digest of one run of bytes: a count of 1 and both mixed CRCs. */
export function digestOfBytes(bytes: Uint8Array): MailboxDigest {
  return { count: 1, crc: mix32(crc32.buf(bytes)), crcC: mix32(crc32c.buf(bytes)) };
}

/** The digest of one live record. */
export function digestOf(record: LiveRecord): MailboxDigest {
  return digestOfBytes(canonicalBytes(record));
}

export function addDigest(a: MailboxDigest, b: MailboxDigest): MailboxDigest {
  return { count: a.count + b.count, crc: (a.crc + b.crc) >>> 0, crcC: (a.crcC + b.crcC) >>> 0 };
}

export function subtractDigest(a: MailboxDigest, b: MailboxDigest): MailboxDigest {
  return { count: a.count - b.count, crc: (a.crc - b.crc) >>> 0, crcC: (a.crcC - b.crcC) >>> 0 };
}

/**
 * The canonical bytes of a live record, big-endian: uid, modseq, createdModseq, internalDate, size, system flags, GUID;
 * then, each list preceded by its length: keywords (as spelled, ordered by lower-case form), stamps, former UIDs.
 * The result is valid until the next call.
 */
export function canonicalBytes(record: LiveRecord): Uint8Array {
  let at = writeFixed(record);
  at = writeList(at, record.keywords, (start, keyword) => writeText(start, keyword));
  at = writeList(at, record.flagStamps, (start, stamp) => writeUint64(writeText(start, stamp.flag), stamp.modseq));
  at = writeList(at, record.formerUids, (start, uid) => scratch.writeUInt32BE(uid, reserve(start, 4)));
  return scratch.subarray(0, at);
}

function writeFixed(record: LiveRecord): number {
  reserve(0, FIXED_BYTES);
  let at = scratch.writeUInt32BE(record.uid, 0);
  at = writeUint64(at, record.modseq);
  at = writeUint64(at, record.createdModseq);
  at = writeUint64(at, record.internalDate);
  at = scratch.writeUInt32BE(record.size, at);
  at = scratch.writeUInt8(record.systemFlags, at);
  return at + scratch.write(record.guid, at, 32, "hex");
}

function writeList<T>(start: number, items: readonly T[], write: (at: number, item: T) => number): number {
  let at = scratch.writeUInt16BE(items.length, reserve(start, 2));
  for (const item of items) at = write(at, item);
  return at;
}

/** A signed 53-bit integer as 64 bits, two's complement. */
function writeUint64(at: number, value: number): number {
  reserve(at, 8);
  const high = Math.floor(value / 0x1_0000_0000);
  scratch.writeInt32BE(high | 0, at);
  return scratch.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
}

function writeText(at: number, text: string): number {
  const length = Buffer.byteLength(text);
  scratch.writeUInt16BE(length, reserve(at, 2 + length));
  return at + 2 + scratch.write(text, at + 2);
}

/** Makes room for `bytes` more at `at`, and returns `at`. */
function reserve(at: number, bytes: number): number {
  if (at + bytes > scratch.length) {
    const larger = Buffer.alloc(2 * (at + bytes));
    scratch.copy(larger);
    scratch = larger;
  }
  return at;
}
