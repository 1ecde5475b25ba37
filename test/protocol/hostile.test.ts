/**
 * Scenario 57 and P12: no frame, however made, does anything but give an error with a code, in bounded time and memory.
 */
import fc from "fast-check";
import { decode, encode } from "msgpack-lite";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { MAX_DEPTH, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { prescan } from "../../protocol/prescan.ts";
import { batchOf, decodeBatch } from "../../src/model/decode-batch.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { allSamples } from "./samples.ts";

const REFUSALS = ["bad-frame", "bad-message", "limit", "version"];
const FRAMES = allSamples().map(({ name, message }) => ({ name, frame: Buffer.from(encodeFrame(message)) }));

/** The code `act` is refused with, "" if it is not. Anything but a refusal is thrown on. */
function refusal(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    if (!isTandemError(error) || !REFUSALS.includes(error.code)) throw error;
    return error.code;
  }
}

/** A message of a known type with the given bytes as the value of its last field. */
function withValue(hex: string, filler = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from("83a174a470617274a17105a762617463686573", "hex"), Buffer.from(hex, "hex"), filler]);
}

describe("hostile frames", () => {
  it("the frame the cases are made of is fine without them", () => {
    expect(decodeFrame(withValue("c400"))).toEqual({ t: "part", q: 5, batches: [] });
  });

  it.each([
    ["an empty frame", Buffer.alloc(0)],
    ["a text field of 4 GB by its length", withValue("dbffffffff41")],
    ["a bin field of 4 GB by its length", withValue("c6ffffffff41")],
    ["an array of 4 billion items", withValue("ddffffffff")],
    ["a map of 4 billion pairs", withValue("dfffffffff")],
    ["a map of 65,535 pairs", Buffer.from("deffffa174a46d6f7265", "hex")],
    ["10,000 nested arrays", withValue("91".repeat(10_000), Buffer.from("c0", "hex"))],
    ["10,000 nested maps", withValue("81a161".repeat(10_000), Buffer.from("c0", "hex"))],
    ["600 nested arrays, each claiming the rest of 1 MiB", nestedClaims(600, 1024 * 1024)],
    ["2,500 nested arrays, each claiming the rest of 64 KiB", nestedClaims(2500, 64 * 1024)],
    ["an extension type", withValue("d40100")],
    ["a large extension type", withValue("c903000000ff")],
    ["the type that is never used", withValue("c1")],
    ["bytes behind the end", withValue("c400c0")],
    ["a key that is no text", Buffer.from("82a174a46d6f726505a171", "hex")],
    ["a key that is an array", Buffer.from("82a174a46d6f72659105a171", "hex")],
    ["text that is not UTF-8", Buffer.from("83a174a56175646974a17101a76163636f756e74a2c328", "hex")],
  ])("scenario 57: %s is refused", (_, frame) => {
    expect(refusal(() => decodeFrame(frame))).toBe("bad-frame");
  });

  it("scenario 57: half a frame is refused, wherever it is cut", () => {
    for (const { frame } of FRAMES)
      for (let length = 0; length < frame.length; length++)
        expect(refusal(() => decodeFrame(frame.subarray(0, length)))).not.toBe("");
  });

  it("scenario 57: a frame of nothing but empty values stays within the memory of its own size", () => {
    const frame = withValue("dd000f0000", Buffer.alloc(0x0f_0000, 0xc0));
    expect(refusal(() => decodeFrame(frame))).toBe("bad-frame");
  });

  it("depth is allowed up to the limit and no further", () => {
    const nested = (depth: number) => Buffer.from(`${"91".repeat(depth)}c0`, "hex");
    prescan(nested(MAX_DEPTH));
    expect(refusal(() => prescan(nested(MAX_DEPTH + 1)))).toBe("bad-frame");
  });

  it("a minus zero, which is written again as another value, is refused in both widths", () => {
    for (const zero of ["ca80000000", "cb8000000000000000"]) {
      expect(refusal(() => prescan(Buffer.from(zero, "hex")))).toBe("bad-frame");
      expect(refusal(() => prescan(Buffer.from(zero.replace("80", "00"), "hex")))).toBe("");
    }
  });

  it("wrong types in every field of every message are refused", () => {
    const wrong = [null, true, -1, 0.5, "\0", [], {}, Buffer.alloc(3), [[[1]]], "x".repeat(2000)];
    for (const { message } of allSamples()) {
      const fields = Object.keys(message).filter((key) => key !== "t" && key !== "message" && key !== "node");
      for (const field of fields)
        for (const value of wrong) {
          const frame = encode({ ...wireOf(message), [field]: value });
          const code = refusal(() => decodeFrame(frame));
          if (code === "") expect(`${message.t}.${field} ${JSON.stringify(value)}`).toMatch(LENIENT);
        }
    }
  });
});

/** Fields where one of the wrong values above is a right one: true, an empty list, any bytes where bytes are meant. */
const LENIENT =
  /^\w+\.(many|complete|baseAgrees|more|reset|overrule|commit) true|^\w+\.(trees|mailboxes|puts|rows|missing|sizes|data|batches|items|results|runs|differ|empty|buckets) (\[\]|\{"type":"Buffer")/;

describe("random frames", () => {
  it("P12: random bytes are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(refusal(() => decodeFrame(bytes))).not.toBe("");
      }),
      { numRuns: 3000 },
    );
  });

  it("P12: random values under a known type are refused or read, never worse", () => {
    const types = fc.constantFrom(...new Set(FRAMES.map(({ name }) => name.split(" ")[0] as string)));
    const keys = fc.constantFrom("q", "account", "mailboxId", "batches", "state", "entry", "cursor", "__proto__", "v");
    fc.assert(
      fc.property(types, fc.dictionary(keys, fc.anything({ maxDepth: 3 })), (t, fields) => {
        const value = JSON.parse(JSON.stringify({ t, ...fields }, (_, item) => (typeof item === "bigint" ? 1 : item)));
        refusal(() => decodeFrame(encode(value)));
      }),
      { numRuns: 3000 },
    );
  });

  it("P12: a valid frame with some bytes changed is refused, or is a valid message that is written and read again", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...FRAMES), edits, ({ frame }, changes) => {
        const changed = Buffer.from(frame);
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        let message: ReturnType<typeof decodeFrame> | null = null;
        const code = refusal(() => {
          message = decodeFrame(changed);
        });
        if (code === "" && message !== null) expect(decodeFrame(encodeFrame(message))).toEqual(message);
      }),
      { numRuns: 5000 },
    );
  });

  it("P12: what the pre-scan lets through, the decoder decodes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (bytes) => {
        const frame = Buffer.concat([Buffer.from("82a174a46d6f7265a171", "hex"), bytes]);
        if (refusal(() => prescan(frame)) === "") expect(() => decode(frame)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });

  it("P12: a batch of records with some bytes changed is refused or read", () => {
    const batches = allSamples().flatMap(({ message }) => ("batches" in message ? message.batches : []));
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...batches), edits, (batch, changes) => {
        const changed = Buffer.from(batch);
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        refusal(() => decodeBatch(changed));
        refusal(() => batchOf(changed));
      }),
      { numRuns: 3000 },
    );
  });
});

/** Arrays in arrays, each of which says that it holds as many values as the frame has bytes left. */
function nestedClaims(depth: number, bytes: number): Buffer {
  const start = withValue("");
  const frame = Buffer.alloc(Math.min(bytes, MAX_FRAME_BYTES), 0xc0);
  start.copy(frame);
  for (let i = 0, at = start.length; i < depth; i++, at += 5) {
    frame[at] = 0xdd;
    frame.writeUInt32BE(frame.length - at - 5, at + 1);
  }
  return frame;
}

/** The MessagePack value of a message. */
function wireOf(message: Message): Record<string, unknown> {
  return decode(Buffer.from(encodeFrame(message))) as Record<string, unknown>;
}
