/**
 * Indexes as a set of bits, lowest bit first: the form in which `need` names messages and `compared` ranges.
 */
import { TandemError } from "../model/errors.ts";

/** The bit set, or null if all of `count` indexes are in it. */
export function packIndexes(indexes: readonly number[], count: number): Uint8Array | null {
  if (indexes.length === count) return null;
  const highest = indexes.at(-1);
  const bits = new Uint8Array(highest === undefined ? 0 : (highest >>> 3) + 1);
  for (const index of indexes) bits[index >>> 3] = (bits[index >>> 3] ?? 0) | (1 << (index & 7));
  return bits;
}

/** The indexes in ascending order. @throws TandemError `bad-message` for one that is not below `count`. */
export function unpackIndexes(bits: Uint8Array | null, count: number): number[] {
  if (bits === null) return Array.from({ length: count }, (_, index) => index);
  const indexes: number[] = [];
  for (const [at, byte] of bits.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) indexes.push(8 * at + bit);
  if ((indexes.at(-1) ?? -1) >= count)
    throw new TandemError("bad-message", "The peer named more of a list than there is in it.");
  return indexes;
}
