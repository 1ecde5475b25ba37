/**
 * The tables of accounts, mailboxes, aliases and cursors. Every function runs in whatever transaction is open.
 */
import { compareText } from "../../model/flags.ts";
import type { MailboxEntry } from "../../model/mailbox.ts";
import { type AgreedState, type Cursor, sameAgreed } from "../../model/state.ts";
import type { TreeAccess } from "../shared/tree.ts";
import type { AccountTree, CursorRow, Mailbox } from "../store.ts";
import { type Connection, upsert } from "./connection.ts";
import { damaged, rowSum } from "./row-sums.ts";

/** A mailbox with the key of its row, which its blocks carry. */
export interface StoredMailbox extends Mailbox {
  readonly key: number;
}

export interface StoredAccount {
  readonly id: number;
  readonly modseq: number;
}

type Lanes = [count: number, crc: number, crcC: number];
type Counters = [uidValidity: number, uidNext: number, highestModseq: number, purgedModseq: number];
type Sums = [entrySum: number, stateSum: number];
type Row = [
  key: number,
  account: number,
  mailboxId: string,
  name: string | null,
  entry: string,
  ...counters: Counters,
  ...sums: Sums,
  ...live: Lanes,
  ...dead: Lanes,
];

const COLUMNS = `key, account, mailbox_id, name, entry, uid_validity, uid_next, highest_modseq, purged_modseq,
  entry_sum, state_sum, live, crc, crc_c, dead, dead_crc, dead_crc_c`;

const OF_ACCOUNT = "account = (SELECT id FROM account WHERE name = ?)";

export function accountNames(db: Connection): string[] {
  return db
    .rows<[string]>("SELECT name FROM account")
    .map(([name]) => name)
    .sort(compareText);
}

export function accountOf(db: Connection, name: string): StoredAccount | null {
  const row = db.row<[number, number, number]>("SELECT id, modseq, sum FROM account WHERE name = ?", name);
  if (row === undefined) return null;
  const [id, modseq, sum] = row;
  if (sum !== rowSum(id, name, modseq)) throw damaged(`The account ${JSON.stringify(name)}`);
  return { id, modseq };
}

export function treeOf(db: Connection, name: string): AccountTree {
  const account = accountOf(db, name);
  if (account === null) return { modseq: 0, mailboxes: [] };
  const rows = db.rows<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE account = ? ORDER BY mailbox_id`, account.id);
  return { modseq: account.modseq, mailboxes: rows.map(toMailbox).map(withoutKey) };
}

/** By exact id. */
export function mailboxById(db: Connection, account: number, mailboxId: string): StoredMailbox | null {
  return found(db.row<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE account = ? AND mailbox_id = ?`, account, mailboxId));
}

/** By id or alias. */
export function findMailbox(db: Connection, account: string, mailboxId: string): StoredMailbox | null {
  const sql = `SELECT ${COLUMNS} FROM mailbox WHERE ${OF_ACCOUNT} AND mailbox_id = ?`;
  return found(db.row<Row>(sql, account, mailboxId)) ?? findByAlias(db, account, mailboxId);
}

export function findMailboxNamed(db: Connection, account: string, name: string): StoredMailbox | null {
  return found(db.row<Row>(`SELECT ${COLUMNS} FROM mailbox WHERE ${OF_ACCOUNT} AND name = ?`, account, name));
}

function findByAlias(db: Connection, account: string, alias: string): StoredMailbox | null {
  const { id } = accountOf(db, account) ?? { id: 0 };
  return mailboxByAlias(db, id, alias);
}

export function withoutKey({ entry, state, tombstones }: Mailbox): Mailbox {
  return { entry, state, tombstones };
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
  const id = accountOf(db, name)?.id ?? db.insert("INSERT INTO account (name, modseq, sum) VALUES (?, 0, 0)", name);
  db.run("UPDATE account SET modseq = ?, sum = ? WHERE id = ?", modseq, rowSum(id, name, modseq), id);
  return id;
}

/** Writes mailboxes that are matched by id, new ones too. Names may move among them. */
export function writeMailboxes(db: Connection, account: number, mailboxes: readonly Mailbox[]): void {
  const keys = mailboxes.map(({ entry }) => mailboxById(db, account, entry.mailboxId)?.key ?? null);
  for (const key of keys) if (key !== null) db.run("UPDATE mailbox SET name = NULL WHERE key = ?", key);
  for (const [i, mailbox] of mailboxes.entries()) {
    const key = keys[i] ?? insertMailbox(db, account, mailbox.entry);
    writeEntry(db, account, key, mailbox.entry);
    writeState(db, key, mailbox);
  }
}

/** Writes all of a mailbox but its entry. */
export function writeState(db: Connection, key: number, { state, tombstones }: Omit<Mailbox, "entry">): void {
  db.run(
    `UPDATE mailbox SET uid_validity = ?, uid_next = ?, highest_modseq = ?, purged_modseq = ?, live = ?, crc = ?, crc_c = ?,
     dead = ?, dead_crc = ?, dead_crc_c = ?, state_sum = ? WHERE key = ?`,
    state.uidValidity,
    state.uidNext,
    state.highestModseq,
    state.purgedModseq,
    state.digest.count,
    state.digest.crc,
    state.digest.crcC,
    tombstones.count,
    tombstones.crc,
    tombstones.crcC,
    rowSum(key, state.uidValidity, state.uidNext, state.highestModseq, state.purgedModseq),
    key,
  );
}

export function writeEntry(db: Connection, account: number, key: number, entry: MailboxEntry): void {
  const name = entry.deleted ? null : entry.name;
  const text = JSON.stringify(entry);
  const sum = rowSum(key, account, entry.mailboxId, name, text);
  const sql = "UPDATE mailbox SET mailbox_id = ?, name = ?, entry = ?, entry_sum = ? WHERE key = ?";
  db.run(sql, entry.mailboxId, name, text, sum, key);
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
  const sql = "SELECT account, mailbox_id, value, sum FROM cursor WHERE peer = ?";
  return db
    .rows<[string, string, string, number]>(sql, peer)
    .flatMap(([account, mailboxId, value, sum]) => {
      const cursor = soundCursor(peer, account, mailboxId, value, sum);
      return cursor === null ? [] : [{ account, mailboxId, cursor }];
    })
    .sort((a, b) => compareText(a.account, b.account) || compareText(a.mailboxId, b.mailboxId));
}

/** By exact id. */
export function cursorOf(db: Connection, peer: string, account: string, mailboxId: string): Cursor | null {
  const sql = "SELECT value, sum FROM cursor WHERE peer = ? AND account = ? AND mailbox_id = ?";
  const row = db.row<[string, number]>(sql, peer, account, mailboxId);
  return row === undefined ? null : soundCursor(peer, account, mailboxId, ...row);
}

/** A damaged cursor is none: the mailbox is compared as a whole then. */
function soundCursor(peer: string, account: string, mailboxId: string, value: string, sum: number): Cursor | null {
  if (sum !== rowSum(peer, account, mailboxId, value)) return null;
  const [first, second] = JSON.parse(value) as [PackedState, (PackedState | null)?];
  const latest = unpackState(first);
  return { latest, agreed: second === undefined ? latest : second && unpackState(second) };
}

type PackedState = [
  uidValidity: number,
  uidNext: number,
  highestModseq: number,
  purgedModseq: number,
  count: number,
  crc: number,
  crcC: number,
  entryModseq: number,
];

function packState({ digest, ...state }: AgreedState): PackedState {
  const { uidValidity, uidNext, highestModseq, purgedModseq, entryModseq } = state;
  return [uidValidity, uidNext, highestModseq, purgedModseq, digest.count, digest.crc, digest.crcC, entryModseq];
}

function unpackState(packed: PackedState): AgreedState {
  const [uidValidity, uidNext, highestModseq, purgedModseq, count, crc, crcC, entryModseq] = packed;
  return { uidValidity, uidNext, highestModseq, purgedModseq, digest: { count, crc, crcC }, entryModseq };
}

const WRITE_CURSOR = upsert("cursor", ["peer", "account", "mailbox_id"], ["value", "sum"]);

export function writeCursor(db: Connection, peer: string, { account, mailboxId, cursor }: CursorRow): void {
  const { latest, agreed } = cursor;
  const second = sameAgreed(latest, agreed) ? [] : [agreed && packState(agreed)];
  const value = JSON.stringify([packState(latest), ...second]);
  const sum = rowSum(peer, account, mailboxId, value);
  db.run(WRITE_CURSOR, peer, account, mailboxId, value, sum);
}

/** A mailbox keeps its cursors under a new id. */
export function moveCursors(db: Connection, account: string, from: string, to: string): void {
  const rows = db.rows<[string]>("SELECT peer FROM cursor WHERE account = ? AND mailbox_id = ?", account, from);
  for (const [peer] of rows) {
    const cursor = cursorOf(db, peer, account, from);
    if (cursor !== null) writeCursor(db, peer, { account, mailboxId: to, cursor });
  }
  db.run("DELETE FROM cursor WHERE account = ? AND mailbox_id = ?", account, from);
}

/** Names of the mailboxes whose rows do not fit their checksums, or whose aliases are not those of their entries. */
export function damagedMailboxes(db: Connection): string[] {
  const names: string[] = [];
  for (const row of db.rows<Row>(`SELECT ${COLUMNS} FROM mailbox ORDER BY key`)) {
    const [key, , id, name] = row;
    const aliases = db.rows<[string]>("SELECT alias FROM alias WHERE mailbox = ?", key).map(([alias]) => alias);
    if (!isSoundRow(row) || !sameWords(aliases, toMailbox(row).entry.aliases)) names.push(name ?? id);
  }
  return names;
}

/** How many cursors do not fit their checksums. */
export function cursorFaults(db: Connection): number {
  const rows = db.rows<[string, string, string, string, number]>(
    "SELECT peer, account, mailbox_id, value, sum FROM cursor",
  );
  return rows.filter((row) => soundCursor(...row) === null).length;
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === new Set(b).size && a.every((word) => b.includes(word));
}

function insertMailbox(db: Connection, account: number, entry: MailboxEntry): number {
  return db.insert(
    "INSERT INTO mailbox VALUES (NULL, ?, ?, NULL, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    account,
    entry.mailboxId,
  );
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
  if (!isSoundRow(row)) throw damaged(`What is kept of mailbox ${JSON.stringify(row[3] ?? row[2])}`);
  const [key, , , , entry, uidValidity, uidNext, highestModseq, purgedModseq, , , count, crc, crcC, ...dead] = row;
  const digest = { count, crc, crcC };
  const [buried, deadCrc, deadCrcC] = dead;
  return {
    key,
    entry: JSON.parse(entry) as MailboxEntry,
    state: { uidValidity, uidNext, highestModseq, purgedModseq, digest },
    tombstones: { count: buried, crc: deadCrc, crcC: deadCrcC },
  };
}

function isSoundRow(row: Row): boolean {
  const [key, account, id, name, entry, uidValidity, uidNext, highestModseq, purgedModseq, entrySum, stateSum] = row;
  return (
    entrySum === rowSum(key, account, id, name, entry) &&
    stateSum === rowSum(key, uidValidity, uidNext, highestModseq, purgedModseq)
  );
}
