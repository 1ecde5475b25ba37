/** `tandem purge`: drops old tombstones. */
import { type PurgeResult, purgeAccount, purgeTombstones } from "../../operations/index.ts";
import type { PurgeOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, selectAccounts, withStore } from "../store-access.ts";

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
    await withOutput((out) => (json ? printJson(out, results) : printLines(out, results)));
    return OK;
  });
}

function printJson(out: Output, results: readonly PurgeResult[]): Promise<void> {
  const mailboxes = results.map(({ mailbox: { entry, state }, purged }) => ({
    mailbox: entry.name,
    mailboxId: entry.mailboxId,
    deleted: entry.deleted,
    purged,
    purgedModseq: state.purgedModseq,
  }));
  return out.json({ mailboxes });
}

async function printLines(out: Output, results: readonly PurgeResult[]): Promise<void> {
  for (const { mailbox, purged } of results)
    await out.line(`${printable(mailbox.entry.name)}${mailbox.entry.deleted ? " (deleted)" : ""}: ${purged} purged`);
}
