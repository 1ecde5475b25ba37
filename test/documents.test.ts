/**
 * The pages of the project: links lead somewhere, and what they name is there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { LOG_EVENTS } from "../src/cli/daemon/events.ts";
import { METRICS } from "../src/cli/daemon/metrics.ts";
import { configuration, keysAt } from "../src/cli/daemon/schema.ts";
import { readSource } from "../src/cli/daemon/source.ts";
import { COMMAND_HELP } from "../src/cli/help.ts";
import { DAEMON_HELP } from "../src/cli/help-daemon.ts";
import { ROW_IDS } from "../src/merge/rows.ts";
import { TREE_ROW_IDS } from "../src/merge/tree-plan.ts";
import { ERROR_CODES } from "../src/model/errors.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder));
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}

const PAGES = [...pagesIn("."), ...pagesIn("protocol"), ...pagesIn("test"), ...pagesIn("examples/daemon")].map(
  (path) => ({
    path,
    text: readFileSync(join(ROOT, path), "utf8"),
  }),
);

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
    const places = [ROOT, join(ROOT, dirname(path))];
    expect(files.filter((file) => !places.some((place) => existsSync(join(place, file))))).toEqual([]);
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

describe("examples/daemon", () => {
  const text = PAGES.find(({ path }) => path.startsWith("examples/daemon"))?.text ?? "";
  /** Names in the first column of the table below a heading. */
  const column = (heading: string) =>
    named(text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "", /^\| `([^`]+)`/gm);

  it("lists every event with its level, and no other", () => {
    expect(column("Events").sort()).toEqual(Object.keys(LOG_EVENTS).sort());
    const levels = [...text.matchAll(/^\| `([\w-]+)` +\| (debug|info|warn) +\|/gm)].map(([, event, level]) => [
      event,
      level,
    ]);
    expect(Object.fromEntries(levels)).toEqual(LOG_EVENTS);
  });

  it("lists every metric, and no other", () => {
    expect(column("Metrics").sort()).toEqual(Object.keys(METRICS).sort());
  });

  it("lists every key of the configuration, and no other", () => {
    expect(column("Configuration keys").sort()).toEqual(allKeys([]).sort());
  });

  it("names an option that there is for every key", () => {
    const rows = text.split("## Configuration keys\n")[1]?.split("\n## ")[0] ?? "";
    const options = [...rows.matchAll(/^\| `[^`]+` +\| (?:`(--[\w-]+).*?`|STORE) +\|/gm)].map(([, option]) => option);
    expect(options).toHaveLength(column("Configuration keys").length);
    const program = readFileSync(join(ROOT, "src/cli/program-daemon.ts"), "utf8");
    expect(options.filter((option) => option !== undefined && !program.includes(`"${option} <`))).toEqual([
      "--allow-unauthenticated",
    ]);
  });

  it("has a complete example: it is valid, and names every key", async () => {
    const source = await readSource(join(ROOT, "examples/daemon/tandem.yaml"));
    expect(source.faults).toEqual([]);
    expect(configuration.safeParse(source.value)).toMatchObject({ success: true });
    expect(keysOf(source.value, "").sort()).toEqual(allKeys([]).sort());
  });

  it("names every command of the daemon; here and in README.md no command is named that is not there", () => {
    const pages = PAGES.filter(({ path }) => path === "README.md" || path.startsWith("examples/"));
    // In "sudo -u tandem tandem status" the first one is a user.
    const commands = pages.flatMap((page) => named(page.text, /(?:^|[`\s])(?:npx )?tandem (?!tandem )([a-z]+)(?= )/gm));
    expect(commands.filter((command) => !(command in COMMAND_HELP))).toEqual([]);
    expect(Object.keys(DAEMON_HELP).filter((command) => !commands.includes(command))).toEqual([]);
  });
});

describe("CHANGELOG.md", () => {
  const textOf = (path: string) => PAGES.find((page) => page.path === path)?.text ?? "";

  it("tells what finding one record costs as README.md does", () => {
    const cost = /finding one lost flag in 100,000 .*\| ([\d.]+ KB);/.exec(textOf("README.md"))?.[1];
    expect(cost).toBeDefined();
    expect(textOf("CHANGELOG.md")).toContain(`one record that differs among 100,000 costs ${cost}`);
  });
});

describe("package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };

  it("has no script for a program that is not built", () => {
    const programs = Object.values(scripts).flatMap((script: string) => named(script, /(dist\/[\w./-]+\.js)/g));
    expect(programs.filter((program) => !existsSync(join(ROOT, program)))).toEqual([]);
    expect(programs.length).toBeGreaterThan(5);
  });

  it("has no script that README.md or test/README.md do not tell of", () => {
    const told = PAGES.filter(({ path }) => path.endsWith("README.md")).flatMap(({ text }) =>
      named(text, /npm (?:run )?([a-z:]+)/g),
    );
    const own = ["build", "prepare", "pretest", "check", "format"];
    expect(Object.keys(scripts).filter((script) => !told.includes(script) && !own.includes(script))).toEqual([]);
  });
});

/** Every key of the configuration, as `tls.cert` and `peers[].url`. */
function allKeys(path: readonly PropertyKey[]): string[] {
  return keysAt(path).flatMap((key) => {
    const name = key === "peers" ? "peers[]" : key;
    const inner = allKeys(key === "peers" ? [...path, key, 0] : [...path, key]);
    return inner.length === 0 ? [name] : inner.map((below) => `${name}.${below}`);
  });
}

/** The keys that a value has, in the same way, each once. */
function keysOf(value: unknown, name: string): string[] {
  if (Array.isArray(value) && typeof value[0] === "object")
    return [...new Set(value.flatMap((one) => keysOf(one, `${name}[]`)))];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [name];
  return Object.entries(value).flatMap(([key, one]) => keysOf(one, name === "" ? key : `${name}.${key}`));
}
