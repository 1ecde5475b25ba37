/** `tandem forget`: drops what is held for a peer that is gone for good. */
import { countMailboxes } from "../../model/counted.ts";
import { TandemError } from "../../model/errors.ts";
import { forgetPeer } from "../../operations/index.ts";
import { readStatus } from "../../replicator/status.ts";
import { needChannel } from "../../replicator/wait.ts";
import type { ChannelRow } from "../../store/change-log.ts";
import type { MailboxStore } from "../../store/store.ts";
import type { PeerOption } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError `not-found`, or `refused` while a daemon keeps this peer up to date. */
export function runForget(directory: string, { peer, json }: PeerOption): Promise<number> {
  return withStore(directory, {}, async (store) => {
    const channel = await channelOf(store, peer);
    const storeEpoch = channel === null ? peer : channel.peer;
    const waiting = channel === null ? 0 : await waitingFor(store, channel.name);
    if (channel !== null) await store.log.removeChannel(channel.name);
    if (storeEpoch !== null) await forgetPeer(store, storeEpoch);
    const name = channel?.name ?? peer;
    await withOutput((out) =>
      json
        ? out.json({ peer: name, storeEpoch, forgotten: true, waiting })
        : out.line(`forgot ${printable(name)}, for which ${countMailboxes(waiting)} waited`),
    );
    return OK;
  });
}

/** The channel of this name or to the store of this epoch; null if that store was only synced by hand. @throws TandemError `not-found`. */
async function channelOf(store: MailboxStore, peer: string): Promise<ChannelRow | null> {
  const channels = await store.log.channels();
  const channel = channels.find(({ name }) => name === peer) ?? channels.find((one) => one.peer === peer);
  if (channel !== undefined) return channel;
  if (!(await store.peers()).includes(peer)) await needChannel(store, peer);
  return null;
}

/** How many mailboxes wait. @throws TandemError `refused` if a daemon has the channel. */
async function waitingFor(store: MailboxStore, name: string): Promise<number> {
  const status = (await readStatus(store, Date.now())).find((one) => one.peer === name);
  if (status !== undefined && status.connection !== "none")
    throw new TandemError(
      "refused",
      `A daemon has a channel to ${JSON.stringify(name)}; stop it and take the peer out of its configuration first.`,
    );
  return status?.waiting ?? 0;
}
