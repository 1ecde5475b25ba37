/**
 * The one writer of the index: a change of a mailbox or of a tree in one transaction.
 */
import { sameState } from "../../model/state.ts";
import { mailboxNotFound } from "../shared/errors.ts";
import { checkDeleted, checkEntryChange, plannedTree } from "../shared/tree.ts";
import { type BlockAccess, writeRecords } from "../shared/write-records.ts";
import type { Mailbox, MailboxChange, Outcome, TreeChange } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { Connection } from "./connection.ts";
import {
  accountOf,
  findMailbox,
  moveCursors,
  type StoredAccount,
  type StoredMailbox,
  treeAccess,
  writeAccount,
  writeCursor,
  writeEntry,
  writeMailboxes,
  writeState,
} from "./mailboxes.ts";
import { ReferenceCounter } from "./references.ts";

/** See `MailboxStore.apply`. */
export function applyChange(db: Connection, change: MailboxChange): Outcome {
  return db.write(() => {
    const account = accountOf(db, change.account);
    const mailbox = findMailbox(db, change.account, change.mailboxId);
    if (account === null || mailbox === null) throw mailboxNotFound(change.account, change.mailboxId);
    if (!sameState(mailbox.state, change.before)) return "conflict";
    if (change.entry !== undefined && change.entry.treeBefore !== account.modseq) return "conflict";
    writeBlocks(db, mailbox.key, change);
    const next = { entry: change.entry?.value ?? mailbox.entry, state: change.after };
    writeState(db, mailbox.key, next.state);
    if (change.entry === undefined) checkDeleted(next);
    else changeEntry(db, account, mailbox, next, change);
    const { mailboxId } = next.entry;
    if (change.cursor !== undefined)
      writeCursor(db, change.cursor.peer, { account: change.account, mailboxId, cursor: change.cursor.cursor });
    return "applied";
  });
}

/** See `MailboxStore.applyTree`. */
export function applyTreeChange(db: Connection, change: TreeChange): Outcome {
  return db.write(() => {
    const account = accountOf(db, change.account) ?? { id: 0, modseq: 0 };
    if (account.modseq !== change.before) return "conflict";
    const planned = plannedTree(treeAccess(db, account), change);
    writeMailboxes(db, writeAccount(db, change.account, change.after), planned);
    return "applied";
  });
}

function writeBlocks(db: Connection, mailbox: number, change: MailboxChange): void {
  const references = new ReferenceCounter(db);
  const blocks = new BlockTable(db, mailbox);
  const access: BlockAccess = {
    load: (no) => blocks.load(no),
    save: (block) => blocks.save(block),
    remove: (no) => blocks.remove(no),
    all: () => blocks.all(),
    withTombstonesUpTo: (modseq) => blocks.withTombstonesUpTo(modseq),
    addReferences: (guids) => references.add(guids),
    dropReferences: (guids) => references.drop(guids),
  };
  writeRecords(change, access);
  references.flush();
}

function changeEntry(
  db: Connection,
  account: StoredAccount,
  old: StoredMailbox,
  next: Mailbox,
  change: MailboxChange,
): void {
  if (change.entry === undefined) return;
  checkEntryChange(treeAccess(db, account), old.entry.mailboxId, next, change.entry);
  writeAccount(db, change.account, change.entry.treeAfter);
  writeEntry(db, account.id, old.key, next.entry);
  if (next.entry.mailboxId !== old.entry.mailboxId)
    moveCursors(db, change.account, old.entry.mailboxId, next.entry.mailboxId);
}
