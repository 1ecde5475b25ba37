/**
 * What a peer may see and write: a view of a store in which everything else does not exist.
 */
import type { Message } from "../../protocol/messages/index.ts";
import type { RecordBatch } from "../model/batch.ts";
import { batchOf } from "../model/decode-batch.ts";
import { TandemError } from "../model/errors.ts";
import type { Guid } from "../model/record.ts";
import type { Cursor, MailboxState } from "../model/state.ts";
import type { ChangeLog } from "../store/change-log.ts";
import { bodyMissing, mailboxNotFound } from "../store/shared/errors.ts";
import type {
  AccountTree,
  BodyWriter,
  CompactOptions,
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
  ScanOptions,
  TreeChange,
} from "../store/store.ts";
import type { Access } from "./trust.ts";
import { VisibleBodies } from "./visible-bodies.ts";

/** Whether an account may be seen. `*` in a pattern stands for any characters, none included. */
export function isVisible({ accounts }: Access, account: string): boolean {
  return accounts === null || accounts.some((pattern) => matches(pattern, account));
}

/** Why a message of the peer is refused before anything is looked up, or null. By the name alone: it tells of nothing. */
export function refusalOf(access: Access, message: Message): TandemError | null {
  // Each of many changes is refused by itself where it is written.
  if (message.t === "changes") return access.readOnly ? writeFault(access, null) : null;
  if (message.t !== "change" && message.t !== "tree") return null;
  return writeFault(access, message.account);
}

/** The store as a peer with this access sees it; the store itself for one that may do everything. */
export function limitedStore(store: MailboxStore, access: Access): MailboxStore {
  return access.accounts === null && !access.readOnly ? store : new LimitedStore(store, access);
}

class LimitedStore implements MailboxStore {
  readonly #inner: MailboxStore;
  readonly #access: Access;
  /** Null if all accounts may be seen. */
  readonly #bodies: VisibleBodies | null;

  constructor(inner: MailboxStore, access: Access) {
    this.#inner = inner;
    this.#access = access;
    this.#bodies = access.accounts === null ? null : new VisibleBodies(this);
  }

  get storeEpoch(): string {
    return this.#inner.storeEpoch;
  }

  /** Nothing that a peer asks for comes from the log. */
  get log(): ChangeLog {
    return this.#inner.log;
  }

  async accounts(): Promise<string[]> {
    return (await this.#inner.accounts()).filter((account) => this.#sees(account));
  }

  async tree(account: string): Promise<AccountTree> {
    return this.#sees(account) ? this.#inner.tree(account) : { modseq: 0, mailboxes: [] };
  }

  async mailbox(account: string, mailboxId: string): Promise<Mailbox | null> {
    return this.#sees(account) ? this.#inner.mailbox(account, mailboxId) : null;
  }

  async mailboxNamed(account: string, name: string): Promise<Mailbox | null> {
    return this.#sees(account) ? this.#inner.mailboxNamed(account, name) : null;
  }

  async news(peer: string | null, places: readonly MailboxPlace[], room: number): Promise<(MailboxNews | null)[]> {
    const news = (
      await this.#inner.news(
        peer,
        places.filter(({ account }) => this.#sees(account)),
        room,
      )
    ).values();
    return places.map(({ account }) => {
      const one = this.#sees(account) ? (news.next().value ?? null) : null;
      this.#bodies?.addRecords((one?.changes ?? []).map(batchOf));
      return one;
    });
  }

  async snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot> {
    if (!this.#sees(account)) throw mailboxNotFound(account, mailboxId);
    const snapshot = await this.#inner.snapshot(account, mailboxId);
    return this.#bodies === null ? snapshot : new ShownSnapshot(snapshot, this.#bodies);
  }

  async apply(change: MailboxChange): Promise<Outcome> {
    this.#checkWrite(change.account);
    const records = this.#bodies?.checked(change.records) ?? change.records;
    return this.#inner.apply({ ...change, records });
  }

  /** Nothing that a peer asks for, but what this node does for itself before it answers. */
  async correctDigest(account: string, mailboxId: string, before: MailboxState): Promise<Outcome> {
    if (!this.#sees(account)) throw mailboxNotFound(account, mailboxId);
    return this.#inner.correctDigest(account, mailboxId, before);
  }

  async restoreRecords(account: string, mailboxId: string, batches: Iterable<RecordBatch>): Promise<number> {
    this.#checkWrite(account);
    return this.#inner.restoreRecords(account, mailboxId, batches);
  }

  async applyTree(change: TreeChange): Promise<Outcome> {
    this.#checkWrite(change.account);
    return this.#inner.applyTree(change);
  }

  /** Those for whom a cursor of a visible account is held. */
  async peers(): Promise<string[]> {
    if (this.#access.accounts === null) return this.#inner.peers();
    const shown: string[] = [];
    for (const peer of await this.#inner.peers()) if ((await this.cursors(peer)).length > 0) shown.push(peer);
    return shown;
  }

  async cursor(peer: string, account: string, mailboxId: string): Promise<Cursor | null> {
    return this.#sees(account) ? this.#inner.cursor(peer, account, mailboxId) : null;
  }

  async cursors(peer: string): Promise<CursorRow[]> {
    return (await this.#inner.cursors(peer)).filter(({ account }) => this.#sees(account));
  }

  /** Allowed to a peer that only reads, too: what it has reached is noted by this node for itself. */
  saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void> {
    return this.#inner.saveCursors(
      peer,
      rows.filter(({ account }) => this.#sees(account)),
    );
  }

  async missingBodies(guids: readonly Guid[]): Promise<number[]> {
    const [missing, shown] = [new Set(await this.#inner.missingBodies(guids)), await this.#shown(guids)];
    return guids.flatMap((_, i) => (missing.has(i) || !shown[i] ? [i] : []));
  }

  /** For a peer limited to accounts always 0, which means "ask": the number would count other accounts in. */
  async bodyReferences(guids: readonly Guid[]): Promise<number[]> {
    return this.#bodies === null ? this.#inner.bodyReferences(guids) : guids.map(() => 0);
  }

  /** None for a peer limited to accounts: nobody knows whose they are. */
  async unnamedBodies(): Promise<Guid[]> {
    return this.#bodies === null ? this.#inner.unnamedBodies() : [];
  }

  async bodySizes(guids: readonly Guid[]): Promise<number[]> {
    const [sizes, shown] = [await this.#inner.bodySizes(guids), await this.#shown(guids)];
    return sizes.map((size, i) => (shown[i] ? size : -1));
  }

  async stage(bodies: readonly Uint8Array[], guids?: readonly Guid[]): Promise<Guid[]> {
    this.#checkWrite(null);
    const staged = await this.#inner.stage(bodies, guids);
    this.#bodies?.add(staged);
    return staged;
  }

  async stageLarge(): Promise<BodyWriter> {
    this.#checkWrite(null);
    const writer = await this.#inner.stageLarge();
    return {
      write: (chunk) => writer.write(chunk),
      abort: () => writer.abort(),
      finish: async () => {
        const guid = await writer.finish();
        this.#bodies?.add([guid]);
        return guid;
      },
    };
  }

  setAside(guids: readonly Guid[]): Promise<void> {
    return this.#inner.setAside(guids);
  }

  async readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array> {
    if (!(await this.#shown([guid]))[0]) throw bodyMissing(guid);
    return this.#inner.readBody(guid, offset, length);
  }

  async readBodies(guids: readonly Guid[]): Promise<(Uint8Array | null)[]> {
    const shown = await this.#shown(guids);
    const bodies = (await this.#inner.readBodies(guids.filter((_, i) => shown[i]))).values();
    return shown.map((isShown) => (isShown ? (bodies.next().value ?? null) : null));
  }

  async openSpool(): Promise<RecordSpool> {
    this.#checkWrite(null);
    return this.#inner.openSpool();
  }

  /** Tells of the whole store, so of nothing that is this peer's. */
  async check(): Promise<string[]> {
    return [];
  }

  async note(): Promise<string | null> {
    return null;
  }

  async writeNote(name: string, value: string): Promise<void> {
    this.#checkWrite(null);
    await this.#inner.writeNote(name, value);
  }

  watch(listener: () => void): () => void {
    return this.#inner.watch(listener);
  }

  async compact(options?: CompactOptions): Promise<CompactResult> {
    this.#checkWrite(null);
    return this.#inner.compact(options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #sees(account: string): boolean {
    return isVisible(this.#access, account);
  }

  async #shown(guids: readonly Guid[]): Promise<boolean[]> {
    return this.#bodies?.has(guids) ?? guids.map(() => true);
  }

  #checkWrite(account: string | null): void {
    const fault = writeFault(this.#access, account);
    if (fault !== null) throw fault;
  }
}

/** A snapshot whose messages may be fetched once their records were read. */
class ShownSnapshot implements MailboxSnapshot {
  readonly #inner: MailboxSnapshot;
  readonly #bodies: VisibleBodies;

  constructor(inner: MailboxSnapshot, bodies: VisibleBodies) {
    this.#inner = inner;
    this.#bodies = bodies;
  }

  get entry() {
    return this.#inner.entry;
  }

  get state() {
    return this.#inner.state;
  }

  async *scan(options?: ScanOptions): AsyncGenerator<readonly RecordBatch[]> {
    for await (const page of this.#inner.scan(options)) {
      this.#bodies.addRecords(page);
      yield page;
    }
  }

  get tombstones() {
    return this.#inner.tombstones;
  }

  digest(fromUid: number, toUid: number) {
    return this.#inner.digest(fromUid, toUid);
  }

  examine() {
    return this.#inner.examine();
  }

  ranges(bits: number, firstNo: number, lastNo: number) {
    return this.#inner.ranges(bits, firstNo, lastNo);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** @param account null for what is written for no account in particular. */
function writeFault(access: Access, account: string | null): TandemError | null {
  if (access.readOnly)
    return new TandemError("denied", "This peer may only read here; allow it to write on the node, or sync one way.");
  if (account === null || isVisible(access, account)) return null;
  const what = `This peer may not write the account ${JSON.stringify(account)}`;
  return new TandemError("denied", `${what}; allow it on the node, or name other accounts.`);
}

function matches(pattern: string, account: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === account;
  const last = rest.pop() as string;
  if (!account.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = account.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return account.length - last.length >= at && account.endsWith(last);
}
