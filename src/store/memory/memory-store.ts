/**
 * The store in memory: for tests, simulation and as the shortest statement of what a store does.
 *
 * Everything that is read is immutable and replaced as a whole, so a snapshot is one reference.
 */
import { createHash, randomBytes } from "node:crypto";
import { compareText } from "../../model/flags.ts";
import type { Guid } from "../../model/record.ts";
import { type Cursor, type MailboxState, sameState } from "../../model/state.ts";
import type { ChangeLog } from "../change-log.ts";
import { type Block, digestSums } from "../shared/blocks.ts";
import { bodyMissing, mailboxNotFound } from "../shared/errors.ts";
import { corrected } from "../shared/examine.ts";
import { Listeners } from "../shared/listeners.ts";
import { hasMet, isLogged } from "../shared/log-entries.ts";
import { NewsPacker } from "../shared/news.ts";
import { checkEntryChange, isDeletedMeanwhile, plannedTree, strandedBy } from "../shared/tree.ts";
import { writeRecords } from "../shared/write-records.ts";
import type {
  AccountTree,
  BodyWriter,
  CompactResult,
  CursorRow,
  Mailbox,
  MailboxChange,
  MailboxNews,
  MailboxPlace,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  RecordSpool,
  TreeChange,
} from "../store.ts";
import { MemoryAccount, type MemoryMailbox, withoutBlocks } from "./memory-account.ts";
import { MemoryBlocks } from "./memory-blocks.ts";
import { MemoryBodies } from "./memory-bodies.ts";
import { MemoryLog } from "./memory-log.ts";
import { batchesIn, MemorySnapshot, MemorySpool } from "./memory-snapshot.ts";

export interface MemoryStoreOptions {
  /** 32 hex digits; random by default. */
  readonly storeEpoch?: string;
  /** Milliseconds since 1970, for the change log, and when `compact` gives up on messages that were staged and never used. */
  readonly now?: () => number;
}

export class MemoryStore implements MailboxStore {
  readonly storeEpoch: string;
  readonly log: ChangeLog;
  readonly #log: MemoryLog;
  readonly #accounts = new Map<string, MemoryAccount>();
  readonly #cursors = new Map<string, Map<string, CursorRow>>();
  readonly #notes = new Map<string, string>();
  readonly #bodies: MemoryBodies;
  readonly #listeners = new Listeners();

  constructor(options: MemoryStoreOptions = {}) {
    this.storeEpoch = options.storeEpoch ?? randomBytes(16).toString("hex");
    this.#bodies = new MemoryBodies(options.now ?? Date.now);
    this.#log = new MemoryLog(options.now ?? Date.now);
    this.log = this.#log;
  }

  async accounts(): Promise<string[]> {
    return [...this.#accounts.keys()].sort(compareText);
  }

  async tree(account: string): Promise<AccountTree> {
    const found = this.#accounts.get(account);
    return { modseq: found?.modseq ?? 0, mailboxes: found?.list() ?? [] };
  }

  async mailbox(account: string, mailboxId: string): Promise<Mailbox | null> {
    const found = this.#accounts.get(account)?.find(mailboxId);
    return found === undefined ? null : withoutBlocks(found);
  }

  async mailboxNamed(account: string, name: string): Promise<Mailbox | null> {
    const mailboxId = this.#accounts.get(account)?.nameHolder(name) ?? null;
    return mailboxId === null ? null : this.mailbox(account, mailboxId);
  }

  async news(peer: string | null, places: readonly MailboxPlace[], room: number): Promise<(MailboxNews | null)[]> {
    const packer = new NewsPacker(room);
    const cursors = peer === null ? undefined : this.#cursors.get(peer);
    return places.map(({ account, mailboxId }) => {
      const mailbox = this.#accounts.get(account)?.find(mailboxId);
      if (mailbox === undefined) return null;
      const cursor = cursors?.get(JSON.stringify([account, mailbox.entry.mailboxId]))?.cursor ?? null;
      return packer.news(mailbox, cursor, (wanted) => batchesIn(mailbox.blocks, wanted));
    });
  }

  async snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot> {
    return new MemorySnapshot(this.#get(account, mailboxId).mailbox);
  }

  async apply(change: MailboxChange): Promise<Outcome> {
    const { account, mailbox } = this.#get(change.account, change.mailboxId);
    if (!sameState(mailbox.state, change.before) || isDeletedMeanwhile(mailbox, change)) return "conflict";
    if (change.entry !== undefined && change.entry.treeBefore !== account.modseq) return "conflict";
    const blocks = new MemoryBlocks(mailbox.blocks, this.#bodies);
    const tombstones = writeRecords(change, blocks, mailbox.tombstones);
    const entry = change.entry?.value ?? mailbox.entry;
    const next = { entry, state: change.after, tombstones, blocks: blocks.result() };
    if (change.entry !== undefined) checkEntryChange(account, mailbox.entry.mailboxId, next, change.entry);
    // Nothing below can fail: this is the commit.
    this.#bodies.commit(blocks.references);
    account.put(mailbox.entry.mailboxId, next, change.entry?.treeAfter ?? account.modseq);
    this.#noteApplied(change, mailbox.entry.mailboxId, next.entry.mailboxId);
    if (change.entry !== undefined) this.#log.changed(strandedBy(account, change.account, [entry]));
    return "applied";
  }

  async applyTree(change: TreeChange): Promise<Outcome> {
    const account = this.#accounts.get(change.account) ?? new MemoryAccount();
    if (account.modseq !== change.before) return "conflict";
    const planned = plannedTree(account, change);
    account.putAll(planned, change.after);
    this.#accounts.set(change.account, account);
    const entries = planned.map(({ entry }) => entry);
    const logged = entries.map(({ mailboxId }) => ({ account: change.account, mailboxId }));
    this.#log.changed(logged, change.origin);
    this.#log.changed(strandedBy(account, change.account, entries));
    this.#listeners.notify();
    return "applied";
  }

  async correctDigest(account: string, mailboxId: string, before: MailboxState): Promise<Outcome> {
    const { account: owner, mailbox } = this.#get(account, mailboxId);
    if (!sameState(mailbox.state, before)) return "conflict";
    const blocks = mailbox.blocks.map((block) => corrected({ block, isSound: true }) as Block);
    const { live: digest, tombstones } = digestSums(blocks);
    owner.put(mailbox.entry.mailboxId, { ...mailbox, blocks, tombstones, state: { ...before, digest } }, owner.modseq);
    return "applied";
  }

  /** Nothing in memory is ever damaged. */
  async restoreRecords(account: string, mailboxId: string): Promise<number> {
    this.#get(account, mailboxId);
    return 0;
  }

  async peers(): Promise<string[]> {
    return [...this.#cursors.keys()].sort(compareText);
  }

  async cursors(peer: string): Promise<CursorRow[]> {
    const rows = [...(this.#cursors.get(peer)?.values() ?? [])];
    return rows.sort((a, b) => compareText(a.account, b.account) || compareText(a.mailboxId, b.mailboxId));
  }

  async cursor(peer: string, account: string, mailboxId: string): Promise<Cursor | null> {
    return this.#cursors.get(peer)?.get(JSON.stringify([account, mailboxId]))?.cursor ?? null;
  }

  async saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void> {
    for (const { account, mailboxId, cursor } of rows) this.#saveCursor(peer, account, mailboxId, cursor);
  }

  async missingBodies(guids: readonly Guid[]): Promise<number[]> {
    return guids.flatMap((guid, i) => (this.#bodies.has(guid) ? [] : [i]));
  }

  async bodyReferences(guids: readonly Guid[]): Promise<number[]> {
    return guids.map((guid) => this.#bodies.references(guid));
  }

  async unnamedBodies(): Promise<Guid[]> {
    return this.#bodies.unnamed();
  }

  async bodySizes(guids: readonly Guid[]): Promise<number[]> {
    return guids.map((guid) => this.#bodies.get(guid)?.length ?? -1);
  }

  async stage(bodies: readonly Uint8Array[]): Promise<Guid[]> {
    return bodies.map((bytes) => {
      const guid = createHash("sha256").update(bytes).digest("hex");
      this.#bodies.stage(guid, bytes);
      return guid;
    });
  }

  async stageLarge(): Promise<BodyWriter> {
    const chunks: Uint8Array[] = [];
    return {
      write: async (chunk) => {
        chunks.push(new Uint8Array(chunk));
      },
      finish: async () => (await this.stage([Buffer.concat(chunks)]))[0] as Guid,
      abort: async () => {
        chunks.length = 0;
      },
    };
  }

  async setAside(guids: readonly Guid[]): Promise<void> {
    this.#bodies.setAside(guids);
  }

  async readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array> {
    const bytes = this.#bodies.get(guid);
    if (bytes === null) throw bodyMissing(guid);
    return bytes.slice(offset, offset + length);
  }

  async readBodies(guids: readonly Guid[]): Promise<(Uint8Array | null)[]> {
    return guids.map((guid) => this.#bodies.get(guid)?.slice() ?? null);
  }

  async openSpool(): Promise<RecordSpool> {
    return new MemorySpool();
  }

  async check(): Promise<string[]> {
    return [];
  }

  async note(name: string): Promise<string | null> {
    return this.#notes.get(name) ?? null;
  }

  async writeNote(name: string, value: string): Promise<void> {
    this.#notes.set(name, value);
  }

  watch(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async compact(): Promise<CompactResult> {
    return this.#bodies.compact();
  }

  async close(): Promise<void> {
    this.#log.close();
    this.#listeners.clear();
  }

  #get(name: string, mailboxId: string): { account: MemoryAccount; mailbox: MemoryMailbox } {
    const account = this.#accounts.get(name);
    const mailbox = account?.find(mailboxId);
    if (account === undefined || mailbox === undefined) throw mailboxNotFound(name, mailboxId);
    return { account, mailbox };
  }

  /** What is kept beside the mailbox: cursors and the change log, both under its id of now. */
  #noteApplied(change: MailboxChange, oldId: string, mailboxId: string): void {
    const { account, cursor } = change;
    if (mailboxId !== oldId) {
      this.#moveCursors(account, oldId, mailboxId);
      this.#log.moved(account, oldId, mailboxId);
    }
    if (isLogged(change)) {
      this.#log.changed([{ account, mailboxId }], change.origin);
      this.#listeners.notify();
    }
    if (cursor !== undefined) this.#saveCursor(cursor.peer, account, mailboxId, cursor.cursor);
  }

  #saveCursor(peer: string, account: string, mailboxId: string, cursor: Cursor): void {
    const rows = this.#cursors.get(peer) ?? new Map<string, CursorRow>();
    rows.set(JSON.stringify([account, mailboxId]), { account, mailboxId, cursor });
    this.#cursors.set(peer, rows);
    const mailbox = this.#accounts.get(account)?.find(mailboxId);
    if (mailbox !== undefined && hasMet(mailbox, cursor)) this.#log.met(peer, { account, mailboxId });
  }

  /** A mailbox keeps its cursors under a new id. */
  #moveCursors(account: string, from: string, to: string): void {
    for (const [peer, rows] of this.#cursors) {
      const row = rows.get(JSON.stringify([account, from]));
      if (row === undefined) continue;
      rows.delete(JSON.stringify([account, from]));
      this.#saveCursor(peer, account, to, row.cursor);
    }
  }
}
