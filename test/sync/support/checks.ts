/** What must hold before, after and between exchanges, checked without a word in the single test. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import { type Cursor, type MailboxState, sameState } from "../../../src/model/state.ts";
import { digestOfRecords, isLive } from "../../../src/store/shared/blocks.ts";
import type { AccountTree, Mailbox, MailboxStore } from "../../../src/store/store.ts";
import { recordsOf } from "./node.ts";

/** Everything a store holds but the bytes of messages. */
export interface Dump {
  readonly accounts: readonly AccountDump[];
  /** By peer and mailbox. */
  readonly cursors: Readonly<Record<string, Cursor>>;
}

interface AccountDump {
  readonly account: string;
  readonly tree: AccountTree;
  /** By mailboxId. */
  readonly records: Readonly<Record<string, readonly IndexRecord[]>>;
}

export async function dumpOf(store: MailboxStore): Promise<Dump> {
  const accounts: AccountDump[] = [];
  for (const account of await store.accounts()) {
    const tree = await store.tree(account);
    const records: Record<string, readonly IndexRecord[]> = {};
    for (const { entry } of tree.mailboxes) records[entry.mailboxId] = await recordsOf(store, account, entry.mailboxId);
    accounts.push({ account, tree, records });
  }
  const cursors: Record<string, Cursor> = {};
  for (const peer of await store.peers())
    for (const { account, mailboxId, cursor } of await store.cursors(peer))
      cursors[`${peer} ${account} ${mailboxId}`] = cursor;
  return { accounts, cursors };
}

/** The store is valid: digests fit, counters are above what they count, every live message can be read (P11). */
export async function expectSound(store: MailboxStore): Promise<void> {
  for (const { account, tree, records } of (await dumpOf(store)).accounts)
    for (const { entry, state } of tree.mailboxes) {
      const own = records[entry.mailboxId] ?? [];
      expect({ account, entry, faults: faultsOf(state, own) }).toEqual({ account, entry, faults: [] });
      for (const record of own.filter(isLive)) await expectReadable(store, record);
    }
}

function faultsOf(state: MailboxState, records: readonly IndexRecord[]): string[] {
  const faults: string[] = [];
  if (!sameState(state, { ...state, digest: digestOfRecords(records) })) faults.push("the digest does not fit");
  for (const { uid, modseq, expunged } of records) {
    if (uid >= state.uidNext) faults.push(`UID ${uid} is not below uidNext`);
    if (modseq > state.highestModseq) faults.push(`UID ${uid} is above highestModseq`);
    if (expunged && modseq <= state.purgedModseq) faults.push(`UID ${uid} should have been purged`);
  }
  return faults;
}

async function expectReadable(store: MailboxStore, { guid, size }: LiveRecord): Promise<void> {
  const bytes = await store.readBody(guid, 0, size);
  expect(bytes.length).toBe(size);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(guid);
}

/** Trees, entries, states and every record are the same, and all messages can be read on both (P9). */
export async function expectIdentical(a: MailboxStore, b: MailboxStore): Promise<void> {
  const [left, right] = [await dumpOf(a), await dumpOf(b)];
  expect(right.accounts).toEqual(left.accounts);
  await expectSound(a);
  await expectSound(b);
}

/**
 * What clients were told before an exchange binds what stands there after it (P1 to P5).
 * @param views whose clients count: those of both nodes, or where messages could not be exchanged each node's own.
 */
export function expectPromises(before: readonly Dump[], after: readonly Dump[], views: "both" | "own" = "both"): void {
  const broken = after.flatMap((now, i) => {
    const own = before[i] as Dump;
    const seen = views === "both" ? before : [own];
    return [...brokenCounters(own, now), ...seen.flatMap((then) => brokenViews(then, now))];
  });
  expect(broken).toEqual([]);
}

/** The node's own counters and modseqs (P4, P5). */
function brokenCounters(before: Dump, after: Dump): string[] {
  return pairs(before, after).flatMap(({ then, now, thenRecords, nowRecords }) => {
    const broken: string[] = [];
    if (now.state.uidValidity < then.state.uidValidity) broken.push("P4: uidValidity fell");
    if (now.state.highestModseq < then.state.highestModseq) broken.push("P4: highestModseq fell");
    if (now.state.uidValidity !== then.state.uidValidity) return broken;
    if (now.state.uidNext < then.state.uidNext) broken.push("P4: uidNext fell");
    if (now.state.purgedModseq < then.state.purgedModseq) broken.push("P4: purgedModseq fell");
    return [...broken, ...brokenModseqs(then, now, thenRecords, nowRecords)];
  });
}

function brokenModseqs(
  then: Mailbox,
  now: Mailbox,
  before: ReadonlyMap<number, IndexRecord>,
  after: ReadonlyMap<number, IndexRecord>,
): string[] {
  const broken: string[] = [];
  for (const record of after.values())
    if (record.modseq <= then.state.highestModseq && !same(before.get(record.uid), record))
      broken.push(`P5: UID ${record.uid} changed under an announced modseq`);
  for (const { uid, expunged } of before.values())
    if (!expunged && !after.has(uid) && now.state.purgedModseq <= then.state.highestModseq)
      broken.push(`P5: UID ${uid} is gone without a tombstone`);
  return broken;
}

/** What stands under a UID now is what clients of the node saw there, or is above all they knew (P1, P2, P3). */
function brokenViews(before: Dump, after: Dump): string[] {
  return pairs(before, after).flatMap(({ then, now, thenRecords, nowRecords }) => {
    if (now.state.uidValidity !== then.state.uidValidity) return [];
    const known = [...nowRecords.values()].filter(isLive).filter(({ uid }) => uid < then.state.uidNext);
    return known.flatMap(({ uid, guid, size }) => {
      const seen = thenRecords.get(uid);
      if (seen === undefined) return [`P3: UID ${uid} is new below an announced uidNext`];
      if (seen.expunged) return [`P2: UID ${uid} came back`];
      return seen.guid === guid && seen.size === size ? [] : [`P1: UID ${uid} names another message`];
    });
  });
}

interface MailboxBeforeAndAfter {
  readonly then: Mailbox;
  readonly now: Mailbox;
  readonly thenRecords: ReadonlyMap<number, IndexRecord>;
  readonly nowRecords: ReadonlyMap<number, IndexRecord>;
}

/** Every mailbox of `before` that is still known by its identity or an alias. */
function pairs(before: Dump, after: Dump): MailboxBeforeAndAfter[] {
  return before.accounts.flatMap(({ account, tree, records }) => {
    const later = after.accounts.find((one) => one.account === account);
    return tree.mailboxes.flatMap((then) => {
      const id = then.entry.mailboxId;
      const now = later?.tree.mailboxes.find(({ entry }) => entry.mailboxId === id || entry.aliases.includes(id));
      if (later === undefined || now === undefined) return [];
      const byUid = (list: readonly IndexRecord[] = []) => new Map(list.map((record) => [record.uid, record]));
      return [{ then, now, thenRecords: byUid(records[id]), nowRecords: byUid(later.records[now.entry.mailboxId]) }];
    });
  });
}

function same(a: IndexRecord | undefined, b: IndexRecord): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
