/**
 * Writes of the embedded store that are asked for at once share a commit, and do not share each other's failures.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, loadDriver } from "../../src/store/embedded/connection.ts";
import { pathsOf } from "../../src/store/embedded/directory.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { GroupCommit } from "../../src/store/embedded/group-commit.ts";
import { CommitNote } from "../../src/store/embedded/lost-commits.ts";
import { ownerOf } from "../../src/store/embedded/ownership.ts";
import type { MailboxChange, MailboxStore } from "../../src/store/store.ts";
import {
  ACCOUNT,
  agreed,
  changeOf,
  getMailbox,
  live,
  makeMailbox,
  PEER,
  stageFor,
} from "../contract/store/fixtures.ts";
import { checkStore, recordsIn, withDirectory } from "./checks.ts";
import { linesOf, startChild } from "./processes.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Transactions in SQLite's log: the last page of each carries the size of the database. */
async function commitsIn(directory: string): Promise<number> {
  const log = await readFile(join(directory, "index.db-wal"));
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
  let commits = 0;
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes)
    if (log.readUInt32BE(at + 4) > 0) commits++;
  return commits;
}

/** Mailboxes "box0", "box1"... and a message that can be appended to each. */
async function withMailboxes(
  count: number,
  body: (store: MailboxStore, changes: MailboxChange[], directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await stageFor(store, [live(1, 2)]);
    const changes: MailboxChange[] = [];
    for (let i = 0; i < count; i++) {
      await makeMailbox(store, `box${i}`, `Box ${i}`);
      changes.push(await changeOf(store, [live(1, 2)], { mailboxId: `box${i}` }));
    }
    await body(store, changes, directory);
    await store.close();
  });
}

async function outcomesOf(writes: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(writes);
  return results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.code));
}

/** A group ends after some milliseconds, of which a busy machine takes more: the clock stands still. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Repeats one outcome. */
function times(count: number, outcome: unknown): unknown[] {
  return Array.from({ length: count }, () => outcome);
}

test("fifty changes of fifty mailboxes are one commit; a refused and a conflicting one disturb no other", async () => {
  await withMailboxes(50, async (store, changes, directory) => {
    await store.log.addChannel("east");
    const after = { ...(changes[25] as MailboxChange).after, digest: { count: 1, crc: 1, crcC: 1 } };
    changes[25] = { ...(changes[25] as MailboxChange), after };
    const before = { ...(changes[30] as MailboxChange).before, uidNext: 9 };
    changes[30] = { ...(changes[30] as MailboxChange), before };
    const commits = await commitsIn(directory);
    const outcomes = await outcomesOf(changes.map((change) => store.apply(change)));
    expect(await commitsIn(directory)).toBe(commits + 1);
    const expected = times(50, "applied").with(25, "invalid-change").with(30, "conflict");
    expect(outcomes).toEqual(expected);
    for (const [i, outcome] of expected.entries())
      expect((await getMailbox(store, `box${i}`)).state.uidNext).toBe(outcome === "applied" ? 2 : 1);
    const logged = (await store.log.due("east", Number.MAX_SAFE_INTEGER, 99)).map(({ mailboxId }) => mailboxId);
    expect(logged).not.toContain("box25");
    expect(logged).toHaveLength(48);
    expect(await checkStore(store)).toHaveLength(48);
  });
});

test("all kinds of writes share a commit", async () => {
  await withMailboxes(1, async (store, [change], directory) => {
    await store.log.addChannel("east");
    const { state } = await getMailbox(store, "box0");
    const commits = await commitsIn(directory);
    const entry = { ...(await getMailbox(store, "box0")).entry, mailboxId: "new", name: "New", modseq: 2 };
    const outcomes = await outcomesOf([
      store.apply(change as MailboxChange),
      store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts: [{ entry, uidValidity: 1 }] }),
      store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box0", cursor: agreed(state) }]),
      store.log.add("east", [{ account: ACCOUNT, mailboxId: "" }]),
      store.log.allow("east", null),
    ]);
    expect(outcomes).toEqual(["applied", "applied", undefined, undefined, 0]);
    expect(await commitsIn(directory)).toBe(commits + 1);
  });
});

test("what a power cut may undo is synced only along with what must last", async () => {
  await withMailboxes(2, async (store, changes, directory) => {
    const cursor = agreed((await getMailbox(store, "box0")).state);
    const save = () => store.saveCursors(PEER, [{ account: ACCOUNT, mailboxId: "box0", cursor }]);
    const note = new CommitNote(join(directory, "commits"), await ownerOf(pathsOf(directory)));
    const noted = note.read();
    await save();
    expect(note.read()).toBe(noted);
    await store.apply(changes[0] as MailboxChange);
    expect(note.read()).toBe(noted + 2);
    await Promise.all([save(), store.apply(changes[1] as MailboxChange)]);
    expect(note.read()).toBe(noted + 3);
    note.close();
  });
});

test("what waits is not seen before its commit, and is seen after it", async () => {
  await withMailboxes(1, async (store, [change]) => {
    const applied = store.apply(change as MailboxChange);
    const seen = store.mailbox(ACCOUNT, "box0");
    expect((await seen)?.state.uidNext).toBe(1);
    await applied;
    expect((await getMailbox(store, "box0")).state.uidNext).toBe(2);
  });
});

test("more writes than one group takes are all made", async () => {
  await withMailboxes(1, async (store, _, directory) => {
    await store.log.addChannel("east");
    const commits = await commitsIn(directory);
    const ids = Array.from({ length: 200 }, (_, i) => `m${i}`);
    await Promise.all(ids.map((mailboxId) => store.log.add("east", [{ account: ACCOUNT, mailboxId }])));
    const logged = (await store.log.due("east", Number.MAX_SAFE_INTEGER, 999)).map(({ mailboxId }) => mailboxId);
    expect(logged.sort()).toEqual(ids.sort());
    const made = (await commitsIn(directory)) - commits;
    expect(made).toBeGreaterThan(1);
    expect(made).toBeLessThan(200);
  });
});

test("a store that is closed while writes wait makes them first", async () => {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await makeMailbox(store);
    await stageFor(store, [live(1, 2)]);
    const change = await changeOf(store, [live(1, 2)]);
    const outcomes = outcomesOf([store.apply(change), store.apply(change)]);
    await store.close();
    expect(await outcomes).toEqual(["applied", "conflict"]);
    await expect(store.apply(change)).rejects.toMatchObject({ name: "TandemError" });
    const again = await openEmbeddedStore(directory);
    expect(await checkStore(again)).toHaveLength(1);
    await again.close();
  });
});

test("scenario 54: if the commit fails for lack of space, all of its writes fail and none was made", async () => {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    const names = Array.from({ length: 8 }, (_, i) => `box${i}`);
    for (const name of names) await makeMailbox(store, name, name, "ann");
    await store.close();
    // A limit on the size of files acts as a full disk does; the signal that comes with it is ignored.
    const limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1024; exec "$@"', "sh"];
    const lines = await linesOf(startChild("fill-group", [directory], limited));
    expect(lines.slice(-8).every((line) => line.startsWith("io: "))).toBe(true);
    const acknowledged = lines.slice(0, -8);
    expect(acknowledged.length).toBeGreaterThan(8);
    const again = await openEmbeddedStore(directory);
    await checkStore(again);
    const found: string[] = [];
    for (const name of names) for (const { uid } of await recordsIn(again, "ann", name)) found.push(`${name} ${uid}`);
    expect(found.sort()).toEqual(acknowledged.sort());
    await again.close();
  });
});

test("if SQLite undoes a transaction half way, all of its writes fail, and the next ones are made", async () => {
  await withDirectory(async (directory) => {
    await (await openEmbeddedStore(directory, { create: true })).close();
    const commits = new CommitNote(join(directory, "commits"), await ownerOf(pathsOf(directory)));
    const db = new Connection(await loadDriver(), join(directory, "index.db"), { commits });
    db.exec("CREATE TABLE try (value BLOB); PRAGMA max_page_count = 100");
    let groups = 0;
    const group = new GroupCommit(db, () => groups++);
    const insert = (bytes: number) => group.run(() => db.run("INSERT INTO try VALUES (zeroblob(?))", bytes));
    expect(await outcomesOf([insert(1), insert(10_000_000), insert(1)])).toEqual(times(3, "SQLITE_FULL"));
    expect(db.row("SELECT COUNT(*) FROM try")).toEqual([0]);
    expect(groups).toBe(0);
    expect(await outcomesOf([insert(1), insert(2)])).toEqual([1, 1]);
    expect(groups).toBe(1);
    db.close();
  });
});
