/**
 * The tables of accounts, mailboxes, aliases and cursors. Every function runs in whatever transaction is open.
 */
import { compareText } from "../../model/flags.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import type { Cursor, MailboxState } from "../../model/state.ts";
import type { TreeAccess } from "../shared/tree.ts";
import type { AccountTree, CursorRow, Mailbox } from "../store.ts";
import type { Connection } from "./connection.ts";

/** A mailbox with the key of its row, which its blocks carry. */
export interface StoredMailbox extends Mailbox {
  readonly key: number;
}

export interface StoredAccount {
  readonly id: number;
  readonly modseq: number;
}

type Row = [key: number, entry: string, ...state: [number, number, number, number, number, number, number]];

const COLUMNS = "key, entry, uid_validity, uid_next, highest_modseq, purged_modseq, live, crc, crc_c";

export function accountNames(db: Connection): string[] {
  return db
    .rows<[string]>("SELECT name FROM account")
    .map(([name]) => name)
    .sort(compareText);
}

export function accountOf(db: Connection, name: string): StoredAccount | null {
  const row = db.row<[number, number]>("SELECT id, modseq FROM account WHERE name = ?", name);
  return row === undefined ? null : { id: row[0], modseq: row[1] };
}

export function treeOf(db: Connection, name: string): AccountTree {
  const account = accountOf(db, name);
  if (account === null) return { modseq: 0, mailboxes: [] };
  const rows = db.rows<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE account = ? ORDER BY mailbox_id`, account.id);
  return { modseq: account.modseq, mailboxes: rows.map(toMailbox).map(({ entry, state }) => ({ entry, state })) };
}

/** By exact id. */
export function mailboxById(db: Connection, account: number, mailboxId: string): StoredMailbox | null {
  return found(db.row<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE account = ? AND mailbox_id = ?`, account, mailboxId));
}

/** By id or alias. */
export function findMailbox(db: Connection, account: string, mailboxId: string): StoredMailbox | null {
  const { id } = accountOf(db, account) ?? { id: 0 };
  return mailboxById(db, id, mailboxId) ?? mailboxByAlias(db, id, mailboxId);
}

export function findMailboxNamed(db: Connection, account: string, name: string): StoredMailbox | null {
  return mailboxByName(db, accountOf(db, account)?.id ?? 0, name);
}

/** What the checks of a changed tree look up. */
export function treeAccess(db: Connection, account: StoredAccount): TreeAccess {
  const idOf = (mailbox: Mailbox | null) => mailbox?.entry.mailboxId ?? null;
  return {
    modseq: account.modseq,
    byId: (mailboxId) => mailboxById(db, account.id, mailboxId),
    aliasHolder: (alias) => idOf(mailboxByAlias(db, account.id, alias)),
    nameHolder: (name) => idOf(mailboxByName(db, account.id, name)),
  };
}

/** Writes the account's tree modseq; creates the account if it is new. Returns its id. */
export function writeAccount(db: Connection, name: string, modseq: number): number {
  const known = accountOf(db, name);
  if (known === null) return db.insert("INSERT INTO account (name, modseq) VALUES (?, ?)", name, modseq);
  db.run("UPDATE account SET modseq = ? WHERE id = ?", modseq, known.id);
  return known.id;
}

/** Writes mailboxes that are matched by id, new ones too. Names may move among them. */
export function writeMailboxes(db: Connection, account: number, mailboxes: readonly Mailbox[]): void {
  const keys = mailboxes.map(({ entry }) => mailboxById(db, account, entry.mailboxId)?.key ?? null);
  for (const key of keys) if (key !== null) db.run("UPDATE mailbox SET name = NULL WHERE key = ?", key);
  for (const [i, mailbox] of mailboxes.entries()) {
    const key = keys[i] ?? insertMailbox(db, account, mailbox.entry);
    writeEntry(db, account, key, mailbox.entry);
    writeState(db, key, mailbox.state);
  }
}

export function writeState(db: Connection, key: number, state: MailboxState): void {
  db.run(
    `UPDATE mailbox SET uid_validity = ?, uid_next = ?, highest_modseq = ?, purged_modseq = ?, live = ?, crc = ?, crc_c = ?
     WHERE key = ?`,
    state.uidValidity,
    state.uidNext,
    state.highestModseq,
    state.purgedModseq,
    state.digest.count,
    state.digest.crc,
    state.digest.crcC,
    key,
  );
}

export function writeEntry(db: Connection, account: number, key: number, entry: MailboxEntry): void {
  db.run(
    "UPDATE mailbox SET mailbox_id = ?, name = ?, entry = ? WHERE key = ?",
    entry.mailboxId,
    entry.deleted ? null : entry.name,
    JSON.stringify(entry),
    key,
  );
  db.run("DELETE FROM alias WHERE mailbox = ?", key);
  for (const alias of entry.aliases) db.run("INSERT OR IGNORE INTO alias VALUES (?, ?, ?)", account, alias, key);
}

export function peerEpochs(db: Connection): string[] {
  return db
    .rows<[string]>("SELECT DISTINCT peer FROM cursor")
    .map(([peer]) => peer)
    .sort(compareText);
}

export function cursorsOf(db: Connection, peer: string): CursorRow[] {
  const rows = db.rows<[string, string, string]>("SELECT account, mailbox_id, value FROM cursor WHERE peer = ?", peer);
  return rows
    .map(([account, mailboxId, value]) => ({ account, mailboxId, cursor: JSON.parse(value) as Cursor }))
    .sort((a, b) => compareText(a.account, b.account) || compareText(a.mailboxId, b.mailboxId));
}

export function writeCursor(db: Connection, peer: string, { account, mailboxId, cursor }: CursorRow): void {
  db.run("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", peer, account, mailboxId, JSON.stringify(cursor));
}

/** A mailbox keeps its cursors under a new id. */
export function moveCursors(db: Connection, account: string, from: string, to: string): void {
  db.run("UPDATE OR REPLACE cursor SET mailbox_id = ? WHERE account = ? AND mailbox_id = ?", to, account, from);
}

function insertMailbox(db: Connection, account: number, entry: MailboxEntry): number {
  return db.insert("INSERT INTO mailbox VALUES (NULL, ?, ?, NULL, '', 0, 0, 0, 0, 0, 0, 0)", account, entry.mailboxId);
}

function mailboxByAlias(db: Connection, account: number, alias: string): StoredMailbox | null {
  const keys = "SELECT mailbox FROM alias WHERE account = ? AND alias = ?";
  return found(db.row<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE key IN (${keys}) ORDER BY key`, account, alias));
}

function mailboxByName(db: Connection, account: number, name: string): StoredMailbox | null {
  return found(db.row<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE account = ? AND name = ?`, account, name));
}

function found(row: Row | undefined): StoredMailbox | null {
  return row === undefined ? null : toMailbox(row);
}

function toMailbox(row: Row): StoredMailbox {
  const [key, entry, uidValidity, uidNext, highestModseq, purgedModseq, count, crc, crcC] = row;
  const digest = { count, crc, crcC };
  return {
    key,
    entry: JSON.parse(entry) as MailboxEntry,
    state: { uidValidity, uidNext, highestModseq, purgedModseq, digest },
  };
}
