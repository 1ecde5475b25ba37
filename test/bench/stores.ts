/**
 * Stores and files of known size for the benchmarks.
 */
import { createHash, hash } from "node:crypto";
import { closeSync, fdatasyncSync, mkdirSync, openSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { appendMessages, createMailbox, type MailboxStore, openEmbeddedStore } from "../../src/index.ts";

export const ACCOUNT = "default";
const BATCH = 1000;
const START = Date.UTC(2026, 0, 1);

/** A message of exactly `size` bytes, different for each number; the text does not repeat, like real mail. */
export function message(number: number, size: number): Buffer {
  const head = `From: sender@example.org\r\nTo: ann@example.org\r\nSubject: message ${number}\r\n\r\n`;
  const chunks = [Buffer.from(head)];
  let seed = createHash("sha512").update(String(number)).digest();
  for (let length = head.length; length < size; length += 88) {
    chunks.push(Buffer.from(seed.toString("base64")));
    seed = createHash("sha512").update(seed).digest();
  }
  return Buffer.concat(chunks).subarray(0, size);
}

/** A store with one mailbox of `count` messages of `size` bytes. */
export async function filledStore(directory: string, count: number, size: number): Promise<void> {
  await withStore(directory, async (store) => {
    await createMailbox(store, ACCOUNT, "INBOX");
    for (let start = 0; start < count; start += BATCH) {
      const numbers = Array.from({ length: Math.min(BATCH, count - start) }, (_, i) => start + i);
      const messages = numbers.map((number) => ({
        bytes: message(number, size),
        flags: number % 3 === 0 ? ["\\Seen"] : [],
        internalDate: START + number * 60_000,
      }));
      await appendMessages(store, ACCOUNT, "INBOX", messages);
    }
  });
}

/** A store with one mailbox of `count` records that all name one message: for what concerns records alone. */
export async function recordStore(directory: string, count: number): Promise<void> {
  await withStore(directory, async (store) => {
    await createMailbox(store, ACCOUNT, "INBOX");
    const [guid = ""] = await store.stage([message(0, 1024)]);
    for (let start = 0; start < count; start += 50 * BATCH) {
      const numbers = Array.from({ length: Math.min(50 * BATCH, count - start) }, (_, i) => start + i);
      const messages = numbers.map((number) => ({ guid, size: 1024, flags: [], internalDate: START + number * 1000 }));
      await appendMessages(store, ACCOUNT, "INBOX", messages);
    }
  });
}

export async function withStore<T>(directory: string, use: (store: MailboxStore) => Promise<T>): Promise<T> {
  const store = await openEmbeddedStore(directory, { create: true });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Makes empty mailboxes `box 0`, `box 1` and so on in one change; returns their names. */
export async function manyMailboxes(store: MailboxStore, count: number): Promise<string[]> {
  const { modseq } = await store.tree(ACCOUNT);
  const fixed = { deleted: false, attributes: [], aliases: [], formerNames: [] };
  const stamps = { nameStamp: modseq + 1, createdStamp: modseq + 1, modseq: modseq + 1 };
  const names = Array.from({ length: count }, (_, number) => `box ${number}`);
  const puts = names.map((name, i) => ({
    entry: { mailboxId: `box-${i}`, name, ...stamps, ...fixed },
    uidValidity: 7,
  }));
  await store.applyTree({ account: ACCOUNT, before: modseq, after: modseq + 1, puts });
  return names;
}

/** Puts the same message into each of some mailboxes. */
export async function oneMessageEach(store: MailboxStore, names: readonly string[]): Promise<void> {
  await fewMessagesEach(store, names, 1);
}

/** Puts 1, 2, 3 and so on up to `most` messages into mailboxes, and again from 1: the same ones into each. */
export async function fewMessagesEach(store: MailboxStore, names: readonly string[], most: number): Promise<void> {
  const guids = await store.stage(Array.from({ length: most }, (_, number) => message(number, 512)));
  const all = guids.map((guid, i) => ({ guid, size: 512, flags: [], internalDate: START + i }));
  const fill = (name: string, i: number) => appendMessages(store, ACCOUNT, name, all.slice(0, 1 + (i % most)));
  for (let start = 0; start < names.length; start += BATCH)
    await Promise.all(names.slice(start, start + BATCH).map((name, i) => fill(name, start + i)));
}

/** A Maildir of `count` messages of `size` bytes. */
export function filledMaildir(directory: string, count: number, size: number): void {
  for (const part of ["cur", "new", "tmp"]) mkdirSync(join(directory, part), { recursive: true });
  for (let number = 0; number < count; number++) {
    const name = `${1_700_000_000 + number}.M${number}P1.bench:2,${number % 3 === 0 ? "S" : ""}`;
    writeFileSync(join(directory, "cur", name), message(number, size));
  }
}

/** Milliseconds to write the bytes of `count` messages into one file, with one fdatasync per MiB: the disk's own limit. */
export function plainWrite(directory: string, count: number, size: number): number {
  const bodies = Array.from({ length: count }, (_, number) => message(number, size));
  const file = join(directory, "plain");
  const started = performance.now();
  const fd = openSync(file, "w");
  let dirty = 0;
  for (const body of bodies) {
    dirty += writeSync(fd, body);
    if (dirty < 1024 * 1024) continue;
    fdatasyncSync(fd);
    dirty = 0;
  }
  fdatasyncSync(fd);
  closeSync(fd);
  const elapsed = performance.now() - started;
  unlinkSync(file);
  return elapsed;
}

/**
 * Messages/s of the least a replica can do, in one process and without a line: hash each body, append it to a file with
 * one fdatasync per MiB, and write one row of 64 x 60 bytes per 64 messages, durable at the end.
 */
export function leastWork(directory: string, messages: number, size: number): number {
  const bodies = Array.from({ length: messages }, (_, number) => message(number, size));
  const fd = openSync(join(directory, "least"), "w");
  const db = new Database(join(directory, "least.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE block (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
  const insert = db.prepare("INSERT INTO block VALUES (NULL, ?)");
  const started = performance.now();
  let dirty = 0;
  for (const body of bodies) {
    hash("sha256", body, "hex");
    dirty += writeSync(fd, body);
    if (dirty < 1024 * 1024) continue;
    fdatasyncSync(fd);
    dirty = 0;
  }
  fdatasyncSync(fd);
  const row = Buffer.alloc(64 * 60);
  db.transaction(() => {
    for (let record = 0; record < messages; record += 64) insert.run(row);
  })();
  const elapsed = performance.now() - started;
  db.close();
  closeSync(fd);
  for (const name of ["least", "least.db"]) unlinkSync(join(directory, name));
  return (1000 * messages) / elapsed;
}
