/** `tandem purge`: drops old tombstones, and says whom the others wait for. */

import { countMailboxes } from "../../model/counted.ts";
import { type PurgeResult, purgeAccount, purgeTombstones } from "../../operations/index.ts";
import type { MailboxStore } from "../../store/store.ts";
import { isoTime } from "../health.ts";
import type { PurgeOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, selectAccounts, withStore } from "../store-access.ts";

/** A peer that has not confirmed tombstones. */
interface Awaited {
  readonly storeEpoch: string;
  /** Name of the channel to it, null if there is none. */
  readonly peer: string | null;
  /** Since when something waits in that channel, in milliseconds since 1970; null if it is not known. */
  readonly since: number | null;
  readonly mailboxes: number;
}

/** @returns the exit status. @throws TandemError. */
export function runPurge(directory: string, options: PurgeOptions): Promise<number> {
  const { account, mailbox, all = false, json } = options;
  return withStore(directory, {}, async (store) => {
    await selectAccounts(store, account);
    if (mailbox !== undefined) await existingMailbox(store, account, mailbox);
    const results =
      mailbox === undefined
        ? await purgeAccount(store, account, { all })
        : [await purgeTombstones(store, account, mailbox, { all })];
    const awaited = await awaitedPeers(store, account, results);
    await withOutput((out) => (json ? printJson(out, results, awaited) : printLines(out, results, awaited)));
    return OK;
  });
}

async function awaitedPeers(
  store: MailboxStore,
  account: string,
  results: readonly PurgeResult[],
): Promise<readonly Awaited[]> {
  const epochs = [...new Set(results.flatMap(({ waitsFor }) => waitsFor))].sort();
  const channels = await store.log.channels();
  return Promise.all(
    epochs.map(async (storeEpoch) => {
      const peer = channels.find((channel) => channel.peer === storeEpoch)?.name ?? null;
      const backlog = peer === null ? [] : await store.log.backlog(peer);
      const since = backlog.find((one) => one.account === account)?.oldest ?? null;
      const mailboxes = results.filter(({ waitsFor }) => waitsFor.includes(storeEpoch)).length;
      return { storeEpoch, peer, since, mailboxes };
    }),
  );
}

function printJson(out: Output, results: readonly PurgeResult[], awaited: readonly Awaited[]): Promise<void> {
  const mailboxes = results.map(({ mailbox: { entry, state }, purged, kept }) => ({
    mailbox: entry.name,
    mailboxId: entry.mailboxId,
    deleted: entry.deleted,
    purged,
    kept,
    purgedModseq: state.purgedModseq,
  }));
  const waitsFor = awaited.map((one) => ({ ...one, since: one.since === null ? null : isoTime(one.since) }));
  return out.json({ mailboxes, waitsFor });
}

async function printLines(out: Output, results: readonly PurgeResult[], awaited: readonly Awaited[]): Promise<void> {
  for (const { mailbox, purged, kept } of results) {
    const stay = kept === 0 ? "" : `, ${kept} not confirmed by all peers`;
    const deleted = mailbox.entry.deleted ? " (deleted)" : "";
    await out.line(`${printable(mailbox.entry.name)}${deleted}: ${purged} purged${stay}`);
  }
  for (const one of awaited) await out.line(waitingLine(one));
  if (awaited.length > 0)
    await out.line(
      `a peer that is gone for good: "tandem forget STORE --peer ...", with its name or its store's epoch`,
    );
}

function waitingLine({ storeEpoch, peer, since, mailboxes }: Awaited): string {
  const when = since === null ? "" : ` since ${isoTime(since)}`;
  const who =
    peer === null
      ? `store ${storeEpoch} (no channel: synced by hand, or replaced)`
      : `${printable(peer)} (store ${storeEpoch})`;
  return `waiting for ${who}${when}: it has not confirmed ${countMailboxes(mailboxes)}`;
}
