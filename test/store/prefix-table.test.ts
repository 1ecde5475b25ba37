/** The table of prefixes, beside a `Map` of lists that does the same. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { prefixOf } from "../../src/model/guid-prefix.ts";
import { PrefixTable } from "../../src/store/embedded/prefix-table.ts";

/** Few enough that some come twice, with those at the edges among them. */
const PREFIX = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)),
);

test("a prefix is the number of the first eight digits, signed", () => {
  const rest = "5".repeat(56);
  expect(["00000000", "0000000a", "7fffffff", "80000000", "ffffffff"].map((digits) => prefixOf(digits + rest))).toEqual(
    [0, 10, 2 ** 31 - 1, -(2 ** 31), -1],
  );
  fc.assert(fc.property(PREFIX, (prefix) => prefixOf((prefix >>> 0).toString(16).padStart(8, "0") + rest) === prefix));
});

test("ids are found under their prefix, all of them in order, and none under another, however many there are", () => {
  const first = fc.integer({ min: 1, max: 2 ** 40 });
  const length = { minLength: 0, maxLength: 1200 };
  fc.assert(
    fc.property(first, fc.array(PREFIX, length), fc.array(PREFIX), (id, prefixes, others) => {
      const table = new PrefixTable(id);
      const model = new Map<number, number[]>();
      for (const [i, prefix] of prefixes.entries()) {
        table.add(prefix, id + i);
        const known = model.get(prefix);
        if (known === undefined) model.set(prefix, [id + i]);
        else known.push(id + i);
      }
      const asked = new Set([...prefixes, ...others]);
      for (const prefix of asked) expect(table.ids(prefix)).toEqual(model.get(prefix) ?? []);
    }),
  );
});

test("many thousands of prefixes are found, those of one place in the table too", () => {
  const table = new PrefixTable(1);
  const prefixes = Array.from({ length: 70_000 }, (_, i) => (i % 2 === 0 ? i : i << 12));
  for (const [i, prefix] of prefixes.entries()) {
    // Room for more than was asked for is made on the way, and what is there already is kept.
    if (i === 1000) table.reserve(20_000);
    table.add(prefix, i + 1);
  }
  expect(prefixes.filter((prefix, i) => !table.ids(prefix).includes(i + 1))).toEqual([]);
  expect(table.ids(-1)).toEqual([]);
});
