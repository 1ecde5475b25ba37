/**
 * Checksums of rows. SQLite keeps none of its pages, so a byte that a disk changes would be read as if somebody had written
 * it, and be brought to other nodes as a change.
 *
 * Sums that can be worked out anew from what they stand for (digests, highest modseqs, indexes) need no checksum.
 */
import { crc32 } from "node:zlib";
import type { RecordBatch } from "../../model/batch.ts";
import { TandemError } from "../../model/errors.ts";

/** id, count, first UID, last UID */
const head = Buffer.alloc(8 + 4 + 4 + 4);

/** The checksum of the values of one row. */
export function rowSum(...values: readonly (string | number | null)[]): number {
  return crc32(values.map(String).join("\0"));
}

/** The checksum of a block's records and of which records they are. Written for speed: every block that is read is checked. */
export function blockSum(id: number, { count, firstUid, lastUid, bytes }: RecordBatch): number {
  head.writeDoubleBE(id, 0);
  head.writeUInt32BE(count, 8);
  head.writeUInt32BE(firstUid, 12);
  head.writeUInt32BE(lastUid, 16);
  return crc32(bytes, crc32(head));
}

/** The checksum of packed numbers that belong to the row with this id. */
export function bytesSum(id: number, bytes: Uint8Array): number {
  return crc32(bytes, id >>> 0);
}

/** What is said of a row that does not fit its checksum. @param what names it, e.g. "The entry of mailbox x". */
export function damaged(what: string): TandemError {
  return new TandemError(
    "digest-fault",
    `${what} does not fit its checksum: this store's index is damaged; run "tandem verify --deep" with a node that has the same.`,
  );
}
