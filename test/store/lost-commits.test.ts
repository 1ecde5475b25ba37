/** P6, P12: commits that a store has lost are noticed when it is opened, and nothing else is taken for a loss. */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { withDirectory } from "./checks.ts";

const warnings: string[] = [];
const note = (warning: Error) => void warnings.push(warning.message);
let listeners: NodeJS.WarningListener[] = [];

beforeEach(() => {
  listeners = process.listeners("warning");
  process.removeAllListeners("warning").on("warning", note);
  warnings.length = 0;
});

afterEach(() => {
  process.removeAllListeners("warning");
  for (const listener of listeners) process.on("warning", listener);
});

/** Delivers messages into INBOX of the store at `directory`, and leaves a copy as a killed process would. @returns its epoch. */
async function deliver(directory: string, texts: string[], copyTo: string): Promise<string> {
  const store = await openEmbeddedStore(directory, { create: true });
  if ((await store.mailboxNamed("ann", "INBOX")) === null) await createMailbox(store, "ann", "INBOX");
  for (const text of texts)
    await appendMessages(store, "ann", "INBOX", [{ bytes: Buffer.from(text), flags: [], internalDate: 0 }]);
  await cp(directory, copyTo, { recursive: true, filter: (path) => !path.endsWith("-shm") });
  await store.close();
  return store.storeEpoch;
}

/** Opens a store for a moment. */
async function look(directory: string): Promise<{ epoch: string; faults: string[]; messages: number }> {
  const store = await openEmbeddedStore(directory);
  const faults = await store.check();
  const messages = (await store.mailboxNamed("ann", "INBOX"))?.state.digest.count ?? 0;
  await store.close();
  // A warning is told in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  return { epoch: store.storeEpoch, faults, messages };
}

test("P6: a damaged log is told of, once, and gives the store a new epoch", async () => {
  await withDirectory(async (parent) => {
    const [live, killed] = [join(parent, "live"), join(parent, "killed")];
    const epoch = await deliver(live, ["one", "two", "three"], killed);
    const log = join(killed, "index.db-wal");
    const bytes = await readFile(log);
    bytes[bytes.length - 10_000] = (bytes.at(-10_000) as number) ^ 1;
    await writeFile(log, bytes);
    const first = await look(killed);
    expect(first.epoch).not.toBe(epoch);
    expect(first.messages).toBeLessThan(3);
    expect(first.faults).toEqual([expect.stringMatching(/lacked its last changes/)]);
    expect(warnings).toEqual(first.faults);
    expect((await look(killed)).epoch).toBe(first.epoch);
    expect(warnings).toHaveLength(1);
  });
});

test("an index put back alone is told of; a whole store put back is none of its business", async () => {
  await withDirectory(async (parent) => {
    const [live, early, late] = ["live", "early", "late"].map((name) => join(parent, name)) as [string, string, string];
    const epoch = await deliver(live, ["one"], early);
    await deliver(live, ["two"], late);
    expect(await look(early)).toMatchObject({ epoch, faults: [], messages: 1 });
    for (const name of ["index.db", "index.db-wal"]) {
      await rm(join(live, name), { force: true });
      await cp(join(early, name), join(live, name)).catch(() => {});
    }
    const restored = await look(live);
    expect(restored.messages).toBe(1);
    expect(restored.epoch).not.toBe(epoch);
    expect(warnings).toHaveLength(1);
  });
});

test("P11: what a killed writer leaves behind the last commit is no loss", async () => {
  await withDirectory(async (parent) => {
    const [live, base] = [join(parent, "live"), join(parent, "base")];
    await deliver(live, ["one"], base);
    const [longer, shorter] = [join(parent, "longer"), join(parent, "shorter")];
    const epoch = await deliver(await copied(base, join(parent, "x")), ["a", "b", "c", "d"], longer);
    await deliver(await copied(base, join(parent, "y")), ["a"], shorter);
    const [whole, begun] = [
      await readFile(join(longer, "index.db-wal")),
      await readFile(join(shorter, "index.db-wal")),
    ];
    // The same log, so that frames of the one behind those of the other look like commits that follow.
    expect(whole.subarray(16, 24)).toEqual(begun.subarray(16, 24));
    expect(whole.length).toBeGreaterThan(begun.length);
    await writeFile(join(shorter, "index.db-wal"), Buffer.concat([begun, whole.subarray(begun.length)]));
    expect(await look(shorter)).toEqual({ epoch, faults: [], messages: 2 });
    expect(warnings).toEqual([]);
  });
});

async function copied(from: string, to: string): Promise<string> {
  await cp(from, to, { recursive: true });
  return to;
}

test("a note that is missing or damaged is none", async () => {
  await withDirectory(async (parent) => {
    const [live, killed] = [join(parent, "live"), join(parent, "killed")];
    const epoch = await deliver(live, ["one", "two"], killed);
    const note = join(killed, "commits");
    const bytes = await readFile(note);
    for (const change of [() => bytes.fill(0xff, 0, 2), () => bytes.subarray(0, 3)]) {
      await writeFile(note, change());
      expect(await look(killed)).toMatchObject({ epoch, messages: 2, faults: [] });
    }
    await rm(note, { force: true });
    expect(await look(killed)).toMatchObject({ epoch, messages: 2, faults: [] });
    expect(warnings).toEqual([]);
  });
});
