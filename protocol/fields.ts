/**
 * The kinds of field messages are made of: how each is checked, and how its wire form becomes the value the code uses.
 *
 * A codec's left side is the wire form and carries every check, so both directions are checked. Lists of small things
 * are packed into one `bin`: MessagePack is slow at them, and their items have a fixed size anyway.
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode, TandemError } from "../src/model/errors.ts";
import { nameFault } from "../src/model/mailbox.ts";
import { MAX_MODSEQ, MAX_UID } from "../src/model/record.ts";
import { ByteReader, ByteWriter } from "../src/model/varint.ts";
import {
  MAX_BATCHES_PER_FRAME,
  MAX_BODIES_PER_FRAME,
  MAX_BODY_BYTES,
  MAX_FRAME_BYTES,
  MAX_RANGES_PER_FRAME,
  MAX_TEXT_LENGTH,
} from "./limits.ts";
import { RANGE_BITS } from "./range-sum.ts";

const GUID_BYTES = 32;
const EPOCH_BYTES = 16;
const GUID = /^[0-9a-f]{64}$/;

/** Chosen by whoever asks, unique among its unanswered requests; every answer repeats it. */
export const requestNumber = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
export const uint32 = z.int().min(0).max(0xffff_ffff);
export const modseq = z.int().min(1).max(MAX_MODSEQ);
/** A modseq, or 0 for none. */
export const modseqOrZero = z.int().min(0).max(MAX_MODSEQ);
export const uidValidity = z.int().min(1).max(0xffff_ffff);
/** One above the highest UID when the UIDs are used up. */
export const uidNext = z
  .int()
  .min(1)
  .max(MAX_UID + 1);
export const size = z.int().min(0).max(MAX_BODY_BYTES);

/** The name of an account or a mailbox. */
export const name = z.string().refine((value) => nameFault(value) === null, "not a name");
const MAILBOX_ID = /^[A-Za-z0-9_-]{1,255}$/;
export const mailboxId = z.string().regex(MAILBOX_ID);

export function isMailboxId(value: string): boolean {
  return MAILBOX_ID.test(value);
}

/** One sentence for people. */
export const text = z.string().max(MAX_TEXT_LENGTH);

/** Codes of what only one side can meet; "the line is gone" from whoever is on it would be believed. */
export const LOCAL_CODES = ["not-a-store", "disconnected", "brake", "refused"] as const;

/** A code that may cross the wire. */
export const wireCode = z.enum(ERROR_CODES).exclude(LOCAL_CODES);
export type WireCode = z.output<typeof wireCode>;

export function isWireCode(code: ErrorCode): code is WireCode {
  return wireCode.safeParse(code).success;
}

/** A text of at most `most` bytes of UTF-8. */
export function shortText(most: number) {
  return z.string().refine((value) => Buffer.byteLength(value) <= most, `longer than ${most} bytes`);
}

/** False is left out. */
export const flag = z.codec(z.literal(true).optional(), z.boolean(), {
  decode: (wire) => wire ?? false,
  encode: (value) => (value ? (true as const) : undefined),
});

/** Null is left out. */
export function orNull<T extends z.ZodType>(inner: T) {
  return z.codec(z.optional(inner), z.custom<z.output<T> | null>(), {
    decode: (wire) => (wire ?? null) as z.output<T> | null,
    encode: (value) => (value ?? undefined) as z.output<z.ZodOptional<T>>,
  });
}

/** An array of at most `most` items; an empty one is left out. */
export function list<T extends z.ZodType>(inner: T, most: number) {
  return z.codec(z.optional(z.array(inner).max(most)), z.custom<readonly z.output<T>[]>(), {
    decode: (wire) => (wire ?? []) as readonly z.output<T>[],
    encode: (value) => (value.length === 0 ? undefined : [...value]) as z.output<z.ZodOptional<z.ZodArray<T>>>,
  });
}

/** Bytes. `what` names them in messages and in the description of the protocol. */
export function bin(what: string, most: number, least = 0) {
  const wire = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "not bytes");
  return wire.refine((bytes) => fits(bytes, what, least, most), `not ${least} to ${most} bytes`).meta({ bin: what });
}

/** Bytes, `least` to `most` of them, or none, which are left out. */
export function bytes(what: string, most: number, least = 0) {
  return z.codec(z.optional(bin(what, most, least)), z.custom<Uint8Array>(), {
    decode: (wire) => wire ?? new Uint8Array(0),
    encode: (value) => (value.length === 0 ? undefined : value),
  });
}

/** A message's GUID: 32 bytes, 64 hex digits. */
export const guid = hex("a GUID", GUID_BYTES);
/** A store epoch: 16 bytes, 32 hex digits. */
export const storeEpoch = hex("a store epoch", EPOCH_BYTES);

/** GUIDs as one `bin`; none are left out. */
export function guids(most: number) {
  return z.codec(z.optional(bin("GUIDs, 32 bytes each", most * GUID_BYTES)), z.custom<readonly string[]>(), {
    decode: (wire) => (wire === undefined ? [] : splitGuids(wire)),
    encode: (value) => (value.length === 0 ? undefined : joinGuids(value)),
  });
}

/** Unsigned integers as one `bin` of varints; none are left out. */
export function numbers(what: string, most: number, highest: number) {
  const wire = z.optional(bin(`${what}, varints`, most * 8));
  return z.codec(wire, z.custom<readonly number[]>(), {
    decode: (packed) => (packed === undefined ? [] : readNumbers(packed, what, most, highest)),
    encode: (value) => (value.length === 0 ? undefined : writeNumbers(value)),
  });
}

/** Exponent of the size of some ranges of UIDs. */
export const rangeBits = z.literal(RANGE_BITS);

/** Ranges of one size in ascending order, as runs: how many are left out before it, how many are in it. */
export const rangeRuns = numbers("runs of ranges", 2 * MAX_RANGES_PER_FRAME, MAX_UID);

/** Sums of ranges as one `bin`, 4 bytes each, big-endian; none are left out. */
export function rangeSums(most: number) {
  return z.codec(z.optional(bin("sums, 4 bytes each", 4 * most)), z.custom<Uint32Array>(), {
    decode: (wire) => readSums(wire ?? new Uint8Array(0)),
    encode: (value) => (value.length === 0 ? undefined : writeSums(value)),
  });
}

/** Whole messages one after the other, and the bytes of each; `addUp` is to be asked about both. */
export const messageFields = {
  /** Bytes of each message. */
  sizes: numbers("sizes", MAX_BODIES_PER_FRAME, MAX_BODY_BYTES),
  data: bytes("messages", MAX_FRAME_BYTES),
};

export function addUp({ sizes, data }: { readonly sizes: readonly number[]; readonly data: Uint8Array }): boolean {
  return sizes.reduce((total, size) => total + size, 0) === data.length;
}

const packedBatches = z.codec(bin("batches, each after its length as a varint", Infinity), z.custom<Batches>(), {
  decode: splitBatches,
  encode: joinBatches,
});

/** Batches of records as packed by `src/model/batch.ts`. */
export type Batches = readonly Uint8Array[];

/** Batches; none are left out. */
export const batches = z.codec(z.optional(packedBatches), z.custom<Batches>(), {
  decode: (wire) => wire ?? [],
  encode: (value) => (value.length === 0 ? undefined : value),
});

/** Batches; null is left out, so "none" and "not included" differ. */
export const batchesOrNull = orNull(packedBatches);

function fits(value: Uint8Array, what: string, least: number, most: number): boolean {
  if (value.length > most)
    throw new TandemError("limit", `A field of a frame (${what}) has ${value.length} bytes; ${most} are allowed.`);
  return value.length >= least;
}

function hex(what: string, length: number) {
  return z.codec(bin(what, length, length), z.custom<string>(), {
    decode: (wire) => Buffer.from(wire.buffer, wire.byteOffset, wire.length).toString("hex"),
    encode: (value) => Buffer.from(value, "hex"),
  });
}

function splitGuids(wire: Uint8Array): string[] {
  if (wire.length % GUID_BYTES !== 0) throw new TandemError("bad-frame", "A list of GUIDs has half a GUID.");
  const all: string[] = [];
  const reader = new ByteReader(wire);
  while (reader.left > 0) all.push(reader.hex(GUID_BYTES));
  return all;
}

function joinGuids(all: readonly string[]): Uint8Array {
  const out = new ByteWriter(GUID_BYTES * all.length);
  for (const one of all) {
    if (!GUID.test(one)) throw new TandemError("internal", `${JSON.stringify(one)} is not a GUID.`);
    out.hex(one);
  }
  return out.finish();
}

function readNumbers(packed: Uint8Array, what: string, most: number, highest: number): number[] {
  const reader = new ByteReader(packed, `A field of a frame (${what})`);
  const all: number[] = [];
  while (reader.left > 0) {
    const value = reader.varint();
    if (value > highest) throw new TandemError("bad-frame", `A field of a frame (${what}) has ${value} in it.`);
    all.push(value);
    if (all.length > most) throw new TandemError("limit", `A field of a frame (${what}) has more than ${most} items.`);
  }
  return all;
}

function writeNumbers(all: readonly number[]): Uint8Array {
  const out = new ByteWriter(2 * all.length + 8);
  for (const one of all) out.varint(one);
  return out.finish();
}

function readSums(wire: Uint8Array): Uint32Array {
  if (wire.length % 4 !== 0) throw new TandemError("bad-frame", "A list of sums has part of a sum.");
  const view = new DataView(wire.buffer, wire.byteOffset, wire.length);
  return Uint32Array.from({ length: wire.length / 4 }, (_, i) => view.getUint32(4 * i));
}

function writeSums(sums: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * sums.length));
  for (const [i, sum] of sums.entries()) view.setUint32(4 * i, sum);
  return new Uint8Array(view.buffer);
}

/** @throws TandemError `bad-frame`, `limit`. */
export function splitBatches(packed: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(packed, "A list of batches");
  const all: Uint8Array[] = [];
  while (reader.left > 0) {
    all.push(reader.bytes(reader.varint()));
    if (all.length > MAX_BATCHES_PER_FRAME) throw tooManyBatches();
  }
  return all;
}

/** @throws TandemError `limit`. */
export function joinBatches(all: Batches): Uint8Array {
  if (all.length > MAX_BATCHES_PER_FRAME) throw tooManyBatches();
  const out = new ByteWriter(all.reduce((sum, batch) => sum + batch.length + 4, 0));
  for (const batch of all) {
    out.varint(batch.length);
    out.bytes(batch);
  }
  return out.finish();
}

function tooManyBatches(): TandemError {
  return new TandemError("limit", `A frame has more than ${MAX_BATCHES_PER_FRAME} batches; cut it in two.`);
}
