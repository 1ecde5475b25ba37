/**
 * Computes the golden vectors from the samples; `protocol/vectors/*.json` holds what they were when they were written.
 */
import { decode } from "msgpack-lite";
import { encodeFrame } from "../../protocol/frame.ts";
import { proofInput } from "../../protocol/trust.ts";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { canonicalBytes, digestOf } from "../../src/model/digest.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import { prove } from "../../src/sync/trust.ts";
import { allSamples, RECORDS, STATEMENTS } from "./samples.ts";

/** A frame and the MessagePack value in it; bytes are written as {"bin": hex}. */
export interface FrameVector {
  readonly name: string;
  readonly hex: string;
  readonly value: unknown;
}

export interface BatchVector {
  readonly name: string;
  readonly hex: string;
  readonly records: readonly IndexRecord[];
}

export interface DigestVector {
  readonly name: string;
  readonly record: IndexRecord;
  /** The bytes that are hashed. */
  readonly canonical: string;
  readonly crc: number;
  readonly crcC: number;
}

/** A proof, what it covers, and the bytes the HMAC is made of; bytes in hex. */
export interface ProofVector {
  readonly name: string;
  readonly secret: string;
  readonly role: string;
  readonly challenge: string;
  readonly nonce: string;
  readonly epoch: string;
  readonly node: string;
  readonly peer: string;
  readonly input: string;
  readonly proof: string;
}

export function proofVectors(): ProofVector[] {
  return STATEMENTS.map(([name, secret, statement]) => ({
    name,
    secret: toHex(secret),
    ...statement,
    challenge: toHex(statement.challenge),
    nonce: toHex(statement.nonce),
    input: toHex(proofInput(statement)),
    proof: toHex(prove(secret, statement)),
  }));
}

export function frameVectors(): FrameVector[] {
  return allSamples().map(({ name, message }) => {
    const frame = encodeFrame(message);
    return { name, hex: toHex(frame), value: toJson(decode(frame)) };
  });
}

export function batchVectors(): BatchVector[] {
  return RECORDS.map(([name, records]) => {
    const { bytes } = encodeBatch(records);
    return { name, hex: toHex(bytes), records: decodeBatch(bytes) };
  });
}

export function digestVectors(): DigestVector[] {
  return RECORDS.flatMap(([name, records]) =>
    records.flatMap((record) => {
      const { crc, crcC } = digestOf(record);
      return [{ name: `${name}, UID ${record.uid}`, record, canonical: toHex(canonicalBytes(record)), crc, crcC }];
    }),
  );
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bin: toHex(value) };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
