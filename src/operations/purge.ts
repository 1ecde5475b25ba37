/**
 * Dropping old tombstones.
 */
import { createHash } from "node:crypto";
import { EXPUNGED } from "../model/batch.ts";
import { decodeColumns } from "../model/decode-batch.ts";
import type { CursorRow, MailboxHead, MailboxSnapshot, MailboxStore } from "../store/store.ts";
import { requireMailbox } from "./lookup.ts";
import { untilApplied } from "./retry.ts";

export interface PurgeOptions {
  /** Drop all tombstones, also those that a peer has not confirmed; it will need a full resync. */
  readonly all?: boolean;
}

/** What a purge of one mailbox did. */
export interface PurgeResult {
  readonly mailbox: MailboxHead;
  /** Tombstones dropped. */
  readonly purged: number;
  /** Tombstones that stay, because a peer has not confirmed them. */
  readonly kept: number;
  /** Store epochs of these peers, sorted. */
  readonly waitsFor: readonly string[];
}

/** Up to which modseq each peer, by its store epoch, is known to have a mailbox. */
type Confirmed = (mailbox: MailboxHead) => ReadonlyMap<string, number>;

/** Under this name a store keeps which peers are gone: store epochs, each with the fingerprint of its cursors then. */
const GONE_NOTE = "gone peers";

/**
 * Drops the tombstones of a mailbox that every known peer has confirmed (with no peer: all of them).
 * @throws TandemError `not-found`, `io`.
 */
export async function purgeTombstones(
  store: MailboxStore,
  account: string,
  mailboxName: string,
  options: PurgeOptions = {},
): Promise<PurgeResult> {
  const { entry } = await requireMailbox(store, account, mailboxName);
  return purgeMailbox(store, account, entry.mailboxId, await confirmedBy(store, account, options));
}

/** Purges all mailboxes of an account, those that are deleted too. @throws TandemError `io`. */
export async function purgeAccount(
  store: MailboxStore,
  account: string,
  options: PurgeOptions = {},
): Promise<PurgeResult[]> {
  const confirmed = await confirmedBy(store, account, options);
  const results: PurgeResult[] = [];
  for (const { entry } of (await store.tree(account)).mailboxes)
    results.push(await purgeMailbox(store, account, entry.mailboxId, confirmed));
  return results;
}

async function purgeMailbox(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  confirmed: Confirmed,
): Promise<PurgeResult> {
  return untilApplied(async () => {
    const snapshot = await store.snapshot(account, mailboxId);
    try {
      const { state: before, entry } = snapshot;
      const peers = confirmed(snapshot);
      const horizon = Math.min(before.highestModseq, ...peers.values());
      const { count, highest, kept, highestKept } = await tombstonesUpTo(snapshot, horizon);
      const waitsFor = [...peers].flatMap(([peer, modseq]) => (modseq < highestKept ? [peer] : []));
      if (count === 0) return { mailbox: { entry, state: before }, purged: 0, kept, waitsFor };
      const after = { ...before, purgedModseq: highest };
      const outcome = await store.apply({ account, mailboxId, before, after, records: [] });
      return outcome === "conflict" ? outcome : { mailbox: { entry, state: after }, purged: count, kept, waitsFor };
    } finally {
      await snapshot.close();
    }
  });
}

/** How many tombstones have a modseq up to a horizon, and how many a higher one; and the highest modseq of each. */
interface Tombstones {
  readonly count: number;
  readonly highest: number;
  readonly kept: number;
  readonly highestKept: number;
}

/** Purging up to the highest tombstone that is there, no further, keeps deltas possible for peers above it. */
async function tombstonesUpTo(snapshot: MailboxSnapshot, modseq: number): Promise<Tombstones> {
  let [count, highest, kept, highestKept] = [0, 0, 0, 0];
  for await (const batches of snapshot.scan()) {
    for (const columns of batches.map((batch) => decodeColumns(batch.bytes))) {
      for (let i = 0; i < columns.count; i++) {
        if (((columns.kind[i] as number) & EXPUNGED) === 0) continue;
        const own = columns.modseq[i] as number;
        if (own > modseq) [kept, highestKept] = [kept + 1, Math.max(highestKept, own)];
        else [count, highest] = [count + 1, Math.max(highest, own)];
      }
    }
  }
  return { count, highest, kept, highestKept };
}

/**
 * Lets purges no longer wait for a peer that is gone for good. Its cursors are kept: they are the proof that what it still
 * has was expunged here, should it come back. Then it is waited for again.
 * @param peer its store epoch.
 * @throws TandemError `io`.
 */
export async function forgetPeer(store: MailboxStore, peer: string): Promise<void> {
  const gone = { ...(await gonePeers(store)), [peer]: fingerprint(await store.cursors(peer)) };
  await store.writeNote(GONE_NOTE, JSON.stringify(gone));
}

async function gonePeers(store: MailboxStore): Promise<Readonly<Record<string, string>>> {
  return JSON.parse((await store.note(GONE_NOTE)) ?? "{}") as Record<string, string>;
}

/** Another one as soon as the peer confirms anything. */
function fingerprint(rows: readonly CursorRow[]): string {
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

async function confirmedBy(store: MailboxStore, account: string, { all = false }: PurgeOptions): Promise<Confirmed> {
  const agreed = new Map<string, ReadonlyMap<string, CursorRow>>();
  const gone = await gonePeers(store);
  for (const peer of all ? [] : await store.peers()) {
    const rows = await store.cursors(peer);
    if (gone[peer] !== undefined && gone[peer] === fingerprint(rows)) continue;
    agreed.set(peer, new Map(rows.filter((row) => row.account === account).map((row) => [row.mailboxId, row])));
  }
  return ({ entry, state }) => {
    const modseqOf = (row: CursorRow | undefined) =>
      row?.cursor.agreed?.uidValidity === state.uidValidity ? row.cursor.agreed.highestModseq : 0;
    return new Map([...agreed].map(([peer, rows]) => [peer, modseqOf(rows.get(entry.mailboxId))]));
  };
}
