/**
 * The pages of the project: links lead somewhere, and what they name is there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ROW_IDS } from "../src/merge/rows.ts";
import { TREE_ROW_IDS } from "../src/merge/tree-plan.ts";
import { ERROR_CODES } from "../src/model/errors.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder));
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}

const PAGES = [...pagesIn("."), ...pagesIn("protocol")].map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), "utf8"),
}));

/** Everything a text names in a row of `pattern`, each once. */
function named(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))];
}

describe.each(PAGES)("$path", ({ path, text }) => {
  it("links only to what is there", () => {
    const links = named(text, /\]\((?!https?:)([^)#]+)/g);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(path), link)))).toEqual([]);
  });

  it("names only files that are there", () => {
    const files = named(text, /`((?:src|test|protocol|examples)\/[\w./-]*)`/g);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("names only rows, promises and scenarios there are", () => {
    const rows = named(text, /\b([MT]\d\d)\b/g).filter((row) => ![...ROW_IDS, ...TREE_ROW_IDS].includes(row as "M01"));
    const promises = named(text, /\b(P\d+)\b/g).filter((promise) => Number(promise.slice(1)) > 13);
    const scenarios = named(text, /\bscenarios? (\d+)/gi).filter((number) => Number(number) > 59);
    expect([rows, promises, scenarios]).toEqual([[], [], []]);
  });
});

describe("protocol/merge-rule.md", () => {
  const text = PAGES.find(({ path }) => path.endsWith("merge-rule.md"))?.text ?? "";

  it("gives every row of the rule a reason", () => {
    const reasons = [...text.matchAll(/^- \*\*(.+?)\*\*/gm)].flatMap((match) => named(match[1] ?? "", /([MT]\d\d)/g));
    expect([...ROW_IDS, ...TREE_ROW_IDS].filter((row) => row !== "T01" && !reasons.includes(row))).toEqual([]);
  });

  it("names only error codes there are", () => {
    const codes = ["limit", "brake", "body-unreadable"];
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
    expect(codes.every((code) => (ERROR_CODES as readonly string[]).includes(code))).toBe(true);
  });
});
