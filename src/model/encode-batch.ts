/**
 * Packs index records by column.
 */
import { EXPUNGED, EXTRA, LOW_BITS, MAX_BATCH_RECORDS, type RecordBatch } from "./batch.ts";
import { TandemError } from "./errors.ts";
import type { IndexRecord, LiveRecord } from "./record.ts";
import { ByteWriter } from "./varint.ts";

/** Packs records in UID order. @throws TandemError `internal` if they are none, too many or out of order. */
export function encodeBatch(records: readonly IndexRecord[]): RecordBatch {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined || records.length > MAX_BATCH_RECORDS)
    throw new TandemError("internal", `A batch holds 1 to ${MAX_BATCH_RECORDS} records, not ${records.length}.`);
  const out = new ByteWriter(64 + 48 * records.length);
  out.varint(records.length);
  writeUids(out, records);
  for (const record of records) out.byte(kindOf(record));
  writeModseqs(out, records);
  const live = records.filter((record): record is LiveRecord => !record.expunged);
  for (const record of live) out.varint(record.modseq - record.createdModseq);
  for (const record of live) out.varint(record.size);
  writeDates(out, live);
  for (const record of records) writeGuids(out, record);
  for (const record of records) writeExtra(out, record);
  return { count: records.length, firstUid: first.uid, lastUid: last.uid, bytes: out.finish() };
}

function kindOf(record: IndexRecord): number {
  if (!record.expunged) {
    const extra = record.keywords.length + record.flagStamps.length + record.formerUids.length > 0;
    return record.systemFlags | (extra ? EXTRA : 0);
  }
  if (record.graves.length > LOW_BITS) throw new TandemError("internal", `Too many graves under UID ${record.uid}.`);
  const extra = record.graves.some((grave) => grave.formerUids.length > 0);
  return record.graves.length | EXPUNGED | (extra ? EXTRA : 0);
}

function writeUids(out: ByteWriter, records: readonly IndexRecord[]): void {
  let last = 0;
  for (const { uid } of records) {
    if (uid <= last) throw new TandemError("internal", "Records are not in UID order.");
    out.varint(uid - last - 1);
    last = uid;
  }
}

function writeModseqs(out: ByteWriter, records: readonly IndexRecord[]): void {
  let last = 0;
  for (const { modseq } of records) {
    out.zigzag(modseq - last);
    last = modseq;
  }
}

function writeDates(out: ByteWriter, live: readonly LiveRecord[]): void {
  let last = 0;
  for (const { internalDate } of live) {
    out.zigzag(internalDate - last);
    last = internalDate;
  }
}

function writeGuids(out: ByteWriter, record: IndexRecord): void {
  if (!record.expunged) out.hex(record.guid);
  else for (const grave of record.graves) out.hex(grave.guid);
}

function writeExtra(out: ByteWriter, record: IndexRecord): void {
  if ((kindOf(record) & EXTRA) === 0) return;
  if (record.expunged) {
    for (const grave of record.graves) writeFormerUids(out, grave.formerUids);
    return;
  }
  out.varint(record.keywords.length);
  for (const keyword of record.keywords) out.text(keyword);
  out.varint(record.flagStamps.length);
  for (const { flag, modseq } of record.flagStamps) {
    out.text(flag);
    out.varint(modseq);
  }
  writeFormerUids(out, record.formerUids);
}

function writeFormerUids(out: ByteWriter, uids: readonly number[]): void {
  out.varint(uids.length);
  for (const uid of uids) out.varint(uid);
}
