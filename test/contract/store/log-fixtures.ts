/**
 * What the parts of the store contract about the change log need: its entries, and what becomes of them.
 */
import type { LogEntry, LogError, Settlement } from "../../../src/store/change-log.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { ACCOUNT, makeMailbox, type StoreFactory, withStore } from "./fixtures.ts";

export const EVER = Number.MAX_SAFE_INTEGER;
export const BRAKE: LogError = { code: "brake", message: "It would expunge too much." };
export const DOWN: LogError = { code: "disconnected", message: "The peer is away." };

/** All entries of a channel. */
export function entriesOf(store: MailboxStore, channel = "east"): Promise<LogEntry[]> {
  return store.log.due(channel, EVER, 1000);
}

/** The only entry of a channel. */
export async function onlyEntry(store: MailboxStore, channel = "east"): Promise<LogEntry> {
  const [entry, ...others] = await entriesOf(store, channel);
  if (entry === undefined || others.length > 0) throw new Error(`There are ${others.length} more entries or none.`);
  return entry;
}

export async function idsOf(store: MailboxStore, channel = "east"): Promise<string[]> {
  return (await entriesOf(store, channel)).map((entry) => entry.mailboxId);
}

export function done(mailboxId: string, seq: number, at: number, account = ACCOUNT): Settlement {
  return { account, mailboxId, kind: "done", seq, at };
}

export function failed(mailboxId: string, nextTry: number, error = DOWN, failures = 1, account = ACCOUNT): Settlement {
  return { account, mailboxId, kind: "failed", failures, nextTry, error };
}

/** Fails each mailbox, so that it waits until its time. */
export async function waitUntil(store: MailboxStore, times: Readonly<Record<string, number>>): Promise<void> {
  const settlements = Object.entries(times).map(([mailboxId, at]) => failed(mailboxId, at));
  await store.log.settle("east", settlements);
}

/** A store with mailbox "box", and after that the channel "east". */
export function preparedBy(factory: StoreFactory): On {
  return (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await store.log.addChannel("east");
      await body(store);
    });
}

export type On = (body: Parameters<typeof withStore>[1]) => () => Promise<void>;
