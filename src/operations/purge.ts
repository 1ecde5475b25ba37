/**
 * Dropping old tombstones.
 */
import { decodeColumns } from "../model/decode-batch.ts";
import type { MailboxHead, MailboxSnapshot, MailboxStore } from "../store/store.ts";
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
}

/** Up to which modseq the peers are known to have a mailbox. */
type Horizon = (mailbox: MailboxHead) => number;

const EXPUNGED = 0x20;

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
  return purgeMailbox(store, account, entry.mailboxId, await horizonOf(store, account, options));
}

/** Purges all mailboxes of an account, those that are deleted too. @throws TandemError `io`. */
export async function purgeAccount(
  store: MailboxStore,
  account: string,
  options: PurgeOptions = {},
): Promise<PurgeResult[]> {
  const horizon = await horizonOf(store, account, options);
  const results: PurgeResult[] = [];
  for (const { entry } of (await store.tree(account)).mailboxes)
    results.push(await purgeMailbox(store, account, entry.mailboxId, horizon));
  return results;
}

async function purgeMailbox(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  horizon: Horizon,
): Promise<PurgeResult> {
  return untilApplied(async () => {
    const snapshot = await store.snapshot(account, mailboxId);
    try {
      const { state: before, entry } = snapshot;
      const { count, highest } = await tombstonesUpTo(snapshot, horizon(snapshot));
      if (count === 0) return { mailbox: { entry, state: before }, purged: 0 };
      const after = { ...before, purgedModseq: highest };
      const outcome = await store.apply({ account, mailboxId, before, after, records: [] });
      return outcome === "conflict" ? outcome : { mailbox: { entry, state: after }, purged: count };
    } finally {
      await snapshot.close();
    }
  });
}

/** Purging up to the highest tombstone that is there, no further, keeps deltas possible for peers above it. */
async function tombstonesUpTo(snapshot: MailboxSnapshot, modseq: number): Promise<{ count: number; highest: number }> {
  let count = 0;
  let highest = 0;
  for await (const batches of snapshot.scan()) {
    for (const columns of batches.map((batch) => decodeColumns(batch.bytes))) {
      for (let i = 0; i < columns.count; i++) {
        const own = columns.modseq[i] as number;
        if (((columns.kind[i] as number) & EXPUNGED) === 0 || own > modseq) continue;
        count++;
        highest = Math.max(highest, own);
      }
    }
  }
  return { count, highest };
}

async function horizonOf(store: MailboxStore, account: string, { all = false }: PurgeOptions): Promise<Horizon> {
  if (all) return ({ state }) => state.highestModseq;
  const confirmed: Map<string, { readonly uidValidity: number; readonly highestModseq: number } | null>[] = [];
  for (const peer of await store.peers()) {
    const rows = (await store.cursors(peer)).filter((row) => row.account === account);
    confirmed.push(new Map(rows.map((row) => [row.mailboxId, row.cursor.agreed])));
  }
  return ({ entry, state }) =>
    confirmed.reduce((lowest, peer) => {
      const agreed = peer.get(entry.mailboxId);
      const known = agreed?.uidValidity === state.uidValidity ? agreed.highestModseq : 0;
      return Math.min(lowest, known);
    }, state.highestModseq);
}
