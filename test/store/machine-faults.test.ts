/**
 * Faults of the machine, met by real processes: kills while a store is made or rewritten, a disk that is full, cannot be written to, or
 * fails. Where a disk of its own cannot be mounted for a test, limits and permissions stand in for it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { appendMessages, createMailbox, expungeMessages, parseUidSet } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { checkStore, withDirectory } from "./checks.ts";
import { killChild, nextLine, startChild } from "./processes.ts";

const ACCOUNT = "ann";

async function makeInbox(directory: string, messages = 0): Promise<void> {
  const store = await openEmbeddedStore(directory, { create: true });
  await createMailbox(store, ACCOUNT, "INBOX");
  const bodies = Array.from({ length: messages }, (_, i) => Buffer.from(`message ${i}`.padEnd(4000, "z")));
  if (messages > 0)
    await appendMessages(
      store,
      ACCOUNT,
      "INBOX",
      bodies.map((bytes) => ({ bytes, flags: [], internalDate: 0 })),
    );
  await store.close();
}

/** UIDs of all messages, everything checked. */
async function checkedUids(directory: string): Promise<number[]> {
  const store = await openEmbeddedStore(directory);
  const uids = (await checkStore(store)).map(({ uid }) => uid);
  expect(await store.check()).toEqual([]);
  await store.close();
  return uids;
}

/** A moment within the next milliseconds, at random: where a kill falls is left to chance. */
function anyMoment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
}

test("P11: processes that make one store and are killed at any moment leave a whole one or none", async () => {
  for (let round = 0; round < 4; round++)
    await withDirectory(async (parent) => {
      const directory = join(parent, "new", "store");
      const children = Array.from({ length: 4 }, () => startChild("create", [directory]));
      for (const child of children) expect(await nextLine(child)).toBe("ready");
      for (const child of children) child.process.stdin?.end("go");
      await anyMoment(40);
      await Promise.all(children.map(killChild));
      const store = await openEmbeddedStore(directory, { create: true });
      await createMailbox(store, ACCOUNT, "after");
      await checkStore(store);
      expect(await store.check()).toEqual([]);
      await store.close();
    });
});

test("P6, P11: killed in the middle of rewriting a segment, compaction has lost nothing, and ends when it runs again", async () => {
  await withDirectory(async (directory) => {
    await makeInbox(directory, 3000);
    const store = await openEmbeddedStore(directory);
    await expungeMessages(store, ACCOUNT, "INBOX", parseUidSet("1:1800"));
    await store.close();
    const kept = Array.from({ length: 1200 }, (_, i) => 1801 + i);
    for (let round = 0; round < 5; round++) {
      const child = startChild("compact-once", [directory]);
      expect(await nextLine(child)).toBe("begin");
      await anyMoment(60);
      await killChild(child);
      expect(await checkedUids(directory)).toEqual(kept);
    }
    const again = await openEmbeddedStore(directory);
    await again.compact();
    await again.close();
    expect(await checkedUids(directory)).toEqual(kept);
  });
});

/** A disk of its own of some MiB, mounted at a directory; null if that is not permitted here. */
function mounted(directory: string, mib: number): { remount: (options: string) => void; end: () => void } | null {
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", directory]);
  if (status !== 0) return null;
  const remount = (options: string) => execFileSync("mount", ["-o", `remount,${options}`, directory]);
  // Lazily: a process that was just killed may still be letting go of its files.
  return { remount, end: () => execFileSync("umount", ["-l", directory]) };
}

const LIMITED = ["sh", "-c", 'trap "" XFSZ; ulimit -f 4096; exec "$@"', "sh"];

test("scenario 54: a disk that fills up is told of, everything before is there, and with more space it goes on", async () => {
  await withDirectory(async (directory) => {
    const disk = mounted(directory, 4);
    try {
      await makeInbox(directory);
      const child = startChild("append-on", [directory], disk === null ? LIMITED : []);
      expect(await nextLine(child)).toBe("ready");
      const ask = async (text: string) => {
        child.process.stdin?.write(`${text}\n`);
        return nextLine(child);
      };
      const uids: number[] = [];
      let answer = await ask("first");
      for (; !answer.startsWith("io: "); answer = await ask(`message ${uids.length}`)) uids.push(Number(answer));
      expect(answer).toMatch(/^io: There is no space left for the store/);
      disk?.remount("size=16m");
      if (disk !== null) for (let i = 0; i < 20; i++) uids.push(Number(await ask(`with space ${i}`)));
      await killChild(child);
      expect(await checkedUids(directory)).toEqual(uids);
    } finally {
      disk?.end();
    }
  });
});

test("a store that cannot be written to says so, and is whole once it can be", async () => {
  await withDirectory(async (directory) => {
    const disk = mounted(directory, 16);
    try {
      await makeInbox(directory, 20);
      if (disk === null) await chmod(directory, 0o500);
      else disk.remount("ro");
      const child = startChild("append", [directory, "1", "x"]);
      const isOpen = disk === null && process.getuid?.() === 0;
      const told = /is on a read-only file system|may not be written to .* copy the whole directory/;
      if (!isOpen) await expect(openEmbeddedStore(directory)).rejects.toThrow(told);
      if (!isOpen) expect(await child.exited).not.toBe(0);
      else await child.exited;
      if (disk === null) await chmod(directory, 0o700);
      else disk.remount("rw");
      expect((await checkedUids(directory)).slice(0, 20)).toHaveLength(20);
    } finally {
      disk?.end();
    }
  });
});

/** The library that lets the disk fail, built by the system's compiler; null if there is none. */
function builtShim(directory: string): string | null {
  const library = join(directory, "failing-disk.so");
  const source = join(import.meta.dirname, "failing-disk.c");
  const { status } = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]);
  return status === 0 ? library : null;
}

test("a disk that fails is told of, nothing acknowledged is lost, and it goes on once the disk works again", async () => {
  await withDirectory(async (parent) => {
    const directory = join(parent, "store");
    await mkdir(directory);
    await makeInbox(directory, 5);
    const [flag, library] = [join(parent, "broken"), builtShim(parent)];
    const failing = ["env", `LD_PRELOAD=${library}`, `FAILING_DISK_FLAG=${flag}`];
    const child = startChild("append-on", [directory], library === null ? LIMITED : failing);
    expect(await nextLine(child)).toBe("ready");
    const ask = async (text: string) => {
      child.process.stdin?.write(`${text}\n`);
      return nextLine(child);
    };
    const uids = [1, 2, 3, 4, 5, Number(await ask("before"))];
    await writeFile(flag, "");
    // Without a compiler the limit on the size of files has to be reached first.
    let answer = await ask("meanwhile");
    for (; library === null && !answer.startsWith("io: "); answer = await ask("more")) uids.push(Number(answer));
    expect(answer).toMatch(/^io: /);
    await rm(flag);
    if (library !== null) for (let i = 0; i < 5; i++) uids.push(Number(await ask(`after ${i}`)));
    await killChild(child);
    expect(await checkedUids(directory)).toEqual(uids);
  });
});
