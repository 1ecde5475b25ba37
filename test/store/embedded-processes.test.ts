/**
 * The embedded store under several real processes: racing, killed in the middle, and out of space.
 */
import { expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { checkStore, withDirectory } from "./checks.ts";
import { type Child, killChild, linesOf, nextLine, startChild } from "./processes.ts";

const ACCOUNT = "ann";

/** A directory with a store that has an INBOX. */
async function withInbox(body: (directory: string) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await createMailbox(store, ACCOUNT, "INBOX");
    await store.close();
    await body(directory);
  });
}

/** Opens the store anew, checks everything in it and that it can be written to; returns the live UIDs. */
async function checkedUids(directory: string): Promise<number[]> {
  const store = await openEmbeddedStore(directory);
  const uids = (await checkStore(store)).map((record) => record.uid);
  await appendMessages(store, ACCOUNT, "INBOX", [{ bytes: Buffer.from("last"), flags: [], internalDate: 0 }]);
  await store.close();
  return uids;
}

test("P13: several processes append to one mailbox at once, no UID is given twice, no message is lost", async () => {
  await withInbox(async (directory) => {
    const children = ["a", "b", "c", "d"].map((tag) => startChild("append", [directory, "200", tag]));
    const printed = (await Promise.all(children.map(linesOf))).flat().map(Number);
    expect(new Set(printed).size).toBe(800);
    expect(await checkedUids(directory)).toEqual(printed.sort((x, y) => x - y));
  });
});

test("scenario 53: a writer killed in the middle of a change blocks nobody and leaves nothing half done", async () => {
  await withInbox(async (directory) => {
    const store = await openEmbeddedStore(directory);
    const before = await store.mailboxNamed(ACCOUNT, "INBOX");
    const child = startChild("hold", [directory]);
    expect(await nextLine(child)).toBe("in the middle");
    const reading = await store.mailboxNamed(ACCOUNT, "INBOX");
    expect(reading).toEqual(before);
    await killChild(child);
    expect(await store.mailboxNamed(ACCOUNT, "INBOX")).toEqual(before);
    await store.close();
    expect(await checkedUids(directory)).toEqual([]);
  });
});

test("scenario 52, P11: killed at any moment, what was acknowledged is there and the store is whole", async () => {
  await withInbox(async (directory) => {
    const acknowledged: number[] = [];
    for (const lines of [1, 7, 20, 33]) {
      const child = startChild("append", [directory, "100000", `killed after ${lines}`]);
      for (let i = 0; i < lines; i++) acknowledged.push(Number(await nextLine(child)));
      acknowledged.push(...(await killChild(child)).map(Number));
      const uids = await checkedUids(directory);
      for (const uid of acknowledged) expect(uids).toContain(uid);
    }
  });
});

test("processes that create the same store at one moment all succeed, on one store", async () => {
  await withDirectory(async (parent) => {
    const directory = `${parent}/deep/er`;
    const children = Array.from({ length: 5 }, () => startChild("create", [directory]));
    for (const child of children) expect(await nextLine(child)).toBe("ready");
    for (const child of children) child.process.stdin?.end("go");
    const epochs = (await Promise.all(children.map(linesOf))).flat();
    const store = await openEmbeddedStore(directory);
    expect(epochs).toEqual(children.map(() => store.storeEpoch));
    expect((await store.tree(ACCOUNT)).mailboxes).toHaveLength(5);
    await store.close();
  });
});

test("P6: compaction beside writers loses no message", async () => {
  await withInbox(async (directory) => {
    const compacting = [startChild("compact", [directory]), startChild("compact", [directory])];
    const writing = ["a", "b"].map((tag) => startChild("churn", [directory, "15", tag]));
    const kept = (await Promise.all(writing.map(linesOf))).flat().map(Number);
    for (const child of compacting) child.process.stdin?.end();
    const freed = (await Promise.all(compacting.map(linesOf))).flat().map(Number);
    const store = await openEmbeddedStore(directory);
    freed.push((await store.compact()).bytesFreed);
    await store.close();
    expect(freed.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(0);
    expect(await checkedUids(directory)).toEqual(kept.sort((x, y) => x - y));
  });
});

test("P6: compaction killed at any moment loses no message", async () => {
  await withInbox(async (directory) => {
    const kept: number[] = [];
    for (const runs of [0, 1, 3]) {
      const child: Child = startChild("compact", [directory]);
      kept.push(...(await linesOf(startChild("churn", [directory, "5", `round ${runs}`]))).map(Number));
      for (let i = 0; i < runs; i++) await nextLine(child);
      await killChild(child);
      const uids = await checkedUids(directory);
      for (const uid of kept) expect(uids).toContain(uid);
    }
  });
});

test("scenario 54: without space an error says so, the store stays whole, and goes on once there is space", async () => {
  await withInbox(async (directory) => {
    // A limit on the size of files acts as a full disk does; the signal that comes with it is ignored.
    const limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1024; exec "$@"', "sh"];
    const lines = await linesOf(startChild("fill", [directory], limited));
    expect(lines.at(-1)).toMatch(/^io: There is no space left/);
    expect(lines.length).toBeGreaterThan(3);
    expect(await checkedUids(directory)).toEqual(lines.slice(0, -1).map(Number));
  });
});
