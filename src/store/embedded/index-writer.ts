/**
 * The one writer of the index: a change of a mailbox or of a tree, inside the transaction that its caller opened.
 */
import { type MailboxDigest, sameState } from "../../model/state.ts";
import { mailboxNotFound } from "../shared/errors.ts";
import { hasMet, isLogged } from "../shared/log-entries.ts";
import { checkEntryChange, isDeletedMeanwhile, plannedTree, strandedBy } from "../shared/tree.ts";
import { type BlockAccess, writeRecords } from "../shared/write-records.ts";
import type { CursorRow, Mailbox, MailboxChange, Outcome, TreeChange } from "../store.ts";
import { BlockTable } from "./block-table.ts";
import type { BodyTable } from "./body-table.ts";
import type { LogTable } from "./change-log.ts";
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
export function applyChange(bodies: BodyTable, log: LogTable, change: MailboxChange): Outcome {
  const { db } = bodies;
  const mailbox = findMailbox(db, change.account, change.mailboxId);
  if (mailbox === null) throw mailboxNotFound(change.account, change.mailboxId);
  if (!sameState(mailbox.state, change.before) || isDeletedMeanwhile(mailbox, change)) return "conflict";
  const account = change.entry === undefined ? null : accountOf(db, change.account);
  if (change.entry !== undefined && change.entry.treeBefore !== account?.modseq) return "conflict";
  const tombstones = writeBlocks(bodies, mailbox, change);
  const next = { entry: change.entry?.value ?? mailbox.entry, state: change.after, tombstones };
  writeState(db, mailbox.key, next);
  if (account !== null) changeEntry(db, account, mailbox, next, change);
  noteApplied(db, log, change, mailbox.entry.mailboxId, next);
  if (account !== null) log.changed(strandedBy(treeAccess(db, account), change.account, [next.entry]));
  return "applied";
}

/** See `MailboxStore.saveCursors`. */
export function saveCursor(db: Connection, log: LogTable, peer: string, row: CursorRow): void {
  writeCursor(db, peer, row);
  const mailbox = log.isWaiting(peer, row) ? findMailbox(db, row.account, row.mailboxId) : null;
  if (mailbox !== null && hasMet(mailbox, row.cursor)) log.met(peer, row);
}

/** See `MailboxStore.applyTree`. */
export function applyTreeChange(db: Connection, log: LogTable, change: TreeChange): Outcome {
  const account = accountOf(db, change.account) ?? { id: 0, modseq: 0 };
  if (account.modseq !== change.before) return "conflict";
  const planned = plannedTree(treeAccess(db, account), change);
  const id = writeAccount(db, change.account, change.after);
  writeMailboxes(db, id, planned);
  const entries = planned.map(({ entry }) => entry);
  log.changed(
    entries.map(({ mailboxId }) => ({ account: change.account, mailboxId })),
    change.origin,
  );
  log.changed(strandedBy(treeAccess(db, { ...account, id }), change.account, entries));
  return "applied";
}

/** Returns the digest of the tombstones that are left. */
function writeBlocks(bodies: BodyTable, { key, tombstones }: StoredMailbox, change: MailboxChange): MailboxDigest {
  const references = new ReferenceCounter(bodies);
  const blocks = new BlockTable(bodies.db, key);
  const access: BlockAccess = {
    load: (no) => blocks.load(no),
    save: (block) => blocks.save(block),
    remove: (no) => blocks.remove(no),
    all: () => blocks.all(),
    withTombstonesUpTo: (modseq) => blocks.withTombstonesUpTo(modseq),
    addReferences: (guids) => references.add(guids),
    dropReferences: (guids) => references.drop(guids),
  };
  const left = writeRecords(change, access, tombstones);
  references.flush();
  return left;
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
}

/** What is kept beside the mailbox: cursors and the change log, both under its id of now. */
function noteApplied(db: Connection, log: LogTable, change: MailboxChange, oldId: string, next: Mailbox): void {
  const { account, cursor } = change;
  const { mailboxId } = next.entry;
  if (mailboxId !== oldId) {
    moveCursors(db, account, oldId, mailboxId);
    log.moved(account, oldId, mailboxId);
  }
  if (isLogged(change)) log.changed([{ account, mailboxId }], change.origin);
  if (cursor === undefined) return;
  writeCursor(db, cursor.peer, { account, mailboxId, cursor: cursor.cursor });
  if (hasMet(next, cursor.cursor)) log.met(cursor.peer, { account, mailboxId });
}
