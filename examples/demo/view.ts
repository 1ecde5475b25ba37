/**
 * Looks at a store: its mailboxes for people, its messages for comparison.
 */
import { decodeBatch, flagNames, formatDigest, type IndexRecord, type MailboxStore } from "../../src/index.ts";

/** Prints one line for each mailbox. */
export async function printSide(label: string, store: MailboxStore): Promise<void> {
  process.stdout.write(`  ${label}:\n`);
  for (const account of await store.accounts()) {
    for (const { entry, state } of (await store.tree(account)).mailboxes) {
      const { uidNext, highestModseq, digest } = state;
      const counters = `uidNext ${uidNext}, highestModseq ${highestModseq}, digest ${formatDigest(digest)}`;
      process.stdout.write(`    ${entry.name.padEnd(14)} ${String(digest.count).padStart(4)} messages, ${counters}\n`);
    }
  }
}

/** GUIDs of the live messages of all mailboxes, or of one, sorted; a message in two mailboxes is there twice. */
export async function guidsOf(
  store: MailboxStore,
  mailbox?: string,
  range: { fromUid?: number; toUid?: number } = {},
): Promise<string[]> {
  const guids: string[] = [];
  for await (const { name, record } of records(store, range))
    if (!record.expunged && (mailbox === undefined || name === mailbox)) guids.push(record.guid);
  return guids.sort();
}

/** Whether two stores hold the same mailboxes with the same records, tombstones included. */
export async function identical(a: MailboxStore, b: MailboxStore): Promise<boolean> {
  const [left, right] = [await everything(a), await everything(b)];
  return left === right;
}

/** All that a store holds, in lines: each mailbox with its counters, each record with its flags. */
export async function everything(store: MailboxStore): Promise<string> {
  const lines: string[] = [];
  for (const account of await store.accounts())
    for (const mailbox of (await store.tree(account)).mailboxes) lines.push(JSON.stringify([account, mailbox]));
  for await (const { name, record } of records(store, {}))
    lines.push(JSON.stringify([name, record, record.expunged ? [] : flagNames(record)]));
  return lines.join("\n");
}

async function* records(
  store: MailboxStore,
  range: { fromUid?: number; toUid?: number },
): AsyncGenerator<{ name: string; record: IndexRecord }> {
  for (const account of await store.accounts()) {
    for (const { entry } of (await store.tree(account)).mailboxes) {
      const snapshot = await store.snapshot(account, entry.mailboxId);
      try {
        for await (const page of snapshot.scan(range))
          for (const batch of page) for (const record of decodeBatch(batch.bytes)) yield { name: entry.name, record };
      } finally {
        await snapshot.close();
      }
    }
  }
}
