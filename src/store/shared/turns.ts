/**
 * Taking turns at a mailbox within one process. It only saves work: what other processes do, and whoever takes no turn, is
 * found out by compare-and-set.
 */
import type { MailboxStore } from "../store.ts";
import { placeKey } from "./place-key.ts";

/** What is under way on each mailbox of a store, by account and id. */
const turns = new WeakMap<MailboxStore, Map<string, Promise<unknown>>>();

/**
 * Does work on a mailbox when what this process began before on the same mailbox is through. Begun together, all of it
 * would read the same state and all but one be refused; and what takes longest would be refused every time.
 * @param work told whether it had to wait: what was read before it was begun may then be out of date.
 */
export async function inTurn<T>(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  work: (waited: boolean) => Promise<T>,
): Promise<T> {
  const mine = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, mine);
  const key = placeKey({ account, mailboxId });
  const before = mine.get(key);
  const next = () => work(true);
  const turn = before === undefined ? work(false) : before.then(next, next);
  mine.set(key, turn);
  try {
    return await turn;
  } finally {
    if (mine.get(key) === turn) mine.delete(key);
  }
}
