/**
 * UID sets as IMAP has them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import { parseUidSet, resolveUidSet } from "../../src/operations/index.ts";

const resolved = (text: string, highest: number | null = 50) =>
  resolveUidSet(parseUidSet(text), highest).map(({ firstUid, lastUid }) => [firstUid, lastUid]);

test("RFC 9051: single UIDs, ranges in any direction, * for the highest UID", () => {
  expect(resolved("7")).toEqual([[7, 7]]);
  expect(resolved("1:5,9,12:*")).toEqual([
    [1, 5],
    [9, 9],
    [12, 50],
  ]);
  expect(resolved("5:1")).toEqual([[1, 5]]);
  expect(resolved("*")).toEqual([[50, 50]]);
  expect(resolved("60:*")).toEqual([[50, 60]]);
  expect(resolved("*:4")).toEqual([[4, 50]]);
  expect(resolved("4294967295")).toEqual([[4294967295, 4294967295]]);
});

test("overlapping, touching and repeated parts become one range", () => {
  expect(resolved("9,1:3,2:5,6,9")).toEqual([
    [1, 6],
    [9, 9],
  ]);
});

test("* names nothing in an empty mailbox", () => {
  expect(resolved("*", null)).toEqual([]);
});

test.each([
  "",
  "0",
  "1:0",
  "a",
  "1,",
  ",1",
  "1::2",
  "1:2:3",
  "-1",
  "1 2",
  "1.5",
  "4294967296",
  "1:",
  ":1",
  "**",
  "+1",
  "1e3",
])("the wrong set %j is refused with what is wrong", (text) => {
  try {
    parseUidSet(text);
  } catch (error) {
    expect(isTandemError(error, "invalid-argument")).toBe(true);
    expect((error as Error).message).toContain(JSON.stringify(text));
    return;
  }
  expect.fail("The set was taken.");
});

test("any set resolves to the UIDs a naive reading gives", () => {
  const bound = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant("*" as const));
  const item = fc.tuple(bound, fc.option(bound));
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 60 }), (items, highest) => {
      const text = items.map(([a, b]) => (b === null ? `${a}` : `${a}:${b}`)).join(",");
      const value = (one: number | "*") => (one === "*" ? highest : one);
      const naive = new Set<number>();
      for (const [a, b] of items) {
        const [from, to] = [value(a), value(b ?? a)].sort((x, y) => x - y) as [number, number];
        for (let uid = from; uid <= to; uid++) naive.add(uid);
      }
      const found = resolved(text, highest).flatMap(([first = 0, last = 0]) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      );
      expect(found).toEqual([...naive].sort((x, y) => x - y));
    }),
  );
});
