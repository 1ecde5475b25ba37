/**
 * What npm packs: the pages lead nowhere that is not packed, and what is imported is asked for.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { importsOf } from "../source-scan.ts";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Paths of all packed files. */
let packed: readonly string[];

beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: ROOT,
    maxBuffer: 10_000_000,
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  packed = files.map(({ path }) => path);
});

function read(path: string): Promise<string> {
  return readFile(join(ROOT, path), "utf8");
}

test("every link of a packed page leads to what is packed", async () => {
  const pages = packed.filter((path) => path.endsWith(".md"));
  expect(pages).toEqual(expect.arrayContaining(["README.md", "examples/daemon/README.md", "protocol/messages.md"]));
  const dead: string[] = [];
  for (const page of pages) {
    const links = [...(await read(page)).matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] as string);
    const targets = links.map((link) => posix.join(posix.dirname(page), link).replace(/\/$/, ""));
    const lacking = targets.filter((one) => !packed.some((path) => path === one || path.startsWith(`${one}/`)));
    dead.push(...lacking.map((one) => `${page} links to ${one}`));
  }
  expect(dead).toEqual([]);
});

test("every package that packed code imports is a dependency, or an optional peer of the store contract", async () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(await read("package.json"));
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
  const lacking: string[] = [];
  for (const path of packed.filter((one) => one.endsWith(".js"))) {
    const known = { ...dependencies, ...(path.startsWith("dist/test/") ? peerDependencies : {}) };
    const names = importsOf(await read(path)).filter((name) => !/^(\.|node:)/.test(name));
    lacking.push(
      ...names.filter((name) => !((name.split("/")[0] as string) in known)).map((name) => `${path}: ${name}`),
    );
  }
  expect(lacking).toEqual([]);
});

test("the lock file has the peers of package.json: npm ci refuses it otherwise", async () => {
  const [own, lock] = [JSON.parse(await read("package.json")), JSON.parse(await read("package-lock.json"))];
  const { peerDependencies, peerDependenciesMeta } = lock.packages[""];
  expect({ peerDependencies, peerDependenciesMeta }).toEqual({
    peerDependencies: own.peerDependencies,
    peerDependenciesMeta: own.peerDependenciesMeta,
  });
});
