/** `tandem forget`: removes the channel to a peer that is gone for good. */
import { TandemError } from "../../model/errors.ts";
import { readStatus } from "../../replicator/status.ts";
import { needChannel } from "../../replicator/wait.ts";
import { countMailboxes } from "../health.ts";
import type { PeerOption } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError `not-found`, or `refused` while a daemon keeps this peer up to date. */
export function runForget(directory: string, { peer, json }: PeerOption): Promise<number> {
  return withStore(directory, {}, async (store) => {
    await needChannel(store, peer);
    const status = (await readStatus(store, Date.now())).find((one) => one.peer === peer);
    if (status !== undefined && status.connection !== "none")
      throw new TandemError(
        "refused",
        `A daemon has a channel to ${JSON.stringify(peer)}; stop it and take the peer out of its configuration first.`,
      );
    await store.log.removeChannel(peer);
    const waiting = status?.waiting ?? 0;
    await withOutput((out) =>
      json
        ? out.json({ peer, forgotten: true, waiting })
        : out.line(`forgot ${printable(peer)}, for which ${countMailboxes(waiting)} waited`),
    );
    return OK;
  });
}
