/**
 * The page that lists what holds each promise says what is there, and all of it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Evidence, evidenceIn, PROMISES } from "./evidence.ts";
import { MUTANTS } from "./mutants/mutants.ts";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const PAGE = readFileSync(join(ROOT, "README.md"), "utf8");
const SECTIONS = PAGE.split(/^### /m).slice(1);

const KINDS = {
  Tests: "tests",
  "Random and complete": "properties",
  Mutants: "mutants",
  Simulator: "simulator",
} as const satisfies Record<string, keyof Evidence>;

/** What a section names in the list of a kind. */
function listed(section: string, kind: string): string[] {
  const [, line = ""] = new RegExp(`^- ${kind}: (.*)$`, "m").exec(section) ?? [];
  return [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

describe("test/README.md", () => {
  const evidence = evidenceIn(ROOT);

  it("has a section for each promise", () => {
    expect(SECTIONS.map((section) => /^P\d+/.exec(section)?.[0])).toEqual(PROMISES);
  });

  it.each(PROMISES)("lists all that holds %s, and nothing else", (promise) => {
    const section = SECTIONS.find((text) => text.startsWith(`${promise} `)) ?? "";
    const found = Object.fromEntries(Object.entries(KINDS).map(([kind, key]) => [key, listed(section, kind)]));
    expect(found).toEqual(evidence.get(promise));
  });

  it.each(PROMISES)("%s is held by tests and by deliberate faults that they find", (promise) => {
    const { tests = [], mutants = [] } = evidence.get(promise) ?? {};
    expect([tests.length, mutants.length].map((count) => count > 0)).toEqual([true, true]);
  });

  it("says how many deliberate faults there are", () => {
    expect(PAGE).toContain(`${MUTANTS.length} deliberate faults`);
  });
});
