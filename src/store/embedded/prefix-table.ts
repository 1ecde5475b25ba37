/**
 * A hash table from the first 32 bits of GUIDs to ids of messages, in two typed arrays: a `Map` of as many takes several
 * times the memory and the time.
 */
import { randomInt } from "node:crypto";

const FIRST_BITS = 8;
const NONE: readonly number[] = [];

export class PrefixTable {
  /** Odd and drawn at random, so that no peer can choose messages of different prefixes that all go to one place. */
  readonly #factor = 2 * randomInt(2 ** 31) + 1;
  readonly #first: number;
  #bits = FIRST_BITS;
  #prefixes = new Int32Array(1 << FIRST_BITS);
  /** Ids from `first` on, counted from 1; 0 where there is none. */
  #numbers = new Uint32Array(1 << FIRST_BITS);
  #count = 0;

  /** @param first the lowest id there can be; none is 2^32 above it. */
  constructor(first: number) {
    this.#first = first;
  }

  /** Makes room for so many more at once. */
  reserve(count: number): void {
    let bits = this.#bits;
    while (2 * (this.#count + count) > 1 << bits) bits++;
    if (bits > this.#bits) this.#resize(bits);
  }

  add(prefix: number, id: number): void {
    if (2 * ++this.#count > this.#numbers.length) this.#resize(this.#bits + 1);
    this.#put(prefix, id - this.#first + 1);
  }

  /** The ids under a prefix, in the order in which they were added: nearly always one or none. */
  ids(prefix: number): readonly number[] {
    let found: number[] | null = null;
    for (let at = this.#place(prefix); this.#numbers[at] !== 0; at = this.#behind(at)) {
      if (this.#prefixes[at] !== prefix) continue;
      const id = this.#first - 1 + (this.#numbers[at] as number);
      if (found === null) found = [id];
      else found.push(id);
    }
    return found ?? NONE;
  }

  #put(prefix: number, number: number): void {
    let at = this.#place(prefix);
    while (this.#numbers[at] !== 0) at = this.#behind(at);
    this.#prefixes[at] = prefix;
    this.#numbers[at] = number;
  }

  #place(prefix: number): number {
    return Math.imul(prefix, this.#factor) >>> (32 - this.#bits);
  }

  #behind(at: number): number {
    return (at + 1) & (this.#numbers.length - 1);
  }

  #resize(bits: number): void {
    const [prefixes, numbers] = [this.#prefixes, this.#numbers];
    this.#bits = bits;
    this.#prefixes = new Int32Array(1 << this.#bits);
    this.#numbers = new Uint32Array(1 << this.#bits);
    for (let at = 0; at < numbers.length; at++)
      if (numbers[at] !== 0) this.#put(prefixes[at] as number, numbers[at] as number);
  }
}
