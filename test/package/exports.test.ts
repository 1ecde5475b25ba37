/**
 * The built package from outside: its exports are all that a program needs, and name nothing that is not exported.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { exportsOf, namedBy } from "./declarations.ts";

const ROOT = join(import.meta.dirname, "../..");
const INDEX = join(ROOT, "dist/src/index.d.ts");
const run = promisify(execFile);

/** A program's directory in which the package is installed, removed afterwards. */
async function withInstalled<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "tandem-package-"));
  try {
    await mkdir(join(directory, "node_modules"));
    await symlink(ROOT, join(directory, "node_modules/tandem-mail"));
    await symlink(join(ROOT, "node_modules/@types"), join(directory, "node_modules/@types"));
    await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe("the exports", () => {
  test("name no type that is not exported, too", () => {
    const exported = exportsOf(INDEX);
    const keys = new Set(exported.map(({ file, name }) => `${file} ${name}`));
    const lacking = exported.flatMap((one) =>
      namedBy(one)
        .filter(({ file, name }) => !keys.has(`${file} ${name}`))
        .map(({ file, name }) => `${one.name} names ${name} of ${relative(ROOT, file)}`),
    );
    expect(lacking).toEqual([]);
    expect(exported.length).toBeGreaterThan(100);
  });

  test("have no name twice", () => {
    const names = exportsOf(INDEX).map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test("suffice for a program with a store of its own", async () => {
    await withInstalled(async (directory) => {
      const program = await readFile(join(import.meta.dirname, "program.ts"), "utf8");
      await writeFile(join(directory, "program.ts"), program.replace('"../../src/index.ts"', '"tandem-mail"'));
      const settings = { target: "ES2023", module: "nodenext", strict: true, exactOptionalPropertyTypes: true };
      const compilerOptions = { ...settings, types: ["node"], skipLibCheck: false };
      await writeFile(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
      const compiled = await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", directory]).catch(
        (error: { stdout: string }) => error,
      );
      expect(compiled.stdout).toBe("");
      const { stdout } = await run(process.execPath, [join(directory, "program.js")]);
      expect(stdout.split("\n")).toEqual([
        "sent 1, wrote 1, named INBOX",
        "0 differences in 1 messages",
        "greeted by a",
        "0 differences in 1 messages",
        "both were at UID 2",
        "0 faults",
        "",
      ]);
    });
  });
});
