/** `tandem ls`: accounts and mailboxes with their counters. */
import { MAILBOX_HEADS, mailboxLine, mailboxRow } from "../describe.ts";
import type { SelectOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { liveMailboxes, selectAccounts, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError. */
export function runLs(directory: string, options: SelectOptions): Promise<number> {
  return withStore(directory, {}, (store) =>
    withOutput(async (out) => {
      for (const account of await selectAccounts(store, options.account)) {
        const lines = (await liveMailboxes(store, account)).map((mailbox) => mailboxLine(account, mailbox));
        if (!options.json) {
          await out.line(`account ${printable(account)}`);
          await out.line(MAILBOX_HEADS);
        }
        for (const line of lines) await out.line(options.json ? JSON.stringify(line) : mailboxRow(line));
      }
      return OK;
    }),
  );
}
