/**
 * Unpacks index records, and refuses whatever packing would not have written.
 */
import {
  type BatchColumns,
  EXPUNGED,
  EXTRA,
  GUID_BYTES,
  LOW_BITS,
  MAX_BATCH_RECORDS,
  type PlainColumns,
  type RecordBatch,
} from "./batch.ts";
import { TandemError } from "./errors.ts";
import { compareKeywords, keywordFault, MAX_KEYWORD_BYTES, MAX_KEYWORDS } from "./flags.ts";
import {
  type FlagStamp,
  type Grave,
  type IndexRecord,
  type LiveRecord,
  MAX_DATE,
  MAX_MODSEQ,
  MAX_SIZE,
  MAX_UID,
  MIN_DATE,
  type Tombstone,
} from "./record.ts";
import { ByteReader } from "./varint.ts";

/** Most flag stamps, and most former UIDs, of one message: what the 16-bit lengths of the digest's bytes can say. */
const MAX_LIST_LENGTH = 0xffff;
/** A keyword can be longer in lower case. */
const MAX_STAMP_NAME_BYTES = 2 * MAX_KEYWORD_BYTES;

/** Reads the columns all records have. @throws TandemError `bad-frame`. */
export function decodeColumns(bytes: Uint8Array): BatchColumns {
  return readColumns(new ByteReader(bytes));
}

/** A batch as it came from outside: its columns are checked. @throws TandemError `bad-frame`. */
export function batchOf(bytes: Uint8Array): RecordBatch {
  const { count, uid } = decodeColumns(bytes);
  return { count, firstUid: uid[0] ?? 0, lastUid: uid[count - 1] ?? 0, bytes };
}

/** Whether a record is to be unpacked. */
export type IsWanted = (uid: number, modseq: number) => boolean;

const ALL: IsWanted = () => true;

/**
 * Unpacks the wanted records, all by default, and checks every value.
 * @throws TandemError `bad-frame` for anything that `encodeBatch` would not write.
 */
export function decodeBatch(bytes: Uint8Array, isWanted: IsWanted = ALL): IndexRecord[] {
  const decoded = decodePlainly(bytes, isWanted);
  return Array.isArray(decoded) ? decoded : recordsOf(decoded, isWanted);
}

/**
 * As `decodeBatch`, but nothing is made of columns that say it all, which is several times faster: these are told of as a whole.
 * @throws TandemError `bad-frame`.
 */
export function decodePlainly(bytes: Uint8Array, isWanted: IsWanted = ALL): PlainColumns | IndexRecord[] {
  const reader = new ByteReader(bytes);
  const columns = readColumns(reader);
  const count = countLive(columns.kind);
  const created = reader.varints(count);
  const size = reader.varints(count);
  const dates = reader.zigzags(count);
  sumUp(dates);
  const isPlain = (allBits(columns.kind) & (EXPUNGED | EXTRA)) === 0;
  const live = { created, size, dates };
  const decoded = isPlain ? readPlain(reader, columns, live) : readRecords(reader, columns, live, isWanted);
  reader.end();
  return decoded;
}

/** What only live records have, as it is written. */
interface LiveColumns {
  readonly created: Float64Array;
  readonly size: Float64Array;
  readonly dates: Float64Array;
}

function readPlain(reader: ByteReader, columns: BatchColumns, { created, size, dates }: LiveColumns): PlainColumns {
  const { count, modseq } = columns;
  for (let i = 0; i < count; i++) {
    created[i] = createdModseqOf(modseq[i] as number, created[i] as number);
    inRange(size[i] as number, 0, MAX_SIZE, "size");
    inRange(dates[i] as number, MIN_DATE, MAX_DATE, "internalDate");
  }
  const guids = reader.bytes(GUID_BYTES * count);
  return { ...columns, createdModseq: created, size, internalDate: dates, guids };
}

function readRecords(
  reader: ByteReader,
  columns: BatchColumns,
  { created, size, dates }: LiveColumns,
  isWanted: IsWanted,
): IndexRecord[] {
  const isAllLive = created.length === columns.count;
  const guidAt = isAllLive ? guidsIn(reader.bytes(GUID_BYTES * columns.count), isWanted) : null;
  const guids = isAllLive ? [] : Array.from(columns.kind, (kind) => readGuids(reader, kind));
  const records: IndexRecord[] = [];
  let at = 0;
  for (let i = 0; i < columns.count; i++) {
    const kind = columns.kind[i] as number;
    const uid = columns.uid[i] as number;
    const modseq = columns.modseq[i] as number;
    if ((kind & EXPUNGED) !== 0) {
      const tombstone = readTombstone(reader, uid, modseq, kind, guids[i] as string[]);
      if (isWanted(uid, modseq)) records.push(tombstone);
      continue;
    }
    const createdModseq = createdModseqOf(modseq, created[at] as number);
    const bytes = inRange(size[at] as number, 0, MAX_SIZE, "size");
    const internalDate = inRange(dates[at] as number, MIN_DATE, MAX_DATE, "internalDate");
    const extra = readLiveExtra(reader, kind, modseq);
    at++;
    if (!isWanted(uid, modseq)) continue;
    const guid = guidAt?.(i) ?? (guids[i]?.[0] as string);
    const systemFlags = kind & LOW_BITS;
    records.push({
      expunged: false,
      uid,
      modseq,
      createdModseq,
      guid,
      size: bytes,
      internalDate,
      systemFlags,
      keywords: extra.keywords,
      flagStamps: extra.flagStamps,
      formerUids: extra.formerUids,
    });
  }
  return records;
}

/** The wanted ones of the records that columns tell of, all by default. */
export function recordsOf(
  { count, uid, modseq, createdModseq, size, internalDate, kind, guids }: PlainColumns,
  isWanted: IsWanted = ALL,
): LiveRecord[] {
  const records: LiveRecord[] = [];
  const guidAt = guidsIn(guids, isWanted);
  for (let i = 0; i < count; i++) {
    if (!isWanted(uid[i] as number, modseq[i] as number)) continue;
    records.push({
      expunged: false,
      uid: uid[i] as number,
      modseq: modseq[i] as number,
      createdModseq: createdModseq[i] as number,
      guid: guidAt(i),
      size: size[i] as number,
      internalDate: internalDate[i] as number,
      systemFlags: kind[i] as number,
      keywords: NO_EXTRA.keywords,
      flagStamps: NO_EXTRA.flagStamps,
      formerUids: NO_EXTRA.formerUids,
    });
  }
  return records;
}

/** GUIDs that lie one behind the other, by their places: all unpacked at once, or only those that are asked for. */
function guidsIn(bytes: Buffer, isWanted: IsWanted): (at: number) => string {
  if (isWanted !== ALL) return (at) => bytes.toString("hex", GUID_BYTES * at, GUID_BYTES * (at + 1));
  const all = splitDigits(bytes.toString("hex"));
  return (at) => all[at] as string;
}

function createdModseqOf(modseq: number, before: number): number {
  return inRange(modseq - before, 1, modseq, "createdModseq");
}

/** One conversion for all of them is several times faster than one for each. */
export function readGuidRun(reader: ByteReader, count: number): string[] {
  return splitDigits(reader.hex(GUID_BYTES * count));
}

/** GUIDs that are written one behind the other. */
export function splitDigits(digits: string): string[] {
  const guids: string[] = [];
  for (let at = 0; at < digits.length; at += 2 * GUID_BYTES) guids.push(digits.slice(at, at + 2 * GUID_BYTES));
  return guids;
}

export function readColumns(reader: ByteReader): BatchColumns {
  const count = reader.count(3);
  if (count === 0 || count > MAX_BATCH_RECORDS) throw malformed(`has ${count} records, not 1 to ${MAX_BATCH_RECORDS}`);
  const uid = new Uint32Array(count);
  const gaps = reader.varints(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    last += 1 + (gaps[i] as number);
    uid[i] = last;
  }
  inRange(last, 1, MAX_UID, "UID");
  const kind = new Uint8Array(reader.bytes(count));
  if (allBits(kind) > 0x7f) throw malformed("has an unknown kind of record");
  const modseq = reader.zigzags(count);
  sumUp(modseq);
  for (let i = 0; i < count; i++)
    if (!((modseq[i] as number) >= 1 && (modseq[i] as number) <= MAX_MODSEQ))
      inRange(modseq[i] as number, 1, MAX_MODSEQ, "modseq");
  return { count, uid, kind, modseq };
}

/** Turns steps into values. */
function sumUp(steps: Float64Array): void {
  for (let i = 1; i < steps.length; i++) steps[i] = (steps[i] as number) + (steps[i - 1] as number);
}

function allBits(kind: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < kind.length; i++) bits |= kind[i] as number;
  return bits;
}

export function countLive(kind: Uint8Array): number {
  let live = 0;
  for (let i = 0; i < kind.length; i++) if (((kind[i] as number) & EXPUNGED) === 0) live++;
  return live;
}

function readGuids(reader: ByteReader, kind: number): string[] {
  const count = (kind & EXPUNGED) === 0 ? 1 : kind & LOW_BITS;
  const guids: string[] = [];
  for (let i = 0; i < count; i++) guids.push(reader.hex(GUID_BYTES));
  if (guids.some((guid, i) => i > 0 && guid <= (guids[i - 1] as string))) throw malformed("has graves out of order");
  return guids;
}

function readTombstone(reader: ByteReader, uid: number, modseq: number, kind: number, guids: string[]): Tombstone {
  const extra = (kind & EXTRA) !== 0;
  const graves = guids.map((guid): Grave => ({ guid, formerUids: extra ? readFormerUids(reader) : [] }));
  if (extra && graves.every((grave) => grave.formerUids.length === 0)) throw malformed("has an empty extra part");
  return { expunged: true, uid, modseq, graves };
}

type LiveExtra = Pick<LiveRecord, "keywords" | "flagStamps" | "formerUids">;
const NO_EXTRA: LiveExtra = { keywords: [], flagStamps: [], formerUids: [] };

function readLiveExtra(reader: ByteReader, kind: number, modseq: number): LiveExtra {
  if ((kind & EXTRA) === 0) return NO_EXTRA;
  const extra = { keywords: readKeywords(reader), flagStamps: readStamps(reader), formerUids: readFormerUids(reader) };
  if (extra.keywords.length + extra.flagStamps.length + extra.formerUids.length === 0)
    throw malformed("has an empty extra part");
  if (extra.flagStamps.some((stamp) => stamp.modseq > modseq)) throw malformed("has a flag stamp above its modseq");
  return extra;
}

function readKeywords(reader: ByteReader): string[] {
  const count = reader.count();
  if (count > MAX_KEYWORDS) throw malformed(`has more than ${MAX_KEYWORDS} keywords on one message`);
  const keywords: string[] = [];
  for (let i = 0; i < count; i++) {
    const keyword = reader.text();
    const fault = keywordFault(keyword);
    if (fault !== null) throw malformed(`has a keyword that ${fault}`);
    const before = keywords.at(-1);
    if (before !== undefined && compareKeywords(before, keyword) >= 0) throw malformed("has keywords out of order");
    keywords.push(keyword);
  }
  return keywords;
}

function readStamps(reader: ByteReader): FlagStamp[] {
  const count = listLength(reader, 2);
  const stamps: FlagStamp[] = [];
  for (let i = 0; i < count; i++) {
    const flag = reader.text();
    if (Buffer.byteLength(flag) > MAX_STAMP_NAME_BYTES) throw malformed("has a flag stamp with too long a name");
    const before = stamps.at(-1);
    if (flag !== flag.toLowerCase() || (before !== undefined && before.flag >= flag))
      throw malformed("has flag stamps out of order");
    stamps.push({ flag, modseq: inRange(reader.varint(), 1, MAX_MODSEQ, "flag stamp") });
  }
  return stamps;
}

function readFormerUids(reader: ByteReader): number[] {
  const count = listLength(reader, 1);
  const uids: number[] = [];
  for (let i = 0; i < count; i++) {
    const uid = inRange(reader.varint(), 1, MAX_UID, "former UID");
    if (uid <= (uids.at(-1) ?? 0)) throw malformed("has former UIDs out of order");
    uids.push(uid);
  }
  return uids;
}

function listLength(reader: ByteReader, leastBytes: number): number {
  return inRange(reader.count(leastBytes), 0, MAX_LIST_LENGTH, "list of length");
}

function inRange(value: number, least: number, most: number, what: string): number {
  if (value < least || value > most) throw malformed(`has a ${what} of ${value}, not ${least} to ${most}`);
  return value;
}

function malformed(how: string): TandemError {
  return new TandemError("bad-frame", `A batch of records ${how}.`);
}
