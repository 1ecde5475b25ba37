/** Modified UTF-7 against the examples of RFC 3501 and by properties. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUtf7, encodeUtf7 } from "../../src/formats/utf7.ts";

describe("modified UTF-7", () => {
  test.each([
    ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"],
    ["R&D", "R&-D"],
    ["Entwürfe", "Entw&APw-rfe"],
    ["🌻", "&2DzfOw-"],
    ["", ""],
  ])("writes %j as %j, as RFC 3501 section 5.1.3 says", (text, encoded) => {
    expect(encodeUtf7(text)).toBe(encoded);
    expect(decodeUtf7(encoded)).toBe(text);
  });

  test.each(["R&D", "&Jjo", "&Jjo!-", "ü", "&AA-", "&2Dw-", "a\u0001", "&AGG-"])("does not decode %j", (text) => {
    expect(decodeUtf7(text)).toBeNull();
  });

  test("characters asked for are encoded, too, and decode all the same", () => {
    expect(encodeUtf7("a.b/c", "./")).toBe("a&AC4-b&AC8-c");
    expect(decodeUtf7("a&AC4-b&AC8-c")).toBe("a.b/c");
  });

  test("scenario 8: any well-formed text comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(text.isWellFormed());
        expect(decodeUtf7(encodeUtf7(text, "./"))).toBe(text);
        expect(encodeUtf7(text, "./")).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});
