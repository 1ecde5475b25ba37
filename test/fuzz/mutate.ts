/**
 * Bytes and values made wrong, from a seed: what the fuzzers send.
 */
import { encode } from "msgpack-lite";

export type Below = (n: number) => number;

/** Values that were wrong somewhere once, or stand at a border. */
const BAD_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  -0,
  0,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 32,
  2 ** 53,
  -(2 ** 63),
  "",
  "\0",
  "\u202e",
  "x".repeat(70_000),
  [],
  [[]],
  {},
  { __proto__: null, constructor: 1, toString: 2 },
  Buffer.alloc(0),
  Buffer.alloc(31),
  Buffer.alloc(70_000, 0xff),
];

export function pickOf<T>(below: Below, items: readonly T[]): T {
  return items[below(items.length)] as T;
}

/** The bytes with some of them changed, left out, doubled or put in. */
export function mutatedBytes(below: Below, bytes: Uint8Array): Buffer {
  let made = Buffer.from(bytes);
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(made.length + 1);
    const length = below(Math.min(64, made.length - at) + 1);
    switch (below(6)) {
      case 0:
        if (at < made.length) made[at] = below(256);
        break;
      case 1:
        if (at < made.length) made[at] = (made[at] as number) ^ (1 << below(8));
        break;
      case 2:
        made = made.subarray(0, at);
        break;
      case 3:
        made = Buffer.concat([made.subarray(0, at), made.subarray(at + length)]);
        break;
      case 4:
        made = Buffer.concat([made.subarray(0, at + length), made.subarray(at)]);
        break;
      default:
        made = Buffer.concat([made.subarray(0, at), randomBytes(below, below(16)), made.subarray(at)]);
    }
  }
  return made;
}

export function randomBytes(below: Below, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256)));
}

/** A message with one field wrong, somewhere in it, as a frame. */
export function mutatedFields(below: Below, message: object): Buffer {
  return encode(wrongSomewhere(below, message));
}

/** A copy in which one value, at any depth, is another one, is not there, or is there twice. */
export function wrongSomewhere(below: Below, value: unknown): unknown {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array || below(5) === 0)
    return value instanceof Uint8Array && below(2) === 0 ? mutatedBytes(below, value) : pickOf(below, BAD_VALUES);
  if (Array.isArray(value)) {
    const at = below(value.length + 1);
    if (at === value.length) return [...value, pickOf(below, [...value, ...BAD_VALUES])];
    return value.map((one: unknown, i) => (i === at ? wrongSomewhere(below, one) : one));
  }
  const entries = Object.entries(value);
  const at = 1 + below(entries.length);
  if (at >= entries.length) return { ...value, extra: pickOf(below, BAD_VALUES) };
  const changed = entries.map(([key, one], i) => [key, i === at ? wrongSomewhere(below, one) : one] as const);
  return Object.fromEntries(below(8) === 0 ? changed.filter((_, i) => i !== at) : changed);
}
