/** `tandem mailbox create`, `rename` and `delete`. */
import { checkedName } from "../../model/mailbox.ts";
import { createMailbox, deleteMailbox, renameMailbox } from "../../operations/index.ts";
import type { Mailbox } from "../../store/store.ts";
import { mailboxLine } from "../describe.ts";
import type { AccountOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError `exists`, `invalid-argument`, and others. */
export function runCreate(directory: string, name: string, options: AccountOptions): Promise<number> {
  checkedName(options.account, "account");
  const wanted = checkedName(name);
  return withStore(directory, { create: true }, async (store) => {
    const mailbox = await createMailbox(store, options.account, wanted);
    return printMailbox(mailbox, `created ${printable(wanted)}`, options);
  });
}

/** @returns the exit status. @throws TandemError `not-found`, `exists`, `invalid-argument`, and others. */
export function runRename(directory: string, name: string, newName: string, options: AccountOptions): Promise<number> {
  const wanted = checkedName(newName);
  return withStore(directory, {}, async (store) => {
    const { entry } = await existingMailbox(store, options.account, name);
    const mailbox = await renameMailbox(store, options.account, entry.name, wanted);
    return printMailbox(mailbox, `renamed ${printable(entry.name)} to ${printable(wanted)}`, options);
  });
}

/** @returns the exit status. @throws TandemError `not-found`, and others. */
export function runDelete(directory: string, name: string, options: AccountOptions): Promise<number> {
  return withStore(directory, {}, async (store) => {
    const mailbox = await existingMailbox(store, options.account, name);
    await deleteMailbox(store, options.account, mailbox.entry.name);
    const { entry, state } = mailbox;
    return printMailbox(mailbox, `deleted ${printable(entry.name)} (messages: ${state.digest.count})`, options);
  });
}

/** With `--json` the mailbox as in `ls`, else `text`. */
async function printMailbox(mailbox: Mailbox, text: string, { account, json }: AccountOptions): Promise<number> {
  await withOutput((out) => (json ? out.json(mailboxLine(account, mailbox)) : out.line(text)));
  return OK;
}
