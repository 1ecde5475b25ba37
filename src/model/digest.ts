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
import { GUID_BYTES, type PlainColumns } from "./batch.ts";
import type { Grave, IndexRecord, LiveRecord, Tombstone } from "./record.ts";
import type { MailboxDigest } from "./state.ts";

const FIXED_BYTES = 4 + 8 + 8 + 8 + 4 + 1 + GUID_BYTES;
/** With the lengths of three empty lists. */
const PLAIN_BYTES = FIXED_BYTES + 3 * 2;
let scratch = Buffer.alloc(4096);
/** The same bytes: its numbers cost a fraction of a Buffer's until a process has run for a while. */
let view = viewOf(scratch);

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

/** The digest of one record. Live ones and tombstones are summed up apart: the mailbox digest covers live records only. */
export function digestOf(record: IndexRecord): MailboxDigest {
  return digestOfBytes(canonicalBytes(record));
}

/** The sum of the digests of records. */
export function digestOfPlain(columns: PlainColumns): MailboxDigest {
  const bytes = reserve(0, PLAIN_BYTES).subarray(0, PLAIN_BYTES).fill(0, FIXED_BYTES);
  let crc = 0;
  let crcC = 0;
  for (let i = 0; i < columns.count; i++) {
    writePlain(columns, i);
    crc = (crc + mix32(crc32.buf(bytes))) >>> 0;
    crcC = (crcC + mix32(crc32c.buf(bytes))) >>> 0;
  }
  return { count: columns.count, crc, crcC };
}

export function addDigest(a: MailboxDigest, b: MailboxDigest): MailboxDigest {
  return { count: a.count + b.count, crc: (a.crc + b.crc) >>> 0, crcC: (a.crcC + b.crcC) >>> 0 };
}

export function subtractDigest(a: MailboxDigest, b: MailboxDigest): MailboxDigest {
  return { count: a.count - b.count, crc: (a.crc - b.crc) >>> 0, crcC: (a.crcC - b.crcC) >>> 0 };
}

/**
 * The canonical bytes of a record, big-endian, valid until the next call.
 *
 * Of a live one: uid, modseq, createdModseq, internalDate, size, system flags, GUID; then, each list preceded by its
 * length: keywords (as spelled, ordered by lower-case form), stamps, former UIDs. Of a tombstone: four zeros, with which no
 * live one begins, uid, modseq; then, preceded by their number, the graves, each its GUID and its former UIDs.
 */
export function canonicalBytes(record: IndexRecord): Uint8Array {
  // The buffer may be another one afterwards, if it was too small.
  const length = record.expunged ? writeTombstone(record) : writeLive(record);
  return scratch.subarray(0, length);
}

function writeLive(record: LiveRecord): number {
  const { uid, modseq, createdModseq, internalDate, size, systemFlags } = record;
  reserve(0, FIXED_BYTES);
  const end = writeFixed(uid, modseq, createdModseq, internalDate, size, systemFlags);
  let at = end + scratch.write(record.guid, end, GUID_BYTES, "hex");
  at = writeList(at, record.keywords, (start, keyword) => writeText(start, keyword));
  at = writeList(at, record.flagStamps, (start, stamp) => writeUint64(writeText(start, stamp.flag), stamp.modseq));
  return writeUids(at, record.formerUids);
}

/** All but the lengths of the lists, which are zeros. */
function writePlain({ uid, modseq, createdModseq, internalDate, size, kind, guids }: PlainColumns, i: number): void {
  const of = (column: ArrayLike<number>) => column[i] as number;
  const end = writeFixed(of(uid), of(modseq), of(createdModseq), of(internalDate), of(size), of(kind));
  const start = GUID_BYTES * i;
  for (let k = 0; k < GUID_BYTES; k++) scratch[end + k] = guids[start + k] as number;
}

function writeTombstone({ uid, modseq, graves }: Tombstone): number {
  reserve(0, FIXED_BYTES);
  const at = writeUint64(scratch.writeUInt32BE(uid, scratch.writeUInt32BE(0, 0)), modseq);
  return writeList(at, graves, writeGrave);
}

function writeGrave(at: number, { guid, formerUids }: Grave): number {
  return writeUids(at + reserve(at, 32).write(guid, at, 32, "hex"), formerUids);
}

function writeUids(at: number, uids: readonly number[]): number {
  return writeList(at, uids, (start, uid) => reserve(start, 4).writeUInt32BE(uid, start));
}

/** Returns where the GUID begins. */
function writeFixed(
  uid: number,
  modseq: number,
  createdModseq: number,
  internalDate: number,
  size: number,
  systemFlags: number,
): number {
  view.setUint32(0, uid);
  const at = writeUint64(writeUint64(writeUint64(4, modseq), createdModseq), internalDate);
  view.setUint32(at, size);
  view.setUint8(at + 4, systemFlags);
  return at + 5;
}

function writeList<T>(start: number, items: readonly T[], write: (at: number, item: T) => number): number {
  let at = reserve(start, 2).writeUInt16BE(items.length, start);
  for (const item of items) at = write(at, item);
  return at;
}

/** A signed 53-bit integer as 64 bits, two's complement. */
function writeUint64(at: number, value: number): number {
  reserve(at, 8);
  const high = Math.floor(value / 0x1_0000_0000);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * 0x1_0000_0000);
  return at + 8;
}

function writeText(at: number, text: string): number {
  const length = Buffer.byteLength(text);
  reserve(at, 2 + length).writeUInt16BE(length, at);
  return at + 2 + scratch.write(text, at + 2);
}

/** The buffer with room for `bytes` more at `at`: another one than before, if it was too small. */
function reserve(at: number, bytes: number): Buffer {
  if (at + bytes > scratch.length) {
    const larger = Buffer.alloc(2 * (at + bytes));
    scratch.copy(larger);
    scratch = larger;
    view = viewOf(scratch);
  }
  return scratch;
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
