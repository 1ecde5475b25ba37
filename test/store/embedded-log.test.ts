/**
 * The embedded store's change log: its clock, and what it costs a store without channels.
 */
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { withDirectory } from "./checks.ts";

async function append(store: MailboxStore, text: string): Promise<readonly number[]> {
  const message = { bytes: Buffer.from(text), flags: [], internalDate: 0 };
  return (await appendMessages(store, "ann", "INBOX", [message])).uids;
}

test("the times of entries are those of the store's clock", async () => {
  await withDirectory(async (directory) => {
    let now = 5000;
    const store = await openEmbeddedStore(directory, { create: true, now: () => now });
    await store.log.addChannel("east");
    await createMailbox(store, "ann", "INBOX");
    now = 6000;
    await append(store, "one");
    const error = { code: "brake", message: "It would expunge too much." } as const;
    const [entry] = await store.log.due("east", 5000, 9);
    expect(entry).toMatchObject({ since: 5000, nextTry: 5000 });
    const mailbox = { account: "ann", mailboxId: entry?.mailboxId ?? "" };
    await store.log.settle("east", [{ ...mailbox, kind: "failed", failures: 1, nextTry: 99_000, error }]);
    now = 7000;
    expect(await store.log.allow("east", "ann")).toBe(1);
    expect(await store.log.due("east", 99_000, 9)).toMatchObject([{ since: 5000, nextTry: 7000 }]);
    await store.close();
  });
});

test("without a channel, a change writes nothing to the tables of the change log", async () => {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await createMailbox(store, "ann", "INBOX");
    const db = new Database(join(directory, "index.db"));
    // Any write to them would now fail the change.
    for (const [table, event] of [
      ["change_log", "INSERT"],
      ["log_sequence", "UPDATE"],
    ])
      db.exec(`CREATE TRIGGER no_${table} BEFORE ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'written'); END`);
    expect(await append(store, "one")).toEqual([1]);
    await store.log.addChannel("east");
    await expect(append(store, "two")).rejects.toMatchObject({ code: "io" });
    expect((await store.mailboxNamed("ann", "INBOX"))?.state.digest.count).toBe(1);
    db.close();
    await store.close();
  });
});
