/**
 * The change log in a backup: which the copy of a directory has by itself, and the copy of a store in memory has not.
 */
import type { MailboxStore } from "../../src/store/store.ts";

const ALL = 1_000_000;

/** Gives `to` the channels of `from`, with what they still have to bring. */
export async function copyOfLog(from: MailboxStore, to: MailboxStore): Promise<void> {
  for (const row of await from.log.channels()) {
    await to.log.addChannel(row.name);
    await to.log.noteChannel(row);
    for (const { account, mailboxId, failures, nextTry, error } of await from.log.due(
      row.name,
      Number.MAX_SAFE_INTEGER,
      ALL,
    )) {
      await to.log.add(row.name, [{ account, mailboxId }]);
      if (error !== null)
        await to.log.settle(row.name, [{ kind: "failed", account, mailboxId, failures, nextTry, error }]);
    }
  }
}
