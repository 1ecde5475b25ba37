/**
 * The tables of channels and their change log. Every method runs in whatever transaction is open.
 */
import type { ErrorCode } from "../../model/errors.ts";
import { compareText } from "../../model/flags.ts";
import type { Backlog, ChannelRow, LogEntry, Settlement } from "../change-log.ts";
import {
  changedEntry,
  doneEntry,
  failedEntry,
  isAhead,
  type LoggedMailbox,
  type LogMoment,
  newEntry,
  unitedEntry,
} from "../shared/log-entries.ts";
import { type Connection, upsert } from "./connection.ts";
import { rowSum } from "./row-sums.ts";

type Row = [
  account: string,
  mailboxId: string,
  seq: number,
  firstSeq: number,
  since: number,
  failures: number,
  nextTry: number,
  errorCode: ErrorCode | null,
  errorMessage: string | null,
  allowed: number,
  sum: number,
];

const COLUMNS =
  "account, mailbox_id, seq, first_seq, since, failures, next_try, error_code, error_message, allowed, sum";
const WRITE = upsert("change_log", ["channel", "account", "mailbox_id"], COLUMNS.split(", ").slice(2));
const OF_CHANNEL = "channel = (SELECT id FROM channel WHERE name = ?)";
const OF_MAILBOX = "channel = ? AND account = ? AND mailbox_id = ?";

export class LogTable {
  readonly #db: Connection;
  readonly #now: () => number;
  readonly #touched: () => void;

  /** @param touched called whenever something is written; also if it is undone later. */
  constructor(db: Connection, now: () => number, touched: () => void) {
    this.#db = db;
    this.#now = now;
    this.#touched = touched;
  }

  /** Logs a change of `mailboxes` to every channel but those to the node it came from. */
  changed(mailboxes: readonly LoggedMailbox[], origin?: string | undefined): void {
    if (mailboxes.length === 0) return;
    // The comparison is NULL, not true or false, if there is no origin or the peer is unknown.
    const sql = "SELECT id FROM channel WHERE (peer = ?) IS NOT TRUE";
    const channels = this.#db.rows<[number]>(sql, origin ?? null);
    if (channels.length === 0) return;
    for (const mailbox of mailboxes) {
      const moment = this.#nextMoment();
      for (const [channel] of channels) this.#log(channel, mailbox, moment);
    }
  }

  /** Whether anything of a mailbox waits for a peer. */
  isWaiting(peer: string, { account, mailboxId }: LoggedMailbox): boolean {
    const sql = "SELECT 1 FROM change_log WHERE channel IN (SELECT id FROM channel WHERE peer = ?)";
    return this.#db.row(`${sql} AND account = ? AND mailbox_id = ?`, peer, account, mailboxId) !== undefined;
  }

  /** A peer is where the mailbox is: nothing of it waits for that peer. */
  met(peer: string, mailbox: LoggedMailbox): void {
    for (const [channel] of this.#db.rows<[number]>("SELECT id FROM channel WHERE peer = ?", peer)) {
      if (this.#remove(channel, mailbox) === 0) continue;
      this.#touch(1);
      this.#writeSuccess(channel, mailbox.account, this.#now());
    }
  }

  /** A mailbox keeps its entries under a new id. */
  moved(account: string, from: string, to: string): void {
    for (const [channel] of this.#db.rows<[number]>("SELECT id FROM channel")) {
      const entry = this.#entry(channel, { account, mailboxId: from });
      if (entry === null) continue;
      this.#touch(this.#remove(channel, entry));
      const moved = { ...entry, mailboxId: to };
      const kept = this.#entry(channel, moved);
      this.#write(channel, kept === null ? moved : unitedEntry(kept, moved));
    }
  }

  channels(): ChannelRow[] {
    const rows = this.#db.rows<[string, string | null, string]>("SELECT name, peer, note FROM channel");
    return rows.map(([name, peer, note]) => ({ name, peer, note })).sort((a, b) => compareText(a.name, b.name));
  }

  addChannel(name: string): void {
    const known = this.#channel(name);
    if (known !== null) this.#mend(known);
    else this.#insertChannel(name);
  }

  #insertChannel(name: string): void {
    const id = this.#db.insert("INSERT INTO channel VALUES (NULL, ?, NULL, '', 0)", name);
    this.#touch(this.#db.run("UPDATE channel SET sum = ? WHERE id = ?", rowSum(id, name, null), id));
  }

  removeChannel(name: string): void {
    this.#db.run(`DELETE FROM change_log WHERE ${OF_CHANNEL}`, name);
    this.#db.run(`DELETE FROM channel_success WHERE ${OF_CHANNEL}`, name);
    this.#touch(this.#db.run("DELETE FROM channel WHERE name = ?", name));
  }

  noteChannel({ name, peer, note }: ChannelRow): void {
    const changed = "name = ? AND (peer IS NOT ? OR note <> ?)";
    const sql = `UPDATE channel SET peer = ?, note = ?, sum = ? WHERE ${changed}`;
    this.#touch(this.#db.run(sql, peer, note, rowSum(this.#channel(name), name, peer), name, peer, note));
  }

  add(name: string, mailboxes: readonly LoggedMailbox[]): void {
    const channel = this.#channel(name);
    if (channel === null) return;
    for (const mailbox of mailboxes) {
      const known = this.#entry(channel, mailbox);
      if (known === null || isAhead(known, this.#now())) this.#log(channel, mailbox, this.#nextMoment(), known);
    }
  }

  due(name: string, now: number, limit: number): LogEntry[] {
    const due = `${OF_CHANNEL} AND next_try <= ? ORDER BY next_try, first_seq LIMIT ?`;
    return this.#db.rows<Row>(`SELECT ${COLUMNS} FROM change_log WHERE ${due}`, name, now, limit).map(toEntry);
  }

  nextDue(name: string, now: number): number | null {
    const sql = `SELECT MIN(next_try) FROM change_log WHERE ${OF_CHANNEL} AND next_try > ?`;
    return this.#db.row<[number | null]>(sql, name, now)?.[0] ?? null;
  }

  settle(name: string, settlements: readonly Settlement[]): void {
    const channel = this.#channel(name);
    if (channel === null) return;
    for (const settlement of settlements) this.#settleOne(channel, settlement);
    this.#noteSuccess(channel, settlements);
  }

  allow(name: string, account: string | null): number {
    const channel = this.#channel(name);
    if (channel === null) return 0;
    const held = "channel = ? AND error_code = 'brake' AND account = IFNULL(?, account)";
    const rows = this.#db.rows<Row>(`SELECT ${COLUMNS} FROM change_log WHERE ${held}`, channel, account);
    for (const entry of rows.map(toEntry))
      this.#write(channel, { ...entry, allowed: true, nextTry: Math.min(entry.nextTry, this.#now()) });
    this.#touch(rows.length);
    return rows.length;
  }

  backlog(name: string): Backlog[] {
    const successes = new Map(
      this.#db.rows<[string, number]>(`SELECT account, at FROM channel_success WHERE ${OF_CHANNEL}`, name),
    );
    const failed = new Map(this.#nextFailed(name).map((entry) => [entry.account, entry]));
    const sums = `SELECT account, COUNT(*), MIN(since), SUM(failures > 0) FROM change_log WHERE ${OF_CHANNEL}`;
    const waiting = this.#db.rows<[string, number, number, number]>(`${sums} GROUP BY account`, name);
    const all = waiting.map(([account, count, oldest, failing]) => {
      const lastSuccess = successes.get(account) ?? null;
      successes.delete(account);
      return { account, waiting: count, oldest, failing, failed: failed.get(account) ?? null, lastSuccess };
    });
    const idle = [...successes].map(([account, lastSuccess]) => {
      return { account, waiting: 0, oldest: null, failing: 0, failed: null, lastSuccess };
    });
    return [...all, ...idle].sort((a, b) => compareText(a.account, b.account));
  }

  lastSeq(): number {
    const [last, sum] = this.#db.row<[number, number]>("SELECT last, sum FROM log_sequence") ?? [0, -1];
    if (sum === rowSum(last)) return last;
    return this.#db.row<[number]>("SELECT coalesce(max(seq), 0) FROM change_log")?.[0] ?? 0;
  }

  countUpTo(name: string, seq: number): number {
    const sql = `SELECT COUNT(*) FROM change_log WHERE ${OF_CHANNEL} AND first_seq <= ?`;
    return this.#db.row<[number]>(sql, name, seq)?.[0] ?? 0;
  }

  /** A sentence for each entry, channel or number that does not fit its checksum. */
  faults(): string[] {
    const faults: string[] = [];
    const rows = this.#db.rows<[number, ...Row]>(`SELECT channel, ${COLUMNS} FROM change_log`);
    for (const [channel, ...row] of rows)
      if (!isSoundRow(channel, row))
        faults.push(`What waits of account ${JSON.stringify(row[0])} is damaged in the change log.`);
    for (const [id, name, peer, sum] of this.#db.rows<[number, string, string | null, number]>(
      "SELECT id, name, peer, sum FROM channel",
    ))
      if (sum !== rowSum(id, name, peer)) faults.push(`The channel ${JSON.stringify(name)} is damaged.`);
    const [last, sum] = this.#db.row<[number, number]>("SELECT last, sum FROM log_sequence") ?? [0, -1];
    if (sum !== rowSum(last)) faults.push("The number of the newest logged change is damaged.");
    return faults;
  }

  #settleOne(channel: number, settlement: Settlement): void {
    this.#touch(1);
    if (settlement.kind === "done" && this.#removeUnchanged(channel, settlement)) return;
    const old = this.#entry(channel, settlement);
    if (settlement.kind === "failed") {
      const failed = failedEntry(old, settlement, () => this.#nextMoment());
      if (failed !== null) this.#write(channel, failed);
      return;
    }
    const left = old === null ? null : doneEntry(old, settlement);
    if (left !== null) this.#write(channel, left);
    else if (old !== null) this.#remove(channel, old);
  }

  /** What nearly always is all there is to do: the entry is as it was read. False if it is not. */
  #removeUnchanged(channel: number, { account, mailboxId, seq }: Extract<Settlement, { kind: "done" }>): boolean {
    return this.#db.run(`DELETE FROM change_log WHERE ${OF_MAILBOX} AND seq = ?`, channel, account, mailboxId, seq) > 0;
  }

  #noteSuccess(channel: number, settlements: readonly Settlement[]): void {
    const latest = new Map<string, number>();
    for (const settlement of settlements) if (settlement.kind === "done") latest.set(settlement.account, settlement.at);
    for (const [account, at] of latest) this.#writeSuccess(channel, account, at);
  }

  #writeSuccess(channel: number, account: string, at: number): void {
    this.#db.run("INSERT OR REPLACE INTO channel_success VALUES (?, ?, ?)", channel, account, at);
  }

  /** Of each account that fails the failing entry that is tried next: SQLite takes the other columns from MIN's row. */
  #nextFailed(name: string): LogEntry[] {
    const columns = COLUMNS.replace("next_try", "MIN(next_try)");
    const sql = `SELECT ${columns} FROM change_log WHERE ${OF_CHANNEL} AND failures > 0 GROUP BY account`;
    return this.#db.rows<Row>(sql, name).map(toEntry);
  }

  #channel(name: string): number | null {
    return this.#db.row<[number]>("SELECT id FROM channel WHERE name = ?", name)?.[0] ?? null;
  }

  #entry(channel: number, { account, mailboxId }: LoggedMailbox): LogEntry | null {
    const sql = `SELECT ${COLUMNS} FROM change_log WHERE ${OF_MAILBOX}`;
    const row = this.#db.row<Row>(sql, channel, account, mailboxId);
    return row === undefined ? null : toEntry(row);
  }

  /** A mailbox that changes again keeps its entry. */
  #log(channel: number, mailbox: LoggedMailbox, moment: LogMoment, known = this.#entry(channel, mailbox)): void {
    this.#write(channel, known === null ? newEntry(mailbox, moment) : changedEntry(known, moment));
    this.#touch(1);
  }

  #write(channel: number, entry: LogEntry): void {
    const values = [
      entry.account,
      entry.mailboxId,
      entry.seq,
      entry.firstSeq,
      entry.since,
      entry.failures,
      entry.nextTry,
      entry.error?.code ?? null,
      entry.error?.message ?? null,
      entry.allowed ? 1 : 0,
    ];
    this.#db.run(WRITE, channel, ...values, rowSum(channel, ...values));
  }

  /** In the place of damaged entries the whole account is compared: nobody knows any more what they told of. */
  #mend(channel: number): void {
    const rows = this.#db.rows<Row>(`SELECT ${COLUMNS} FROM change_log WHERE channel = ?`, channel);
    for (const row of rows.filter((one) => !isSoundRow(channel, one))) {
      const entry = toEntry(row);
      this.#remove(channel, entry);
      this.#log(channel, { account: entry.account, mailboxId: "" }, this.#nextMoment());
    }
  }

  #remove(channel: number, { account, mailboxId }: LoggedMailbox): number {
    return this.#db.run(`DELETE FROM change_log WHERE ${OF_MAILBOX}`, channel, account, mailboxId);
  }

  #nextMoment(): LogMoment {
    const seq = this.lastSeq() + 1;
    this.#db.run("UPDATE log_sequence SET last = ?, sum = ?", seq, rowSum(seq));
    return { seq, at: this.#now() };
  }

  #touch(rows: number): void {
    if (rows > 0) this.#touched();
  }
}

function isSoundRow(channel: number, row: Row): boolean {
  return row.at(-1) === rowSum(channel, ...row.slice(0, -1));
}

function toEntry(row: Row): LogEntry {
  const [account, mailboxId, seq, firstSeq, since, failures, nextTry, code, message, allowed] = row;
  const error = code === null ? null : { code, message: message ?? "" };
  return { account, mailboxId, seq, firstSeq, since, failures, nextTry, error, allowed: allowed === 1 };
}
