/**
 * A running digest of many records.
 */
import { digestOf } from "../../model/digest.ts";
import type { IndexRecord } from "../../model/record.ts";
import { EMPTY_DIGEST, type MailboxDigest, type RecordDigests } from "../../model/state.ts";

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
    if (!record.expunged) this.subtractDigest(digestOf(record));
  }

  addDigest({ count, crc, crcC }: MailboxDigest): void {
    this.#count += count;
    this.#crc = (this.#crc + crc) >>> 0;
    this.#crcC = (this.#crcC + crcC) >>> 0;
  }

  subtractDigest({ count, crc, crcC }: MailboxDigest): void {
    this.#count -= count;
    this.#crc = (this.#crc - crc) >>> 0;
    this.#crcC = (this.#crcC - crcC) >>> 0;
  }

  value(): MailboxDigest {
    return { count: this.#count, crc: this.#crc, crcC: this.#crcC };
  }
}

/** Running digests of both kinds of records. */
export class RecordSums {
  readonly #live: DigestSum;
  readonly #tombstones: DigestSum;

  constructor(start: RecordDigests = { live: EMPTY_DIGEST, tombstones: EMPTY_DIGEST }) {
    this.#live = new DigestSum(start.live);
    this.#tombstones = new DigestSum(start.tombstones);
  }

  add(record: IndexRecord): void {
    (record.expunged ? this.#tombstones : this.#live).addDigest(digestOf(record));
  }

  subtract(record: IndexRecord): void {
    (record.expunged ? this.#tombstones : this.#live).subtractDigest(digestOf(record));
  }

  /** Adds what `plus` holds and takes away what `minus` holds. */
  change(plus: RecordDigests, minus: RecordDigests | null = null): void {
    this.#live.addDigest(plus.live);
    this.#tombstones.addDigest(plus.tombstones);
    if (minus === null) return;
    this.#live.subtractDigest(minus.live);
    this.#tombstones.subtractDigest(minus.tombstones);
  }

  value(): RecordDigests {
    return { live: this.#live.value(), tombstones: this.#tombstones.value() };
  }
}
