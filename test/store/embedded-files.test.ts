/**
 * The embedded store's files: what is recognised as a store, damage, leftovers, segments.
 */
import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isTandemError, TandemError } from "../../src/model/errors.ts";
import { appendMessages, createMailbox, expungeMessages, parseUidSet } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { toTandemError } from "../../src/store/embedded/errors.ts";
import { YOUNG_BODIES } from "../../src/store/embedded/guid-index.ts";
import { HEADER_BYTES } from "../../src/store/embedded/segments.ts";
import { STAGED_KEPT_MS } from "../../src/store/shared/staging.ts";
import type { CompactStep, MailboxStore } from "../../src/store/store.ts";
import { twoAlike } from "../alike.ts";
import { checkStore, withDirectory } from "./checks.ts";

/** GUID of no message here. */
const NOWHERE = "00".repeat(32);
const HOUR_MS = 60 * 60 * 1000;

async function failure(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    return isTandemError(error) ? `${error.code}: ${error.message}` : String(error);
  }
  return "no error";
}

/** Runs `body` with a new store in `directory` and closes it. */
async function withNewStore(directory: string, body: (store: MailboxStore) => Promise<void>): Promise<void> {
  const store = await openEmbeddedStore(directory, { create: true });
  await body(store);
  await store.close();
}

async function append(store: MailboxStore, ...bodies: Uint8Array[]): Promise<unknown> {
  const messages = bodies.map((bytes) => ({ bytes, flags: [], internalDate: 0 }));
  return appendMessages(store, "ann", "INBOX", messages);
}

async function overwrite(file: string, position: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

test("a missing or empty directory is not a store unless one is to be created", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "missing");
    expect(await failure(() => openEmbeddedStore(missing))).toMatch(/^not-a-store: There is no store .*missing/);
    expect(existsSync(missing)).toBe(false);
    expect(await failure(() => openEmbeddedStore(directory))).toMatch(/^not-a-store: .* is empty/);
    expect(await readdir(directory)).toEqual([]);
    await withNewStore(missing, async (store) => expect(await store.accounts()).toEqual([]));
    await withNewStore(join(directory, "made"), async (store) => expect(await store.peers()).toEqual([]));
  });
});

test("a foreign directory or file is refused and left as it is", async () => {
  await withDirectory(async (directory) => {
    const foreign = join(directory, "foreign");
    await mkdir(foreign);
    await writeFile(join(foreign, "notes.txt"), "mine");
    const other = join(directory, "other");
    await mkdir(other);
    await writeFile(join(other, "index.db"), "SQLite format 3\0 but another program's".padEnd(200));
    const file = join(foreign, "notes.txt");
    for (const place of [foreign, other, file])
      for (const create of [true, false])
        expect(await failure(() => openEmbeddedStore(place, { create }))).toMatch(/^not-a-store: /);
    expect(await readdir(foreign)).toEqual(["notes.txt"]);
    expect(await readdir(other)).toEqual(["index.db"]);
  });
});

test("a store of another format is refused with what to do", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async () => {});
    const index = join(directory, "index.db");
    const before = await readFile(index);
    await overwrite(index, 60, Buffer.from([0, 0, 0, 99]));
    for (const create of [true, false])
      expect(await failure(() => openEmbeddedStore(directory, { create }))).toMatch(
        /^not-a-store: .*format 99.*upgrade/,
      );
    await overwrite(index, 60, Buffer.from([0, 0, 0, 1]));
    expect(await failure(() => openEmbeddedStore(directory))).toMatch(/^not-a-store: .*format 1,.*make a new store/);
    await overwrite(index, 60, before.subarray(60, 64));
    await (await openEmbeddedStore(directory)).close();
  });
});

test("messages without an index are no empty store: nothing is made over them, and nothing removed", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      await store.stage([Buffer.from("one")]);
    });
    await rename(join(directory, "index.db"), `${directory}.copy`);
    const before = await readdir(directory, { recursive: true });
    for (const create of [true, false])
      expect(await failure(() => openEmbeddedStore(directory, { create }))).toMatch(
        /^not-a-store: .* messages of a store, but its index, index.db, is gone; restore it/,
      );
    expect(await readdir(directory, { recursive: true })).toEqual(before);
    await rename(`${directory}.copy`, join(directory, "index.db"));
    await (await openEmbeddedStore(directory)).close();
  });
});

test("everything is there when the store is opened again", async () => {
  await withDirectory(async (directory) => {
    let epoch = "";
    await withNewStore(directory, async (store) => {
      epoch = store.storeEpoch;
      await createMailbox(store, "ann", "INBOX");
      await append(store, Buffer.from("one"), Buffer.alloc(5_000_000, "two"));
    });
    const store = await openEmbeddedStore(directory);
    expect(store.storeEpoch).toBe(epoch);
    expect(await checkStore(store)).toHaveLength(2);
    await store.close();
  });
});

test("scenario 22: a damaged message is noticed, wherever the damage is, and others are read", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      const bodies = ["first", "second", "third"].map((text) => Buffer.from(text.padEnd(100)));
      const guids = await store.stage(bodies);
      const segment = join(directory, "segments", "000001.seg");
      const second = HEADER_BYTES + 100;
      for (const [at, length] of [
        [0, 100],
        [5, 10],
        [9, 100],
        [20, 1],
        [HEADER_BYTES + 50, 100],
      ] as const) {
        const position = second + at;
        const [was] = (await readFile(segment)).subarray(position);
        await overwrite(segment, position, Uint8Array.of((was as number) ^ 4));
        const sentence = await failure(() => store.readBody(guids[1] as string, 0, length));
        expect(sentence).toMatch(/^body-unreadable: The bytes of message [0-9a-f]{64} are damaged/);
        for (const i of [0, 2])
          expect(Buffer.from(await store.readBody(guids[i] as string, 0, 100))).toEqual(bodies[i]);
        await overwrite(segment, position, Uint8Array.of(was as number));
        expect(Buffer.from(await store.readBody(guids[1] as string, 0, 100))).toEqual(bodies[1]);
      }
    });
  });
});

test("a segment that is cut off or gone makes its messages unreadable, not the store", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      const [guid] = (await store.stage([Buffer.alloc(1000, 1)])) as [string];
      const handle = await open(join(directory, "segments", "000001.seg"), "r+");
      await handle.truncate(500);
      expect(await failure(() => store.readBody(guid, 0, 1000))).toMatch(/^body-unreadable/);
      expect(await failure(() => store.readBody(guid, 10, 700))).toMatch(/^body-unreadable/);
      await handle.truncate(0);
      expect(await failure(() => store.readBody(guid, 0, 10))).toMatch(/^body-unreadable/);
      await handle.close();
      const [other] = (await store.stage([Buffer.from("fine")])) as [string];
      expect(await store.readBody(other, 0, 10)).toHaveLength(4);
    });
  });
});

test("reading in order sees messages that were written after the ones before them were read", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      for (let i = 0; i < 200; i++) {
        const [guid] = (await store.stage([Buffer.from(`message ${i}`.padEnd(300))])) as [string];
        expect(Buffer.from(await store.readBody(guid, 0, 300)).toString()).toBe(`message ${i}`.padEnd(300));
      }
    });
  });
});

test("a process that stages one message wastes no space, one that stages many reserves ahead", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async () => {});
    for (let i = 0; i < 3; i++) {
      const store = await openEmbeddedStore(directory);
      await store.stage([Buffer.alloc(1000, i)]);
      await store.close();
    }
    const { size } = await stat(join(directory, "segments", "000001.seg"));
    expect(size).toBe(3 * (HEADER_BYTES + 1000));
  });
});

test("compaction frees the space on disk and keeps what is live, also while it goes on being read", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      await createMailbox(store, "ann", "INBOX");
      await append(store, ...Array.from({ length: 300 }, (_, i) => Buffer.alloc(2000, `${i} `)));
      await checkStore(store);
      await expungeMessages(store, "ann", "INBOX", parseUidSet("1:280"));
      const { bodiesDropped, bytesFreed } = await store.compact();
      expect(bodiesDropped).toBe(280);
      expect(bytesFreed).toBe(280 * (HEADER_BYTES + 2000));
      expect(await readdir(join(directory, "segments"))).toEqual(["000002.seg"]);
      await append(store, Buffer.from("after"));
      expect(await checkStore(store)).toHaveLength(21);
    });
  });
});

test("compaction tells of each part of its work and waits; one that is ended there loses nothing, the next does the rest", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      await createMailbox(store, "ann", "INBOX");
      await append(store, ...Array.from({ length: 40 }, (_, i) => Buffer.alloc(400_000, `${i} `)));
      await expungeMessages(store, "ann", "INBOX", parseUidSet("16:40"));
      const steps: CompactStep[] = [];
      const gone = async (step: CompactStep) => {
        steps.push(step);
        await new Promise((resolve) => setImmediate(resolve));
        if (step.bytes > 1_000_000) throw new TandemError("io", "enough");
      };
      expect(await failure(() => store.compact({ onStep: gone }))).toBe("io: enough");
      expect(steps).toMatchObject([{ done: 0, total: 1 }, { done: 0 }, { bytes: 2 * 11 * 400_000, done: 0 }]);
      expect(await checkStore(store)).toHaveLength(15);
      expect((await store.compact({ onStep: (step) => void steps.push(step) })).bytesFreed).toBeGreaterThan(0);
      expect(steps.at(-1)).toMatchObject({ bytes: 0, done: 2, total: 2 });
      expect(await readdir(join(directory, "segments"))).not.toContain("000001.seg");
      expect(await checkStore(store)).toHaveLength(15);
    });
  });
});

test("compaction leaves a segment with a damaged message as it is", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      await createMailbox(store, "ann", "INBOX");
      await append(store, ...Array.from({ length: 20 }, (_, i) => Buffer.alloc(1000, `${i} `)));
      await expungeMessages(store, "ann", "INBOX", parseUidSet("1:18"));
      await overwrite(join(directory, "segments", "000001.seg"), 18 * (HEADER_BYTES + 1000) + 500, Buffer.from("!!"));
      expect(await store.compact()).toEqual({ bodiesDropped: 18, bytesFreed: 0 });
      expect(await readdir(join(directory, "segments"))).toContain("000001.seg");
      await append(store, Buffer.from("after"));
      expect(await failure(() => checkStore(store))).toMatch(/^body-unreadable/);
    });
  });
});

test("a message that was staged and never used is dropped after a day, one that is staged again is not", async () => {
  await withDirectory(async (directory) => {
    let now = 1_700_000_000_000;
    const store = await openEmbeddedStore(directory, { create: true, now: () => now });
    const [a, b] = (await store.stage([Buffer.from("a"), Buffer.from("b")])) as [string, string];
    now += STAGED_KEPT_MS - 1;
    expect(await store.compact()).toMatchObject({ bodiesDropped: 0 });
    await store.stage([Buffer.from("b")]);
    now += 1;
    expect(await store.compact()).toMatchObject({ bodiesDropped: 1 });
    expect(await store.missingBodies([a, b])).toEqual([0]);
    await store.close();
  });
});

test("compaction removes what killed processes left, and nothing of running ones", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      const spool = join(directory, "spool");
      const name = (pid: number, kind: string) => `${pid}-0123456789abcdef.${kind}`;
      // No process has this id: it is above the system's highest.
      const dead = 2 ** 22 + 1;
      const old = new Date(Date.now() - 2 * HOUR_MS);
      const dying = ["spool", "body", "new", "new-wal", "new-shm"].map((kind) => name(dead, kind));
      for (const file of [...dying, name(process.pid, "spool"), "other.txt"]) {
        await writeFile(join(spool, file), "left");
        await utimes(join(spool, file), old, old);
      }
      await writeFile(join(spool, name(dead + 1, "new")), "just now");
      await writeFile(join(directory, "segments", "000077.seg"), "never entered");
      const { bytesFreed } = await store.compact();
      expect(bytesFreed).toBe(13);
      expect(await readdir(join(directory, "segments"))).toEqual([]);
      expect((await readdir(spool)).sort()).toEqual(
        [name(process.pid, "spool"), name(dead + 1, "new"), "other.txt"].sort(),
      );
    });
  });
});

test("a spool leaves no file behind", async () => {
  await withDirectory(async (directory) => {
    await withNewStore(directory, async (store) => {
      const spool = await store.openSpool();
      for (let i = 0; i < 40; i++) spool.write({ count: 1, firstUid: i, lastUid: i, bytes: Buffer.alloc(100_000, i) });
      expect(await readdir(join(directory, "spool"))).toHaveLength(1);
      let seen = 0;
      for (const { firstUid, bytes } of spool) {
        expect([firstUid, bytes.length, bytes[0], bytes.at(-1)]).toEqual([seen, 100_000, seen, seen]);
        seen++;
      }
      expect(seen).toBe(40);
      spool.dispose();
      expect(await readdir(join(directory, "spool"))).toEqual([]);
    });
  });
});

test("failures of the disk and of SQLite are said in a sentence, with a code", () => {
  const fails = (code: string) => toTandemError(Object.assign(new Error("raw text"), { code }), "/store");
  for (const code of [
    "ENOSPC",
    "SQLITE_FULL",
    "SQLITE_BUSY",
    "EACCES",
    "SQLITE_READONLY_DBMOVED",
    "SQLITE_CORRUPT",
    "EMFILE",
    "EIO",
  ])
    expect(fails(code)).toMatchObject({ code: "io", message: expect.stringMatching(/^[A-Z][^\n]*"\/store"[^\n]*\.$/) });
  expect(fails("ENOSPC").message).toMatch(/no space left/);
  expect(fails("EROFS").message).toMatch(/permissions/);
  expect(toTandemError(new TypeError("oops"), "/store").code).toBe("internal");
});

test("messages are found before and after they are entered in the index, by every process, and not once they are dropped", async () => {
  await withDirectory(async (directory) => {
    let now = 1_000_000_000_000;
    const store = await openEmbeddedStore(directory, { create: true, now: () => now });
    const other = await openEmbeddedStore(directory, { now: () => now });
    const bodies = Array.from({ length: YOUNG_BODIES + 1000 }, (_, i) => Buffer.from(`message ${i}`));
    const guids: string[] = [];
    for (let start = 0; start < bodies.length; start += 6700) {
      const some = await store.stage(bodies.slice(start, start + 6700));
      expect(await other.missingBodies([NOWHERE, ...some])).toEqual([0]);
      guids.push(...some);
    }
    const shuffled = guids.toSorted();
    for (const each of [store, other]) {
      expect(await each.missingBodies([...shuffled, NOWHERE])).toEqual([guids.length]);
      expect(await each.bodySizes(guids.toReversed())).toEqual(bodies.map(({ length }) => length).toReversed());
    }
    now += STAGED_KEPT_MS + 1;
    await other.stage(bodies.slice(0, 3));
    expect(await store.compact()).toMatchObject({ bodiesDropped: bodies.length - 3 });
    for (const each of [store, other]) {
      expect(await each.missingBodies(guids)).toHaveLength(bodies.length - 3);
      expect(await each.missingBodies(guids.slice(0, 3))).toEqual([]);
    }
    expect(await other.stage(bodies.slice(0, 9))).toEqual(guids.slice(0, 9));
    for (const each of [store, other]) expect(await each.missingBodies(guids.slice(0, 10))).toEqual([9]);
    await other.close();
    await checkStore(store);
    await store.close();
  });
});

test("a message that was looked for in vain is found once another process has staged it, also in the index", async () => {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    const other = await openEmbeddedStore(directory);
    const enough = (name: string) => Array.from({ length: YOUNG_BODIES }, (_, i) => Buffer.from(`${name} ${i}`));
    await store.stage(enough("first"));
    const late = Buffer.from("late");
    const guid = hash("sha256", late, "hex");
    // Twice, so that what was learned by the first look is used.
    for (let look = 0; look < 2; look++) expect(await store.missingBodies([guid])).toEqual([0]);
    await other.stage([late]);
    expect(await store.missingBodies([guid])).toEqual([]);
    await other.stage(enough("second"));
    expect(await store.missingBodies([guid])).toEqual([]);
    await other.close();
    await store.close();
  });
});

test("two messages whose GUIDs begin alike are told apart, before and after they are entered in the index", async () => {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    const [one, two] = twoAlike();
    await store.stage([one.bytes]);
    expect(await store.missingBodies([one.guid, two.guid])).toEqual([1]);
    await store.stage([two.bytes]);
    expect(await store.missingBodies([two.guid, one.guid])).toEqual([]);
    await store.stage(Array.from({ length: YOUNG_BODIES }, (_, i) => Buffer.from(`another ${i}`)));
    expect(await store.readBodies([two.guid, one.guid])).toEqual([two.bytes, one.bytes]);
    await store.close();
  });
});
