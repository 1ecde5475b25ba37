/**
 * A running digest of many records.
 */
import { digestOf } from "../../model/digest.ts";
import type { IndexRecord } from "../../model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest } from "../../model/state.ts";

/** Adds and takes away records one by one; tombstones count for nothing. */
export class DigestSum {
  #count: number;
  #crc: number;
  #crcC: number;

  constructor(start: MailboxDigest = EMPTY_DIGEST) {
    this.#count = start.count;
    this.#crc = start.crc;
    this.#crcC = start.crcC;
  }

  add(record: IndexRecord): void {
    if (!record.expunged) this.addDigest(digestOf(record));
  }

  subtract(record: IndexRecord): void {
    if (record.expunged) return;
    const { count, crc, crcC } = digestOf(record);
    this.#count -= count;
    this.#crc = (this.#crc - crc) >>> 0;
    this.#crcC = (this.#crcC - crcC) >>> 0;
  }

  addDigest({ count, crc, crcC }: MailboxDigest): void {
    this.#count += count;
    this.#crc = (this.#crc + crc) >>> 0;
    this.#crcC = (this.#crcC + crcC) >>> 0;
  }

  value(): MailboxDigest {
    return { count: this.#count, crc: this.#crc, crcC: this.#crcC };
  }
}
