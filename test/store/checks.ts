/**
 * Looks through a whole store: every live record's bytes are there and every stored sum is that of its records.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { type IndexRecord, MAX_UID } from "../../src/model/record.ts";
import { digestOfRecords, isLive } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";

/** Runs `body` with a new directory that is removed afterwards. */
export async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tandem-store-"));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function recordsIn(store: MailboxStore, account: string, mailboxId: string): Promise<IndexRecord[]> {
  const snapshot = await store.snapshot(account, mailboxId);
  const records: IndexRecord[] = [];
  for await (const batches of snapshot.scan()) for (const batch of batches) records.push(...decodeBatch(batch.bytes));
  await snapshot.close();
  return records;
}

/** The live records of all mailboxes, all of them checked. */
export async function checkStore(store: MailboxStore): Promise<IndexRecord[]> {
  const all: IndexRecord[] = [];
  for (const account of await store.accounts()) {
    for (const { entry, state } of (await store.tree(account)).mailboxes) {
      const records = await recordsIn(store, account, entry.mailboxId);
      expect(digestOfRecords(records)).toEqual(state.digest);
      const snapshot = await store.snapshot(account, entry.mailboxId);
      expect(await snapshot.digest(1, MAX_UID)).toEqual(state.digest);
      await snapshot.close();
      for (const record of records.filter(isLive)) {
        const bytes = await store.readBody(record.guid, 0, record.size);
        expect(createHash("sha256").update(bytes).digest("hex")).toBe(record.guid);
      }
      all.push(...records.filter(isLive));
    }
  }
  const counts = new Map<string, number>();
  for (const record of all.filter(isLive)) counts.set(record.guid, (counts.get(record.guid) ?? 0) + 1);
  expect(await store.bodyReferences([...counts.keys()])).toEqual([...counts.values()]);
  return all;
}
