/**
 * Golden vectors: what is on the wire today is what was on it when the vectors were written.
 *
 * If one fails, the protocol has changed: raise PROTOCOL_VERSION and write the new vectors, or take the change back. A
 * new sample gets its vector from the output of the failing test.
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { canonicalBytes, digestOf } from "../../src/model/digest.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { allSamples } from "./samples.ts";
import {
  type BatchVector,
  batchVectors,
  type DigestVector,
  digestVectors,
  type FrameVector,
  frameVectors,
  type ProofVector,
  proofVectors,
} from "./vectors.ts";

function read<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../../protocol/vectors/${name}.json`, import.meta.url), "utf8")) as T[];
}

describe("golden vectors", () => {
  it("frames: every sample is written as its vector says", () => {
    expect(frameVectors()).toEqual(read<FrameVector>("frames"));
  });

  it.each(read<FrameVector>("frames"))("frames: $name is read back and written again as it was", ({ name, hex }) => {
    const message = decodeFrame(Buffer.from(hex, "hex"));
    expect(plain(message)).toEqual(plain(allSamples().find((sample) => sample.name === name)?.message));
    expect(Buffer.from(encodeFrame(message)).toString("hex")).toBe(hex);
  });

  it("proofs: every statement has the proof its vector says", () => {
    expect(proofVectors()).toEqual(read<ProofVector>("proofs"));
  });

  it.each(read<ProofVector>("proofs"))("proofs: $name, as the specification says", (vector) => {
    const fields = [
      Buffer.from(`tandem 3 ${vector.role}`, "ascii"),
      ...[vector.challenge, vector.nonce, vector.epoch].map((hex) => Buffer.from(hex, "hex")),
      ...[vector.node, vector.peer].map((name) => Buffer.from(name, "utf8")),
    ];
    const input = fields.map((field) => field.length.toString(16).padStart(8, "0") + field.toString("hex")).join("");
    expect(vector.input).toBe(input);
    const proof = createHmac("sha256", Buffer.from(vector.secret, "hex")).update(Buffer.from(input, "hex"));
    expect(vector.proof).toBe(proof.digest("hex"));
  });

  it("batches: every sample is written as its vector says", () => {
    expect(batchVectors()).toEqual(read<BatchVector>("batches"));
  });

  it.each(read<BatchVector>("batches"))("batches: $name is read back and written again as it was", (vector) => {
    expect(decodeBatch(Buffer.from(vector.hex, "hex"))).toEqual(vector.records);
    expect(Buffer.from(encodeBatch(vector.records).bytes).toString("hex")).toBe(vector.hex);
  });

  it("digests: every sample has the digest its vector says", () => {
    expect(digestVectors()).toEqual(read<DigestVector>("digests"));
  });

  it.each(read<DigestVector>("digests"))("digests: $name", ({ record, canonical, crc, crcC }) => {
    expect(Buffer.from(canonicalBytes(record)).toString("hex")).toBe(canonical);
    expect(digestOf(record)).toEqual({ count: 1, crc, crcC });
  });
});

/** Buffers and other bytes alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
