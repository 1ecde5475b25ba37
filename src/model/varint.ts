/**
 * Numbers and texts in bytes: unsigned LEB128 up to 2^53-1, zigzag for signed ones, length-prefixed UTF-8.
 */
import { TandemError } from "./errors.ts";

const TWO_POW_53 = 2 ** 53;
/** Weight of the eighth and last byte of a number. */
const MAX_SCALE = 2 ** 49;

/** A growing byte buffer. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far, as a copy of just their length. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned integer up to 2^53-1. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /**
   * A signed integer from -2^53+1 to 2^53-1, as the varint of 2v or of -2v-1. That one may need 54 bits, which a double
   * has not, so its lowest bit and six more are written first.
   */
  zigzag(value: number): void {
    const magnitude = value < 0 ? -value - 1 : value;
    const low = ((magnitude % 0x40) << 1) | (value < 0 ? 1 : 0);
    if (magnitude < 0x40) this.byte(low);
    else {
      this.byte(low | 0x80);
      this.varint(Math.floor(magnitude / 0x40));
    }
  }

  hex(text: string): void {
    const bytes = text.length / 2;
    this.#reserve(bytes);
    this.#bytes.write(text, this.#length, bytes, "hex");
    this.#length += bytes;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#reserve(bytes);
    this.#bytes.write(value, this.#length);
    this.#length += bytes;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; every method throws `bad-frame` where the bytes end too early or are not canonical. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` is the subject of the sentence in errors. */
  constructor(bytes: Uint8Array, what = "A batch of records") {
    this.#what = what;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw this.#malformed("ends too early");
    return value;
  }

  varint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first - 0x80;
    let scale = 0x80;
    for (;;) {
      const next = this.byte();
      value += (next & 0x7f) * scale;
      if (value >= TWO_POW_53) throw this.#malformed("has a number above 2^53-1");
      if (next < 0x80) {
        if (next === 0) throw this.#malformed("has a number in a longer form than needed");
        return value;
      }
      scale *= 0x80;
      if (scale > MAX_SCALE) throw this.#malformed("has a number above 2^53-1");
    }
  }

  /** `count` numbers at once: almost all take one byte, which is read without a call. */
  varints(count: number): Float64Array {
    if (count > this.left) throw this.#malformed("ends too early");
    const numbers = new Float64Array(count);
    const bytes = this.#bytes;
    for (let i = 0; i < count; i++) {
      const first = bytes[this.#at] as number;
      if (first < 0x80) {
        numbers[i] = first;
        this.#at++;
      } else numbers[i] = this.varint();
    }
    return numbers;
  }

  /** Passes over `count` numbers without looking at them. */
  skipVarints(count: number): void {
    const bytes = this.#bytes;
    let left = count;
    while (left > 0 && this.#at < bytes.length) if ((bytes[this.#at++] as number) < 0x80) left--;
    if (left > 0) throw this.#malformed("ends too early");
  }

  /** `count` signed numbers at once. */
  zigzags(count: number): Float64Array {
    if (count > this.left) throw this.#malformed("ends too early");
    const numbers = new Float64Array(count);
    const bytes = this.#bytes;
    for (let i = 0; i < count; i++) {
      const first = bytes[this.#at] as number;
      if (first < 0x80) {
        numbers[i] = (first & 1) === 0 ? first >>> 1 : -(first >>> 1) - 1;
        this.#at++;
      } else numbers[i] = this.zigzag();
    }
    return numbers;
  }

  zigzag(): number {
    const low = this.byte();
    const high = low < 0x80 ? 0 : this.varint();
    const magnitude = ((low & 0x7f) >>> 1) + 0x40 * high;
    if (low >= 0x80 && high === 0) throw this.#malformed("has a number in a longer form than needed");
    if (magnitude >= TWO_POW_53) throw this.#malformed("has a number beyond 53 bits");
    return (low & 1) === 0 ? magnitude : -magnitude - 1;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw this.#malformed("ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  hex(count: number): string {
    if (count > this.left) throw this.#malformed("ends too early");
    this.#at += count;
    return this.#bytes.toString("hex", this.#at - count, this.#at);
  }

  text(): string {
    const bytes = this.bytes(this.varint());
    const text = bytes.toString("utf8");
    if (Buffer.byteLength(text) !== bytes.length || text.includes("\ufffd")) {
      if (!Buffer.from(text).equals(bytes)) throw this.#malformed("has text that is not UTF-8");
    }
    return text;
  }

  /** A count of items that each take at least `least` bytes; refused before anything is allocated if they cannot fit. */
  count(least = 1): number {
    const count = this.varint();
    if (count * least > this.left) throw this.#malformed("claims more items than it has bytes");
    return count;
  }

  end(): void {
    if (this.left !== 0) throw this.#malformed("has bytes behind its end");
  }

  #malformed(how: string): TandemError {
    return new TandemError("bad-frame", `${this.#what} ${how}.`);
  }
}
