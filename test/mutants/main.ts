/**
 * `npm run test:mutants`: puts each deliberate fault into a copy of the tree and runs the test that must find it. Fails with
 * the name of each that survives.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutant } from "./mutant.ts";
import { MUTANTS, mutated } from "./mutants.ts";

const COPIED = [
  "src",
  "protocol",
  "test",
  "examples",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "README.md",
];
/** Copies that are worked in at once. */
const AT_ONCE = 2;
/** A fault that makes a test go on for ever is found, too. */
const MOST_MS = 300_000;

interface Trial {
  readonly mutant: Mutant;
  readonly fate: "caught" | "survived" | "caught: no end" | "does not fit";
  readonly seconds: number;
}

function copyOfTree(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), "tandem-mutant-"));
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Runs a test in a copy; true if it passes, null if it did not end. */
function passes(copy: string, { test, catches }: Mutant): Promise<boolean | null> {
  const pattern = catches.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const args = ["node_modules/vitest/vitest.mjs", "run", test, "-t", pattern, "--bail", "1"];
  const env = { ...process.env, TANDEM_SHORTEN: "no" };
  const child = spawn(process.execPath, args, { cwd: copy, env, stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      resolve(null);
    }, MOST_MS);
    child.on("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

async function tryOut(copy: string, mutant: Mutant): Promise<Trial> {
  const path = join(copy, mutant.file);
  const source = readFileSync(path, "utf8");
  const started = performance.now();
  const end = (fate: Trial["fate"]) => ({ mutant, fate, seconds: (performance.now() - started) / 1000 });
  try {
    writeFileSync(path, mutated(source, mutant));
  } catch {
    return end("does not fit");
  }
  const passed = await passes(copy, mutant);
  writeFileSync(path, source);
  return end(passed === null ? "caught: no end" : passed ? "survived" : "caught");
}

/** The tests that are to find the faults pass without them, each once. */
async function checkTests(copy: string, mutants: readonly Mutant[]): Promise<string[]> {
  const tests = new Map(mutants.map((mutant) => [`${mutant.test}: ${mutant.catches}`, mutant]));
  const failing: string[] = [];
  for (const [name, mutant] of tests) if ((await passes(copy, mutant)) !== true) failing.push(name);
  return failing;
}

async function work(copy: string, open: Mutant[], done: (trial: Trial) => void): Promise<void> {
  for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) done(await tryOut(copy, mutant));
}

function tell({ mutant, fate, seconds }: Trial): void {
  const columns = [mutant.name.padEnd(24), mutant.breaks.padEnd(4), fate.padEnd(14), seconds.toFixed(1).padStart(6)];
  process.stdout.write(`${columns.join(" ")}  ${mutant.fault}; by ${mutant.test}: ${mutant.catches}\n`);
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const chosen = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const copies = Array.from({ length: AT_ONCE }, () => copyOfTree(process.cwd()));
  const trials: Trial[] = [];
  try {
    const open = [...chosen];
    const done = (trial: Trial) => {
      trials.push(trial);
      tell(trial);
    };
    const failing = await checkTests(copies[0] as string, chosen);
    for (const name of failing) process.stdout.write(`This test fails without any fault: ${name}\n`);
    await Promise.all(copies.map((copy) => work(copy, open, done)));
    const bad = trials.filter(({ fate }) => fate === "survived" || fate === "does not fit");
    process.stdout.write(`${trials.length - bad.length} of ${trials.length} faults caught.\n`);
    for (const { mutant, fate } of bad) process.stdout.write(`${mutant.name}: ${fate}\n`);
    if (bad.length + failing.length > 0 || trials.length === 0) process.exitCode = 1;
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
}

await main();
