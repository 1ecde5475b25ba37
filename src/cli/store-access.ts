/**
 * Opening stores, and finding accounts and mailboxes in them, for all commands.
 */
import { isTandemError, TandemError } from "../model/errors.ts";
import { compareText } from "../model/flags.ts";
import { checkedName } from "../model/mailbox.ts";
import { createMailbox } from "../operations/index.ts";
import { openEmbeddedStore } from "../store/embedded/embedded-store.ts";
import type { Mailbox, MailboxStore } from "../store/store.ts";
import type { SelectOptions } from "./options.ts";
import { checkedStorePath } from "./store-path.ts";

/** How many names an error lists. */
const LISTED_NAMES = 10;

/** Opens the store in `directory`, made if `create` says so, and closes it after `use`. @throws TandemError. */
export async function withStore<T>(
  directory: string,
  options: { create?: boolean },
  use: (store: MailboxStore) => Promise<T>,
): Promise<T> {
  const store = await openEmbeddedStore(checkedStorePath(directory), options);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** A mailbox and whose it is. */
export interface Selected {
  readonly account: string;
  readonly mailbox: Mailbox;
}

/** The accounts to read: the one named, which must exist, or all. @throws TandemError `not-found`. */
export async function selectAccounts(store: MailboxStore, account: string | undefined): Promise<string[]> {
  const accounts = await store.accounts();
  if (account === undefined) return accounts;
  if (!accounts.includes(account)) throw noAccount(account, accounts);
  return [account];
}

/**
 * The mailboxes to read, sorted by account and name, deleted ones left out. An account or mailbox named in `options`
 * must exist; a mailbox named without an account must be in one of them.
 * @throws TandemError `not-found`.
 */
export async function selectMailboxes(store: MailboxStore, options: SelectOptions): Promise<Selected[]> {
  const name = options.mailbox === undefined ? undefined : checkedName(options.mailbox);
  const selected: Selected[] = [];
  for (const account of await selectAccounts(store, options.account))
    for (const mailbox of await liveMailboxes(store, account))
      if (name === undefined || mailbox.entry.name === name) selected.push({ account, mailbox });
  if (name !== undefined && selected.length === 0) {
    if (options.account !== undefined) await existingMailbox(store, options.account, name);
    throw new TandemError("not-found", `No account has a mailbox ${JSON.stringify(name)}; "tandem ls" lists them.`);
  }
  return selected;
}

/** The mailbox of this name. @throws TandemError `not-found`, saying which there are. */
export async function existingMailbox(store: MailboxStore, account: string, name: string): Promise<Mailbox> {
  const wanted = checkedName(name);
  const mailbox = await store.mailboxNamed(account, wanted);
  if (mailbox !== null) return mailbox;
  const accounts = await store.accounts();
  if (!accounts.includes(account)) throw noAccount(account, accounts);
  const names = (await liveMailboxes(store, account)).map(({ entry }) => entry.name);
  throw new TandemError(
    "not-found",
    `There is no mailbox ${JSON.stringify(wanted)} in the account ${JSON.stringify(account)}; ${listed("it has", names)}.`,
  );
}

/** The mailbox of this name, made if it is not there. @throws TandemError `invalid-argument`, `io`. */
export async function ensureMailbox(store: MailboxStore, account: string, name: string): Promise<Mailbox> {
  const wanted = checkedName(name);
  const found = await store.mailboxNamed(account, wanted);
  if (found !== null) return found;
  try {
    return await createMailbox(store, account, wanted);
  } catch (error) {
    // Another process made it in between.
    if (!isTandemError(error, "exists")) throw error;
    return existingMailbox(store, account, wanted);
  }
}

/** All mailboxes of an account that are not deleted, sorted by name. */
export async function liveMailboxes(store: MailboxStore, account: string): Promise<Mailbox[]> {
  const { mailboxes } = await store.tree(account);
  return mailboxes.filter(({ entry }) => !entry.deleted).sort((a, b) => compareText(a.entry.name, b.entry.name));
}

function noAccount(account: string, accounts: readonly string[]): TandemError {
  return new TandemError(
    "not-found",
    `There is no account ${JSON.stringify(account)} in the store; ${listed("it has", accounts)}${accounts.length === 0 ? "" : "; choose by --account"}.`,
  );
}

function listed(lead: string, names: readonly string[]): string {
  if (names.length === 0) return `${lead} none yet`;
  const more = names.length > LISTED_NAMES ? ` and ${names.length - LISTED_NAMES} more` : "";
  return `${lead} ${names
    .slice(0, LISTED_NAMES)
    .map((name) => JSON.stringify(name))
    .join(", ")}${more}`;
}
