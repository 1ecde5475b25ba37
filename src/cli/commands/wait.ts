/** `tandem wait`: until a peer has everything. */
import { countMailboxes } from "../../model/counted.ts";
import { TandemError } from "../../model/errors.ts";
import { waitForPeer } from "../../replicator/wait.ts";
import type { WaitOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { FAILED, OK } from "../run.ts";
import { withStore } from "../store-access.ts";

/** @returns the exit status: 0 once the peer has everything, 1 at the timeout. @throws TandemError if it could not be told. */
export function runWait(directory: string, options: WaitOptions): Promise<number> {
  const { peer, timeout, json } = options;
  const limit = timeout === undefined ? {} : { timeoutMs: parseSeconds("--timeout", timeout) * 1000 };
  return withStore(directory, {}, async (store) => {
    const waiting = await waitForPeer(store, peer, limit);
    await withOutput((out) => {
      if (json) return out.json({ peer, waiting });
      if (waiting === 0) return out.line(`${printable(peer)} has everything`);
      return out.line(`${countMailboxes(waiting)} still waiting for ${printable(peer)}; "tandem status" says why`);
    });
    return waiting === 0 ? OK : FAILED;
  });
}

/** @throws TandemError `invalid-argument` if it is no number of seconds. */
export function parseSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 1e9) return seconds;
  throw new TandemError("invalid-argument", `${option} ${JSON.stringify(text)} is no number of seconds, e.g. 60.`);
}
