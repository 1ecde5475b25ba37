/**
 * A program as somebody outside writes it: a store of its own, copied to another one, compared, and looked after. The test
 * compiles it against the built package, so it may use nothing but its exports.
 */
import {
  type AccountTree,
  type AgreedState,
  appendMessages,
  type BodyWriter,
  type ChangeLog,
  type CompactResult,
  type Comparison,
  type Cursor,
  type CursorRow,
  compareOver,
  compareStores,
  createMailbox,
  createPair,
  DEFAULT_SCRUB,
  DEFAULT_SYNC_OPTIONS,
  type EntryChange,
  type Examination,
  FULL_ACCESS,
  type Greeting,
  type Guid,
  type LocalFault,
  type Mailbox,
  type MailboxChange,
  type MailboxDigest,
  type MailboxEntry,
  type MailboxHead,
  type MailboxNews,
  type MailboxPlace,
  type MailboxSnapshot,
  type MailboxState,
  type MailboxStore,
  MemoryStore,
  type Outcome,
  type PeerOptions,
  type RangeDigests,
  type RecordBatch,
  type RecordSpool,
  Replicator,
  readStatus,
  readStoreHealth,
  type ScanOptions,
  type StoreHealth,
  type SyncCounts,
  serveReplica,
  syncStores,
  type TreeChange,
  type TreePut,
} from "../../src/index.ts";

/** Keeps everything in another store, and counts what is written. */
class CountingStore implements MailboxStore {
  readonly #inner: MailboxStore;
  /** Records written, by mailboxId. */
  readonly written = new Map<string, number>();
  /** Names that mailboxes got. */
  readonly names: string[] = [];

  constructor(inner: MailboxStore) {
    this.#inner = inner;
  }

  get storeEpoch(): string {
    return this.#inner.storeEpoch;
  }

  get log(): ChangeLog {
    return this.#inner.log;
  }

  accounts(): Promise<string[]> {
    return this.#inner.accounts();
  }

  tree(account: string): Promise<AccountTree> {
    return this.#inner.tree(account);
  }

  mailbox(account: string, mailboxId: string): Promise<Mailbox | null> {
    return this.#inner.mailbox(account, mailboxId);
  }

  mailboxNamed(account: string, name: string): Promise<Mailbox | null> {
    return this.#inner.mailboxNamed(account, name);
  }

  news(peer: string | null, places: readonly MailboxPlace[], room: number): Promise<(MailboxNews | null)[]> {
    return this.#inner.news(peer, places, room);
  }

  async snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot> {
    return new OwnSnapshot(await this.#inner.snapshot(account, mailboxId));
  }

  apply(change: MailboxChange): Promise<Outcome> {
    const entry: EntryChange | undefined = change.entry;
    if (entry !== undefined) this.#named(entry.value);
    return this.#inner.apply({ ...change, records: this.#counted(change.mailboxId, change.records) });
  }

  applyTree(change: TreeChange): Promise<Outcome> {
    change.puts.forEach((put: TreePut) => {
      this.#named(put.entry);
    });
    return this.#inner.applyTree(change);
  }

  correctDigest(account: string, mailboxId: string, before: MailboxState): Promise<Outcome> {
    return this.#inner.correctDigest(account, mailboxId, before);
  }

  restoreRecords(account: string, mailboxId: string, batches: Iterable<RecordBatch>): Promise<number> {
    return this.#inner.restoreRecords(account, mailboxId, batches);
  }

  peers(): Promise<string[]> {
    return this.#inner.peers();
  }

  cursors(peer: string): Promise<CursorRow[]> {
    return this.#inner.cursors(peer);
  }

  cursor(peer: string, account: string, mailboxId: string): Promise<Cursor | null> {
    return this.#inner.cursor(peer, account, mailboxId);
  }

  saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void> {
    return this.#inner.saveCursors(peer, rows);
  }

  missingBodies(guids: readonly Guid[]): Promise<number[]> {
    return this.#inner.missingBodies(guids);
  }

  bodyReferences(guids: readonly Guid[]): Promise<number[]> {
    return this.#inner.bodyReferences(guids);
  }

  unnamedBodies(): Promise<Guid[]> {
    return this.#inner.unnamedBodies();
  }

  bodySizes(guids: readonly Guid[]): Promise<number[]> {
    return this.#inner.bodySizes(guids);
  }

  stage(bodies: readonly Uint8Array[], guids?: readonly Guid[]): Promise<Guid[]> {
    return this.#inner.stage(bodies, guids);
  }

  stageLarge(): Promise<BodyWriter> {
    return this.#inner.stageLarge();
  }

  setAside(guids: readonly Guid[]): Promise<void> {
    return this.#inner.setAside(guids);
  }

  readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array> {
    return this.#inner.readBody(guid, offset, length);
  }

  readBodies(guids: readonly Guid[]): Promise<(Uint8Array | null)[]> {
    return this.#inner.readBodies(guids);
  }

  openSpool(): Promise<RecordSpool> {
    return this.#inner.openSpool();
  }

  check(): Promise<string[]> {
    return this.#inner.check();
  }

  note(name: string): Promise<string | null> {
    return this.#inner.note(name);
  }

  writeNote(name: string, value: string): Promise<void> {
    return this.#inner.writeNote(name, value);
  }

  watch(listener: () => void): () => void {
    return this.#inner.watch(listener);
  }

  compact(): Promise<CompactResult> {
    return this.#inner.compact();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #named({ name }: MailboxEntry): void {
    this.names.push(name);
  }

  *#counted(mailboxId: string, batches: Iterable<RecordBatch>): Generator<RecordBatch> {
    for (const batch of batches) {
      this.written.set(mailboxId, (this.written.get(mailboxId) ?? 0) + batch.count);
      yield batch;
    }
  }
}

class OwnSnapshot implements MailboxSnapshot {
  readonly #inner: MailboxSnapshot;
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly tombstones: MailboxDigest;

  constructor(inner: MailboxSnapshot) {
    this.#inner = inner;
    const head: MailboxHead = inner;
    this.entry = head.entry;
    this.state = head.state;
    this.tombstones = inner.tombstones;
  }

  scan(options?: ScanOptions): AsyncIterable<readonly RecordBatch[]> {
    return this.#inner.scan(options);
  }

  digest(fromUid: number, toUid: number): Promise<MailboxDigest> {
    return this.#inner.digest(fromUid, toUid);
  }

  examine(): Promise<Examination> {
    return this.#inner.examine();
  }

  ranges(bits: number, firstNo: number, lastNo: number): Promise<RangeDigests[]> {
    return this.#inner.ranges(bits, firstNo, lastNo);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** Compares a store with one that is served at the other end of a connection. */
async function compareRemotely(a: MailboxStore, b: MailboxStore): Promise<Comparison> {
  const [master, replica] = createPair();
  const faults: LocalFault[] = [];
  const onGreeting = (greeting: Greeting) => say(`greeted by ${greeting.node}`);
  const served = serveReplica(b, replica, { node: "b", onGreeting, onFault: (fault) => faults.push(fault) });
  const comparison = await compareOver(a, master, { account: null, deep: false }, "a");
  await served;
  return comparison;
}

/** Runs a replicator until the partner has everything. */
async function replicate(store: MailboxStore, partner: MailboxStore): Promise<void> {
  const connect: PeerOptions["connect"] = async () => {
    const [master, replica] = createPair();
    void serveReplica(partner, replica, { node: "partner" });
    return master;
  };
  const peer: PeerOptions = { name: "partner", connect, access: FULL_ACCESS };
  const replicator = new Replicator({ store, node: "own", peers: [peer], scrub: DEFAULT_SCRUB });
  const inSync = untilInSync(store);
  await replicator.start();
  await inSync;
  await replicator.stop(1000);
}

function untilInSync(store: MailboxStore): Promise<void> {
  return new Promise((resolve) => {
    const end = store.log.watch(() => {
      void readStatus(store, Date.now()).then(([status]) => {
        if (status?.inSync !== true) return;
        end();
        resolve();
      });
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const own = new CountingStore(new MemoryStore());
const copy = new MemoryStore();
await createMailbox(own, "ann", "INBOX");
const bytes = Buffer.from("Subject: hello\r\n\r\nhello\r\n");
await appendMessages(own, "ann", "INBOX", [{ bytes, flags: [], internalDate: 0 }]);
const counts: SyncCounts = await syncStores(own, copy, DEFAULT_SYNC_OPTIONS);
say(`sent ${counts.recordsSent}, wrote ${[...own.written.values()]}, named ${own.names}`);
const { differences, messages } = await compareStores(own, copy, { account: null, deep: true });
say(`${differences.length} differences in ${messages} messages`);
const remotely = await compareRemotely(own, copy);
say(`${remotely.differences.length} differences in ${remotely.messages} messages`);
await replicate(own, copy);
const [row] = await own.cursors(copy.storeEpoch);
const latest: AgreedState | undefined = row?.cursor.latest;
say(`both were at UID ${latest?.uidNext}`);
const health: StoreHealth = await readStoreHealth(own);
say(`${health.faults.length} faults`);
await own.close();
await copy.close();
