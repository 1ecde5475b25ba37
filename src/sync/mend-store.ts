/**
 * Looks through a whole store and repairs what is damaged from one other side (`verify --repair`).
 */
import { isTandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import { auditMailbox } from "./audit.ts";
import { checkDigest } from "./local-faults.ts";
import type { Audit } from "./peer.ts";
import { type Giver, repairBodies, repairRecords } from "./repair.ts";

/** What was repaired in one mailbox, in words. */
export interface Repair {
  readonly account: string;
  readonly mailbox: string;
  readonly what: string;
}

export interface MendOptions {
  /** Only this account; null: all. */
  readonly account: string | null;
  readonly onRepair: (repair: Repair) => void;
}

/**
 * Repairs mailbox after mailbox; what the other side does not have stays as it is.
 * @throws TandemError if the store or the other side cannot be read.
 */
export async function mendStore(store: MailboxStore, from: Giver, { account, onRepair }: MendOptions): Promise<void> {
  const accounts = account === null ? await store.accounts() : [account];
  for (const one of accounts)
    for (const { entry } of (await treeOrNone(store, one)).filter((mailbox) => !mailbox.entry.deleted))
      for (const what of await mendMailbox(store, one, entry.mailboxId, from))
        onRepair({ account: one, mailbox: entry.name, what });
}

/** Records first, since digests are made of them; sentences that tell what was done. */
async function mendMailbox(store: MailboxStore, account: string, mailboxId: string, from: Giver): Promise<string[]> {
  const done: string[] = [];
  const { damaged, unreadable } = await audit(store, account, mailboxId);
  if (damaged.length > 0) {
    const count = await ifThere(() => repairRecords(store, account, mailboxId, damaged, from), 0);
    if (count > 0) done.push(`the records of ${count} blocks were put back`);
  }
  await checkDigest(store, account, mailboxId, ({ message }) => done.push(message));
  const lost = damaged.length === 0 ? unreadable : (await audit(store, account, mailboxId)).unreadable;
  const whole = lost.length === 0 ? [] : await repairBodies(store, lost, from);
  if (whole.length > 0) done.push(`${whole.length} messages were taken anew`);
  return done;
}

function audit(store: MailboxStore, account: string, mailboxId: string): Promise<Audit> {
  return auditMailbox(store, account, mailboxId);
}

/** An account whose entries are damaged cannot be gone through; the comparison tells of it. */
async function treeOrNone(store: MailboxStore, account: string) {
  try {
    return (await store.tree(account)).mailboxes;
  } catch (error) {
    if (isTandemError(error, "digest-fault")) return [];
    throw error;
  }
}

/** The other side may not have the mailbox, or may itself be damaged there. */
async function ifThere<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isTandemError(error, "not-found") || isTandemError(error, "digest-fault")) return otherwise;
    throw error;
  }
}
