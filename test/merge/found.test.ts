/**
 * Histories that once broke the merge rule, replayed for ever. A new one: the JSON a failing `random.test.ts` prints.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planMerge } from "../../src/merge/merge.ts";
import { failureOf, tell } from "./model/history.ts";
import type { History } from "./model/op.ts";

/** A kept history; `prevents` says which promise it broke, and how. */
interface Found extends History {
  readonly prevents: string;
}

const FOLDER = new URL("./found/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const FOUND = FILES.map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Found);

describe("histories that once broke the rule", () => {
  it.each(FOUND.map((found) => [found.prevents, found] as const))("%s", (_prevents, found) => {
    const broken = failureOf(found, planMerge);
    expect(broken === null ? "holds" : tell(found, planMerge)).toBe("holds");
  });
});
