/** `tandem allow`: lets plans through that the mass-deletion brake holds. */
import { counted } from "../../model/counted.ts";
import { needChannel } from "../../replicator/wait.ts";
import type { AllowOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { FAILED, OK } from "../run.ts";
import { withStore } from "../store-access.ts";

/** @returns the exit status: 0 if a plan was held, 1 if none was. @throws TandemError `not-found`. */
export function runAllow(directory: string, { peer, account, json }: AllowOptions): Promise<number> {
  return withStore(directory, {}, async (store) => {
    await needChannel(store, peer);
    const allowed = await store.log.allow(peer, account ?? null);
    await withOutput((out) => {
      if (json) return out.json({ peer, allowed });
      const whose = account === undefined ? "" : ` of ${printable(account)}`;
      if (allowed === 0) return out.line(`the brake holds nothing${whose} for ${printable(peer)}`);
      return out.line(`${counted(allowed, "plan")}${whose} for ${printable(peer)} may go on`);
    });
    return allowed === 0 ? FAILED : OK;
  });
}
