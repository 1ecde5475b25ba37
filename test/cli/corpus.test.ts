/** Real mail byte for byte on its whole way: imported here, synced over a connection, exported there. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CORPUS, jsonLines, newStore, succeed } from "./helpers.ts";
import { startNode } from "./nodes.ts";

async function hashesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
  return files.map((bytes) => createHash("sha256").update(bytes).digest("hex")).sort();
}

/** SHA-256 of every message, as the corpus itself says. */
async function manifest(): Promise<string[]> {
  const lines = (await readFile(join(CORPUS, "MANIFEST.tsv"), "utf8")).split("\n");
  return lines.flatMap((line) => /\b[0-9a-f]{64}\b/.exec(line)?.[0] ?? []).sort();
}

describe.skipIf(!existsSync(CORPUS))("corpus (skipped if ../shared/corpus is absent)", () => {
  test("scenario 9: import, sync, export keep every byte, and both stores dump the same", async () => {
    const [a, b] = [await newStore(), await newStore()];
    await succeed(["import", a, CORPUS]);
    const node = await startNode(b);
    const summary = (await jsonLines(["sync", a, node.url])).at(-1) as Record<string, number>;
    expect(await node.end()).toBe(0);
    const expected = await manifest();
    expect(summary).toMatchObject({ bodiesSent: expected.length, recordsSent: expected.length, errors: 0 });
    await succeed(["export", b, `${b}.out`]);
    expect(await hashesIn(join(`${b}.out`, "cur"))).toEqual(expected);
    const dump = async (store: string) => (await succeed(["dump", store, "--json"])).stdout;
    expect(await dump(b)).toBe(await dump(a));
    expect((await succeed(["verify", a, b, "--deep"])).stdout).toBe(`equal: 1 mailbox, ${expected.length} messages\n`);
  });
});
