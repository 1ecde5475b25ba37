/** The stores that exchanges are tested on, copies of them, and decorators that let something happen at a chosen call. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeBodies } from "../../../src/model/batch-bodies.ts";
import { TandemError } from "../../../src/model/errors.ts";
import { openEmbeddedStore } from "../../../src/store/embedded/embedded-store.ts";
import { MemoryStore } from "../../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../../src/store/store.ts";

/** A store for one test. */
export interface TestStore {
  readonly store: MailboxStore;
  readonly cleanup: () => Promise<void>;
}

export interface StoreKind {
  readonly kind: string;
  /**
   * @param storeEpoch where the kind lets it be chosen.
   * @param now milliseconds since 1970; the machine's clock by default.
   */
  readonly open: (storeEpoch?: string, now?: () => number) => Promise<TestStore>;
  /** A backup: a second store with the same contents, cursors and epoch, that goes its own way from now on. */
  readonly copy: (store: TestStore, now?: () => number) => Promise<TestStore>;
}

export const MEMORY: StoreKind = {
  kind: "memory",
  open: async (storeEpoch, now = Date.now) =>
    memory(new MemoryStore(storeEpoch === undefined ? { now } : { storeEpoch, now })),
  copy: async ({ store }, now = Date.now) => memory(await copyOfMemory(store, now)),
};

export const EMBEDDED: StoreKind = {
  kind: "embedded",
  open: async (_, now = Date.now) => embedded(await mkdtemp(join(tmpdir(), "tandem-sync-")), now),
  copy: async (original, now = Date.now) => {
    const directory = await mkdtemp(join(tmpdir(), "tandem-sync-"));
    const isKept = (path: string) => !path.endsWith("-shm");
    await cp(directories.get(original.store) as string, directory, { recursive: true, filter: isKept });
    return embedded(directory, now);
  },
};

export const STORE_KINDS: readonly StoreKind[] = [MEMORY, EMBEDDED];

const directories = new WeakMap<MailboxStore, string>();

function memory(store: MailboxStore): TestStore {
  return { store, cleanup: () => store.close() };
}

async function embedded(directory: string, now: () => number): Promise<TestStore> {
  const store = await openEmbeddedStore(directory, { create: true, now });
  directories.set(store, directory);
  const cleanup = async () => {
    await store.close();
    await rm(directory, { recursive: true });
  };
  return { store, cleanup };
}

/** Through the store's own interface: whole records, bodies and cursors, as a backup has them. */
async function copyOfMemory(from: MailboxStore, now: () => number): Promise<MailboxStore> {
  const to = new MemoryStore({ storeEpoch: from.storeEpoch, now });
  for (const account of await from.accounts()) await copyAccount(from, to, account);
  for (const peer of await from.peers()) await to.saveCursors(peer, await from.cursors(peer));
  return to;
}

async function copyAccount(from: MailboxStore, to: MailboxStore, account: string): Promise<void> {
  const { modseq, mailboxes } = await from.tree(account);
  const puts = mailboxes.map(({ entry, state }) => ({ entry, uidValidity: state.uidValidity }));
  await to.applyTree({ account, before: 0, after: modseq, puts });
  for (const { entry } of mailboxes) await copyRecords(from, to, account, entry.mailboxId);
}

async function copyRecords(from: MailboxStore, to: MailboxStore, account: string, mailboxId: string): Promise<void> {
  const snapshot = await from.snapshot(account, mailboxId);
  const records = [];
  for await (const page of snapshot.scan()) records.push(...page);
  for (const batch of records)
    for (const { guid, size } of decodeBodies(batch.bytes)) await to.stage([await from.readBody(guid, 0, size)]);
  const before = (await to.snapshot(account, mailboxId)).state;
  await to.apply({ account, mailboxId, before, after: snapshot.state, records, overrule: true });
}

/** The store with some of its methods replaced; everything else is the real one's. */
export function decorated<T extends object>(whole: T, changed: Partial<T>): T {
  const replaced = changed as Record<PropertyKey, unknown>;
  return new Proxy(whole, {
    get(target, key) {
      if (Object.hasOwn(replaced, key)) return replaced[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Does `interfere` right before each of the first `times` changes: a client that is faster than the exchange. */
export function interrupted(store: MailboxStore, interfere: () => Promise<unknown>, times = 1): MailboxStore {
  let left = times;
  return decorated(store, {
    apply: async (change) => {
      if (left-- > 0) await interfere();
      return store.apply(change);
    },
  });
}

/** As a damaged disk: the bytes of messages that `isBad` names cannot be read. */
export function unreadable(store: MailboxStore, isBad: (guid: string) => boolean): MailboxStore {
  return decorated(store, {
    readBody: async (guid, offset, length) => {
      if (isBad(guid)) throw new TandemError("body-unreadable", `The bytes of ${guid} are damaged.`);
      return store.readBody(guid, offset, length);
    },
    readBodies: async (guids) =>
      (await store.readBodies(guids)).map((bytes, i) => (isBad(guids[i] as string) ? null : bytes)),
  });
}
