/** `tandem expunge`: removes messages. */
import { expungeMessages, parseUidSet } from "../../operations/index.ts";
import type { AccountOptions } from "../options.ts";
import { printChanged } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError. */
export function runExpunge(
  directory: string,
  mailbox: string,
  uidSet: string,
  options: AccountOptions,
): Promise<number> {
  const uids = parseUidSet(uidSet);
  return withStore(directory, {}, async (store) => {
    const { entry } = await existingMailbox(store, options.account, mailbox);
    await printChanged("expunged", await expungeMessages(store, options.account, entry.name, uids), options.json);
    return OK;
  });
}
