/**
 * Numbers and texts in bytes: every value comes back, and no two byte strings mean the same.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import { ByteReader, ByteWriter } from "../../src/model/varint.ts";

const EDGES = [0, 1, 63, 64, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 52 - 1, 2 ** 52, 2 ** 53 - 1];

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(1);
  write(out);
  return Uint8Array.from(out.finish());
}

/** What `read` makes of bytes, or the code of the error. */
function outcome<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T | string {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (!isTandemError(error)) throw error;
    return error.code;
  }
}

describe("varint", () => {
  it.each(EDGES)("%d comes back, unsigned and with both signs", (value) => {
    expect(
      outcome(
        written((out) => out.varint(value)),
        (reader) => reader.varint(),
      ),
    ).toBe(value);
    for (const signed of [value, -value || 0])
      expect(
        outcome(
          written((out) => out.zigzag(signed)),
          (reader) => reader.zigzag(),
        ),
      ).toBe(signed);
  });

  it("zigzag is the varint of 2v or -2v-1", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), (value) => {
        const unsigned = value < 0 ? -2 * value - 1 : 2 * value;
        expect(written((out) => out.zigzag(value))).toEqual(written((out) => out.varint(unsigned)));
      }),
    );
  });

  it("P12: any bytes are a number in one form only, or bad-frame", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.boolean(), (bytes, signed) => {
        const value = outcome(bytes, (reader) => (signed ? reader.zigzag() : reader.varint()));
        if (value === "bad-frame") return;
        const number = value as number;
        expect(Number.isSafeInteger(number)).toBe(true);
        expect(written((out) => (signed ? out.zigzag(number) : out.varint(number)))).toEqual(bytes);
      }),
    );
  });

  it("P12: a number that never ends is refused after eight bytes", () => {
    const endless = new Uint8Array(300).fill(0x80);
    endless[299] = 1;
    expect(outcome(endless, (reader) => reader.varint())).toBe("bad-frame");
    expect(outcome(endless, (reader) => reader.zigzag())).toBe("bad-frame");
  });

  it("text comes back, and what is not UTF-8 is refused", () => {
    for (const text of ["", "a", "ä\u{1f4e7}\ufffd"])
      expect(
        outcome(
          written((out) => out.text(text)),
          (reader) => reader.text(),
        ),
      ).toBe(text);
    expect(outcome(Uint8Array.of(2, 0xff, 0xfe), (reader) => reader.text())).toBe("bad-frame");
    expect(outcome(Uint8Array.of(9, 65), (reader) => reader.text())).toBe("bad-frame");
  });
});
