/**
 * Index records packed by column: the one form in which records are stored (a block of 64 UIDs) and travel.
 *
 * The encoding is canonical: equal records give equal bytes, so two sides can compare 64 records with one comparison of
 * bytes. `protocol/records.md` specifies it.
 */

/** Packed records with the range of their UIDs; never empty. */
export interface RecordBatch {
  readonly count: number;
  readonly firstUid: number;
  readonly lastUid: number;
  readonly bytes: Uint8Array;
}

/** The columns every record has, decoded for a fast scan. */
export interface BatchColumns {
  readonly count: number;
  readonly uid: Uint32Array;
  /** Bits 0-4: system flags, or the number of graves of a tombstone; bit 5: expunged; bit 6: has an extra part. */
  readonly kind: Uint8Array;
  readonly modseq: Float64Array;
}

/** All that is said of records that are live and have neither keywords nor stamps nor former UIDs, as nearly all are. */
export interface PlainColumns extends BatchColumns {
  readonly createdModseq: Float64Array;
  readonly size: Float64Array;
  readonly internalDate: Float64Array;
  /** 32 bytes each. */
  readonly guids: Buffer;
}

/** Most records in one batch: bounds what a receiver holds decoded at once. */
export const MAX_BATCH_RECORDS = 4096;

/** Bits of `BatchColumns.kind`. */
export const LOW_BITS = 0x1f;
export const EXPUNGED = 0x20;
export const EXTRA = 0x40;

export const GUID_BYTES = 32;
