/** What `--json` prints has the keys that README.md tells of, and README.md tells of no others. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { openEmbeddedStore } from "../../src/index.ts";
import { FAULTS_NOTE, type OpenFault } from "../../src/replicator/fault-list.ts";
import { flipText } from "../store/damage.ts";
import { newStore, tandem, tempDirectory } from "./helpers.ts";
import { startDaemon } from "./nodes.ts";

const README = join(import.meta.dirname, "../../README.md");
const FAULT: OpenFault = {
  ...{ account: "default", mailboxId: "", guid: null, firstUid: null, lastUid: null },
  ...{ code: "digest-fault", message: "It does not fit.", since: 0, failures: 0, nextTry: 0 },
};

/** The shapes that README.md has for each command. */
const documented = new Map<string, string[]>();
/** The shapes that each command printed. */
const printed = new Map<string, Set<string>>();

beforeAll(async () => {
  const [, block = ""] = /## What `--json` prints.*?```text\n(.*?)```/s.exec(await readFile(README, "utf8")) ?? [];
  let command = "";
  for (const line of block.trim().split("\n")) {
    const [, name = "", shape = ""] = /^(\w*) +(\{\S+\})(?: {3}with .*)?$/.exec(line) ?? [];
    command = name || command;
    documented.set(command, [...(documented.get(command) ?? []), shape]);
  }
});

/** The keys of a value as README.md writes them, sorted. */
function shapeOf(value: object): string {
  const keys = Object.entries(value).map(([key, inner]) => {
    if (key === "kind") return `"kind":${JSON.stringify(inner)}`;
    const isList = Array.isArray(inner) && typeof inner[0] === "object";
    return isList ? `${JSON.stringify(key)}:[${shapeOf(inner[0])}]` : JSON.stringify(key);
  });
  return `{${keys.sort().join()}}`;
}

function note(command: string, stdout: string): void {
  const shapes = printed.get(command) ?? new Set();
  for (const line of stdout.trim().split("\n")) shapes.add(shapeOf(JSON.parse(line)));
  printed.set(command, shapes);
}

async function run(command: string, ...args: string[]): Promise<void> {
  note(command, (await tandem([command, ...args, "--json"], { input: "Subject: damaged\n\nx\n" })).stdout);
}

/** Copies, edits and compares two stores in all ways that print something of their own. */
async function useTwo(a: string, b: string): Promise<void> {
  const letters = await tempDirectory({ "1.eml": "Subject: 1\n\n" });
  await run("append", a, "INBOX");
  await run("import", a, letters);
  await run("export", a, `${a}.out`);
  await run("sync", a, b, "--dry-run");
  await run("sync", a, b);
  await flipText(b, "damaged");
  await run("verify", a, b, "--repair");
  await run("flag", a, "INBOX", "1", "+Seen");
  await run("verify", a, b);
  await run("sync", b, a, "--one-way");
  await run("expunge", a, "INBOX", "1");
  await run("purge", a);
  await run("compact", a);
}

/** Has a peer in the store that nobody keeps up to date, and a fault. */
async function usePeer(directory: string): Promise<void> {
  const store = await openEmbeddedStore(directory);
  await store.log.addChannel("b");
  await store.writeNote(FAULTS_NOTE, JSON.stringify([FAULT]));
  await store.close();
  await run("append", directory, "INBOX");
  await run("status", directory);
  await run("wait", directory, "--peer", "b", "--timeout", "0");
  await run("allow", directory, "--peer", "b");
  await run("forget", directory, "--peer", "b");
}

async function serve(directory: string): Promise<void> {
  const args = [directory, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
  await run("serve", ...args, "--check");
  const node = await startDaemon(args);
  // What it printed has both, or these were empty.
  expect([node.url, node.metrics]).not.toContain("");
  note("serve", JSON.stringify({ listening: node.url, metrics: node.metrics }));
  await node.end();
}

/** A documented shape, sorted, without those of its optional keys that the other one does not have. */
function fitted(shape: string, other: string): string {
  const fitting = shape.replaceAll(/,("\w+")\?/g, (_, key: string) => (other.includes(key) ? `,${key}` : ""));
  return shapeOf(JSON.parse(fitting.replaceAll(/(?<!:)("\w+")(?=[,}])/g, "$1:0")) as object);
}

test("each key is documented, and each documented one printed", async () => {
  const [a, b] = [await newStore(), await newStore()];
  await useTwo(a, b);
  await usePeer(a);
  await serve(b);
  expect([...printed.keys()].sort()).toEqual([...documented.keys()].sort());
  for (const [command, shapes] of documented) {
    const seen = [...(printed.get(command) ?? [])];
    const unknown = seen.filter((shape) => !shapes.some((one) => fitted(one, shape) === shape));
    const never = shapes.filter((one) => !seen.some((shape) => fitted(one, shape) === shape));
    expect({ command, unknown, never }).toEqual({ command, unknown: [], never: [] });
  }
});
