/**
 * Many mailboxes and what is new in them for a peer, read in whatever transaction is open.
 */
import { NewsPacker } from "../shared/news.ts";
import type { MailboxNews, MailboxPlace } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { Connection } from "./connection.ts";
import { cursorOf, findMailbox } from "./mailboxes.ts";

/** See `MailboxStore.news`. */
export function newsOf(
  db: Connection,
  peer: string | null,
  places: readonly MailboxPlace[],
  room: number,
): (MailboxNews | null)[] {
  const packer = new NewsPacker(room);
  return places.map(({ account, mailboxId }) => {
    const mailbox = findMailbox(db, account, mailboxId);
    if (mailbox === null) return null;
    const cursor = peer === null ? null : cursorOf(db, peer, account, mailbox.entry.mailboxId);
    const blocks = new BlockTable(db, mailbox.key);
    return packer.news(mailbox, cursor, (wanted) => blocks.batches(wanted));
  });
}
