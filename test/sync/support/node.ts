/** A mail server in a test: what its clients do, and what they see. */
import { decodeBatch } from "../../../src/model/decode-batch.ts";
import { flagNames } from "../../../src/model/flags.ts";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import type { MailboxState } from "../../../src/model/state.ts";
import {
  appendMessages,
  copyMessages,
  createMailbox,
  deleteMailbox,
  expungeMessages,
  purgeTombstones,
  renameMailbox,
  storeFlags,
  uidSetOf,
} from "../../../src/operations/index.ts";
import type { Mailbox, MailboxStore } from "../../../src/store/store.ts";

export const ACCOUNT = "default";
/** The date of all test mail that has no other: a day in 2023. */
const DATE = 1_700_000_000_000;

export interface CreateOptions {
  readonly account?: string;
  readonly uidValidity?: number;
  readonly mailboxId?: string;
}

/** Clients of one node; every operation is on account "default" unless another is named. */
export class Node {
  readonly name: string;
  store: MailboxStore;
  #made = 0;

  constructor(name: string, store: MailboxStore) {
    this.name = name;
    this.store = store;
  }

  /** Creates a mailbox; its identity says on which node it was made. */
  create(mailbox = "INBOX", options: CreateOptions = {}): Promise<Mailbox> {
    const { account = ACCOUNT, uidValidity = 100, mailboxId = `${this.name}${++this.#made}` } = options;
    return createMailbox(this.store, account, mailbox, { now: () => 1000 * uidValidity, mailboxId: () => mailboxId });
  }

  /** Delivers mails of these texts, one change each, and returns their UIDs. */
  async deliver(mailbox: string, ...texts: readonly (string | Uint8Array)[]): Promise<number[]> {
    const uids: number[] = [];
    for (const text of texts) uids.push(...(await this.deliverWith(mailbox, text)));
    return uids;
  }

  deliverWith(mailbox: string, text: string | Uint8Array, flags: string[] = [], date = DATE): Promise<number[]> {
    return this.deliverAll(mailbox, [text], flags, date);
  }

  /** Delivers mails in one change. */
  async deliverAll(
    mailbox: string,
    texts: readonly (string | Uint8Array)[],
    flags: string[] = [],
    date = DATE,
    account = ACCOUNT,
  ): Promise<number[]> {
    const messages = texts.map((text) => ({ bytes: Buffer.from(text as string), flags, internalDate: date }));
    return [...(await appendMessages(this.store, account, mailbox, messages)).uids];
  }

  set(mailbox: string, uid: number, ...flags: string[]): Promise<unknown> {
    return storeFlags(this.store, ACCOUNT, mailbox, uidSetOf([uid]), { add: flags });
  }

  clear(mailbox: string, uid: number, ...flags: string[]): Promise<unknown> {
    return storeFlags(this.store, ACCOUNT, mailbox, uidSetOf([uid]), { remove: flags });
  }

  expunge(mailbox: string, ...uids: number[]): Promise<number> {
    return expungeMessages(this.store, ACCOUNT, mailbox, uidSetOf(uids));
  }

  async copy(from: string, uid: number, to: string): Promise<void> {
    await copyMessages(this.store, ACCOUNT, from, uidSetOf([uid]), to);
  }

  async purge(mailbox: string): Promise<number> {
    return (await purgeTombstones(this.store, ACCOUNT, mailbox, { all: true })).purged;
  }

  rename(mailbox: string, to: string): Promise<Mailbox> {
    return renameMailbox(this.store, ACCOUNT, mailbox, to);
  }

  delete(mailbox: string, account = ACCOUNT): Promise<void> {
    return deleteMailbox(this.store, account, mailbox);
  }

  /** Names of the mailboxes that are there, sorted. */
  async names(account = ACCOUNT): Promise<string[]> {
    const { mailboxes } = await this.store.tree(account);
    return mailboxes.flatMap(({ entry }) => (entry.deleted ? [] : [entry.name])).sort();
  }

  async mailbox(name: string, account = ACCOUNT): Promise<Mailbox> {
    const found = await this.store.mailboxNamed(account, name);
    if (found === null) throw new Error(`${this.name} has no mailbox ${name}.`);
    return found;
  }

  async id(name: string): Promise<string> {
    return (await this.mailbox(name)).entry.mailboxId;
  }

  async state(name: string): Promise<MailboxState> {
    return (await this.mailbox(name)).state;
  }

  async records(name: string, account = ACCOUNT): Promise<IndexRecord[]> {
    return recordsOf(this.store, account, (await this.mailbox(name, account)).entry.mailboxId);
  }

  async record(name: string, uid: number): Promise<IndexRecord | undefined> {
    return (await this.records(name)).find((record) => record.uid === uid);
  }

  async live(name: string, account = ACCOUNT): Promise<LiveRecord[]> {
    return (await this.records(name, account)).filter((record) => !record.expunged);
  }

  /** UIDs of the tombstones. */
  async graves(name: string): Promise<number[]> {
    return (await this.records(name)).flatMap((record) => (record.expunged ? [record.uid] : []));
  }

  /** What a client sees: the text of each message by its UID. */
  async messages(name: string, account = ACCOUNT): Promise<Record<number, string>> {
    const seen: Record<number, string> = {};
    for (const { uid, guid, size } of await this.live(name, account))
      seen[uid] = Buffer.from(await this.store.readBody(guid, 0, size)).toString("latin1");
    return seen;
  }

  /** What a client sees: the flags of each message by its UID. */
  async flags(name: string): Promise<Record<number, string[]>> {
    return Object.fromEntries((await this.live(name)).map((record) => [record.uid, flagNames(record)]));
  }
}

export async function recordsOf(store: MailboxStore, account: string, mailboxId: string): Promise<IndexRecord[]> {
  const snapshot = await store.snapshot(account, mailboxId);
  try {
    const records: IndexRecord[] = [];
    for await (const page of snapshot.scan()) for (const batch of page) records.push(...decodeBatch(batch.bytes));
    return records;
  } finally {
    await snapshot.close();
  }
}
