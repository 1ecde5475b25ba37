/**
 * The deliberate faults still fit the source, and the tests that are to find them are there. `npm run test:mutants` runs them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MUTANTS, mutated } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TESTS = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|json)$/.test(name) && !name.startsWith("mutants"))
  .map((name) => readFileSync(join(ROOT, "test", name), "utf8"))
  .join("\n");

describe("mutants", () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("%s fits one place", (_name, mutant) => {
    const source = readFileSync(join(ROOT, mutant.file), "utf8");
    expect(mutated(source, mutant)).not.toBe(source);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "the test that catches %s is there",
    (_name, one) => {
      expect(existsSync(join(ROOT, one.test))).toBe(true);
      expect(TESTS.includes(one.catches) || TESTS.includes(JSON.stringify(one.catches).slice(1, -1))).toBe(true);
    },
  );

  it("have names of their own, and there is one for every row of the rule for records", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const rows = Array.from({ length: 11 }, (_, i) => `M${String(i + 1).padStart(2, "0")}`);
    expect(rows.filter((row) => !names.includes(row))).toEqual([]);
  });
});
