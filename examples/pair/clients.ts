/**
 * The clients of one server: mail is delivered to it, read, flagged, filed, expunged; mailboxes are made and renamed.
 */
import {
  appendMessages,
  copyMessages,
  createMailbox,
  decodeBatch,
  expungeMessages,
  isTandemError,
  type LiveRecord,
  type MailboxEntry,
  type MailboxStore,
  renameMailbox,
  storeFlags,
  uidSetOf,
} from "../../src/index.ts";
import type { DemoMail, Random } from "../demo/mail.ts";
import type { NodeName } from "./data.ts";
import type { Ledger } from "./ledger.ts";

export const ACCOUNT = "ann@example.org";

/** Mailboxes that are always there. */
const FIXED = ["INBOX", "Archive", "Lists"];
/** Names of those that are made and renamed; the first are there from the beginning. */
const NAMES = [
  "Projects/Lyon",
  "Søknader",
  "請求書",
  "Projects/Ærøskøbing",
  "Reisen & Spesen",
  "Договоры",
  "Travel/2026",
  "Family",
  "To read",
  "Receipts",
];
const MOST_MAILBOXES = 9;
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "$Important", "$Forwarded"];
/** Messages in one mailbox above which the oldest are expunged. */
const FULL = 120;
/** Messages expunged in one go. */
const MOST_EXPUNGED = 40;
/** How far back from the newest message people look, in UIDs. */
const LOOK_BACK = 200;
/** Share of the mail that goes to INBOX, and of everything else that happens there. */
const INBOX_SHARE = 0.8;
const INBOX_USE = 0.6;

/** What a client does, and how often of a thousand times. */
const HABITS = [
  ["flag", 500],
  ["file", 230],
  ["expunge", 240],
  ["create", 15],
  ["rename", 15],
] as const;

export class Clients {
  readonly #node: NodeName;
  readonly #store: MailboxStore;
  readonly #mail: AsyncGenerator<DemoMail, never>;
  readonly #random: Random;
  readonly #ledger: Ledger;

  constructor(
    node: NodeName,
    store: MailboxStore,
    source: { readonly mail: AsyncGenerator<DemoMail, never>; readonly random: Random; readonly ledger: Ledger },
  ) {
    this.#node = node;
    this.#store = store;
    this.#mail = source.mail;
    this.#random = source.random;
    this.#ledger = source.ledger;
  }

  /** INBOX is made by every server for itself, as mail servers do; the others come from one of them. */
  async ensureMailboxes(): Promise<void> {
    const isNew = (await this.#mailboxes()).length === 0;
    const names = this.#node === "b" ? ["INBOX"] : isNew ? [...FIXED, ...NAMES.slice(0, 3)] : FIXED;
    for (const name of names) await createMailbox(this.#store, ACCOUNT, name).catch(unlessRaced);
  }

  /** Delivers `count` messages into one mailbox. @throws TandemError `io`. */
  async deliver(count: number): Promise<void> {
    const mailbox = this.#random() < INBOX_SHARE ? "INBOX" : "Lists";
    const messages: { bytes: Buffer; internalDate: number; flags: string[] }[] = [];
    for (let i = 0; i < count; i++) messages.push({ ...(await this.#mail.next()).value, flags: [] });
    const appended = await appendMessages(this.#store, ACCOUNT, mailbox, messages).catch(unlessRaced);
    if (appended !== undefined) this.#ledger.delivered(messages.map(({ bytes }) => bytes));
  }

  /** Does one thing that clients do; if somebody was faster, nothing. @throws TandemError `io`. */
  async act(): Promise<void> {
    await this.#habit().catch(unlessRaced);
  }

  #habit(): Promise<void> {
    let dice = this.#random() * 1000;
    const habit = HABITS.find(([, share]) => {
      dice -= share;
      return dice < 0;
    });
    if (habit?.[0] === "file") return this.#file();
    if (habit?.[0] === "expunge") return this.#expunge();
    if (habit?.[0] === "create") return this.#create();
    return habit?.[0] === "rename" ? this.#rename() : this.#flag();
  }

  async #flag(): Promise<void> {
    const mailbox = this.#usual(await this.#mailboxes());
    const record = await this.#recent(mailbox);
    if (record === null) return;
    const flags = [this.#pick(FLAGS)];
    const edit = this.#random() < 0.75 ? { add: flags } : { remove: flags };
    await storeFlags(this.#store, ACCOUNT, mailbox.name, uidSetOf([record.uid]), edit);
    this.#ledger.count("flagged");
  }

  /** Copies a message to another mailbox, then expunges it: both are counted for what was really done. */
  async #file(): Promise<void> {
    const mailboxes = await this.#mailboxes();
    const from = this.#usual(mailboxes);
    const to = this.#pick(mailboxes);
    const record = await this.#recent(from);
    if (record === null || from === to || !this.#mayMove(record)) return;
    const uids = uidSetOf([record.uid]);
    const copied = await copyMessages(this.#store, ACCOUNT, from.name, uids, to.name);
    this.#ledger.changed(record.guid, copied.uids.length);
    const expunged = await expungeMessages(this.#store, ACCOUNT, from.name, uids);
    this.#ledger.changed(record.guid, -expunged);
    this.#ledger.count("filed");
  }

  /** One message now and then; of a mailbox that is full, some of the oldest. */
  async #expunge(): Promise<void> {
    const mailbox = this.#usual(await this.#mailboxes());
    const found = await this.#store.mailbox(ACCOUNT, mailbox.mailboxId);
    const surplus = (found?.state.digest.count ?? 0) - FULL;
    const records = surplus > 0 ? await this.#from(mailbox, 1) : [await this.#recent(mailbox)];
    const mine = records.filter((record) => record !== null).filter((record) => this.#mayMove(record));
    for (const { uid, guid } of mine.slice(0, Math.max(1, Math.min(MOST_EXPUNGED, surplus / 4)))) {
      const count = await expungeMessages(this.#store, ACCOUNT, mailbox.name, uidSetOf([uid]));
      this.#ledger.changed(guid, -count);
      this.#ledger.count("expunged", count);
    }
  }

  async #create(): Promise<void> {
    const mailboxes = await this.#mailboxes();
    if (mailboxes.length >= MOST_MAILBOXES) return this.#rename();
    await createMailbox(this.#store, ACCOUNT, this.#pick(NAMES));
    this.#ledger.count("mailboxes");
  }

  async #rename(): Promise<void> {
    const movable = (await this.#mailboxes()).filter(({ name }) => !FIXED.includes(name));
    if (movable.length === 0) return;
    await renameMailbox(this.#store, ACCOUNT, this.#pick(movable).name, this.#pick(NAMES));
    this.#ledger.count("mailboxes");
  }

  /**
   * Each message is moved and expunged by the clients of one server only, so that it can be told exactly how many must
   * be there in the end: if two people file one message at the same moment on two servers, two copies are right.
   */
  #mayMove({ guid }: LiveRecord): boolean {
    return Number.parseInt(guid.slice(-1), 16) % 2 === (this.#node === "a" ? 0 : 1);
  }

  async #mailboxes(): Promise<MailboxEntry[]> {
    const { mailboxes } = await this.#store.tree(ACCOUNT);
    return mailboxes.map(({ entry }) => entry).filter(({ deleted }) => !deleted);
  }

  /** Where people are, mostly. */
  #usual(mailboxes: readonly MailboxEntry[]): MailboxEntry {
    const inbox = this.#random() < INBOX_USE ? mailboxes.find(({ name }) => name === "INBOX") : undefined;
    return inbox ?? this.#pick(mailboxes);
  }

  async #recent(mailbox: MailboxEntry): Promise<LiveRecord | null> {
    const uidNext = (await this.#store.mailbox(ACCOUNT, mailbox.mailboxId))?.state.uidNext ?? 1;
    const back = Math.floor(this.#random() * Math.min(LOOK_BACK, uidNext));
    return (await this.#from(mailbox, Math.max(1, uidNext - 1 - back)))[0] ?? null;
  }

  /** Live messages from a UID on: those of the first page that has any. */
  async #from({ mailboxId }: MailboxEntry, fromUid: number): Promise<LiveRecord[]> {
    const snapshot = await this.#store.snapshot(ACCOUNT, mailboxId);
    try {
      for await (const page of snapshot.scan({ fromUid })) {
        const live = page.flatMap(({ bytes }) => decodeBatch(bytes)).filter((record) => !record.expunged);
        if (live.length > 0) return live;
      }
      return [];
    } finally {
      await snapshot.close();
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

/** Mailboxes are made and renamed by others, too, here and on the other server. */
function unlessRaced(error: unknown): undefined {
  if (isTandemError(error, "not-found") || isTandemError(error, "exists")) return undefined;
  throw error;
}
