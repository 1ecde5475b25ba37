/**
 * The change log in memory.
 */
import { compareText } from "../../model/flags.ts";
import type { Backlog, ChangeLog, ChannelRow, LogEntry, Settlement } from "../change-log.ts";
import { Listeners } from "../shared/listeners.ts";
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

interface MemoryChannel {
  row: ChannelRow;
  /** By mailbox, see `keyOf`. */
  readonly entries: Map<string, LogEntry>;
  /** By account, in milliseconds since 1970. */
  readonly successes: Map<string, number>;
}

export class MemoryLog implements ChangeLog {
  readonly #now: () => number;
  readonly #channels = new Map<string, MemoryChannel>();
  readonly #listeners = new Listeners();
  #lastSeq = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Logs a change of `mailboxes` to every channel but those to the node it came from. Part of the change's commit. */
  changed(mailboxes: readonly LoggedMailbox[], origin?: string | undefined): void {
    const channels = [...this.#channels.values()].filter(({ row }) => origin === undefined || row.peer !== origin);
    if (channels.length === 0 || mailboxes.length === 0) return;
    for (const mailbox of mailboxes) {
      const moment = this.#nextMoment();
      for (const channel of channels) log(channel, mailbox, moment);
    }
    this.#listeners.notify();
  }

  /** A peer is where the mailbox is: nothing of it waits for that peer. Part of the commit that says so. */
  met(peer: string, mailbox: LoggedMailbox): void {
    for (const { row, entries, successes } of this.#channels.values()) {
      if (row.peer !== peer || !entries.delete(keyOf(mailbox))) continue;
      successes.set(mailbox.account, this.#now());
      this.#listeners.notify();
    }
  }

  /** A mailbox keeps its entries under a new id. Part of the change's commit. */
  moved(account: string, from: string, to: string): void {
    for (const { entries } of this.#channels.values()) {
      const entry = entries.get(keyOf({ account, mailboxId: from }));
      if (entry === undefined) continue;
      entries.delete(keyOf(entry));
      const moved = { ...entry, mailboxId: to };
      const kept = entries.get(keyOf(moved));
      entries.set(keyOf(moved), kept === undefined ? moved : unitedEntry(kept, moved));
      this.#listeners.notify();
    }
  }

  async channels(): Promise<ChannelRow[]> {
    const rows = [...this.#channels.values()].map(({ row }) => row);
    return rows.sort((a, b) => compareText(a.name, b.name));
  }

  async addChannel(name: string): Promise<void> {
    if (this.#channels.has(name)) return;
    this.#channels.set(name, { row: { name, peer: null, note: "" }, entries: new Map(), successes: new Map() });
    this.#listeners.notify();
  }

  async removeChannel(name: string): Promise<void> {
    if (this.#channels.delete(name)) this.#listeners.notify();
  }

  async noteChannel({ name, peer, note }: ChannelRow): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel === undefined || (channel.row.peer === peer && channel.row.note === note)) return;
    channel.row = { name, peer, note };
    this.#listeners.notify();
  }

  async add(name: string, mailboxes: readonly LoggedMailbox[]): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    const added = mailboxes.filter((mailbox) => {
      const known = channel.entries.get(keyOf(mailbox));
      if (known !== undefined && !isAhead(known, this.#now())) return false;
      log(channel, mailbox, this.#nextMoment());
      return true;
    });
    if (added.length > 0) this.#listeners.notify();
  }

  async due(name: string, now: number, limit: number): Promise<LogEntry[]> {
    const due = this.#entries(name).filter(({ nextTry }) => nextTry <= now);
    return due.sort((a, b) => a.nextTry - b.nextTry || a.firstSeq - b.firstSeq).slice(0, limit);
  }

  async nextDue(name: string, now: number): Promise<number | null> {
    const later = this.#entries(name).filter(({ nextTry }) => nextTry > now);
    return later.reduce<number | null>((least, { nextTry }) => Math.min(least ?? nextTry, nextTry), null);
  }

  async settle(name: string, settlements: readonly Settlement[]): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel === undefined || settlements.length === 0) return;
    for (const settlement of settlements) this.#settleOne(channel, settlement);
    this.#listeners.notify();
  }

  async allow(name: string, account: string | null): Promise<number> {
    const now = this.#now();
    const held = this.#entries(name).filter(
      (entry) => entry.error?.code === "brake" && (account === null || entry.account === account),
    );
    for (const entry of held) {
      const allowed = { ...entry, nextTry: Math.min(entry.nextTry, now), allowed: true };
      this.#channels.get(name)?.entries.set(keyOf(entry), allowed);
    }
    if (held.length > 0) this.#listeners.notify();
    return held.length;
  }

  async backlog(name: string): Promise<Backlog[]> {
    const successes = this.#channels.get(name)?.successes ?? new Map<string, number>();
    const accounts = new Map<string, LogEntry[]>([...successes.keys()].map((account) => [account, []]));
    for (const entry of this.#entries(name))
      accounts.set(entry.account, [...(accounts.get(entry.account) ?? []), entry]);
    const all = [...accounts].map(([account, entries]) => backlogOf(account, entries, successes.get(account) ?? null));
    return all.sort((a, b) => compareText(a.account, b.account));
  }

  async lastSeq(): Promise<number> {
    return this.#lastSeq;
  }

  async countUpTo(name: string, seq: number): Promise<number> {
    return this.#entries(name).filter(({ firstSeq }) => firstSeq <= seq).length;
  }

  watch(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ends all watching. */
  close(): void {
    this.#listeners.clear();
  }

  #settleOne({ entries, successes }: MemoryChannel, settlement: Settlement): void {
    const key = keyOf(settlement);
    const old = entries.get(key);
    if (settlement.kind === "failed") {
      const failed = failedEntry(old ?? null, settlement, () => this.#nextMoment());
      if (failed !== null) entries.set(key, failed);
      return;
    }
    successes.set(settlement.account, settlement.at);
    const left = old === undefined ? null : doneEntry(old, settlement);
    if (left === null) entries.delete(key);
    else entries.set(key, left);
  }

  #entries(name: string): LogEntry[] {
    return [...(this.#channels.get(name)?.entries.values() ?? [])];
  }

  #nextMoment(): LogMoment {
    return { seq: ++this.#lastSeq, at: this.#now() };
  }
}

function keyOf({ account, mailboxId }: LoggedMailbox): string {
  return JSON.stringify([account, mailboxId]);
}

/** A mailbox that changes again keeps its entry. */
function log({ entries }: MemoryChannel, mailbox: LoggedMailbox, moment: LogMoment): void {
  const old = entries.get(keyOf(mailbox));
  entries.set(keyOf(mailbox), old === undefined ? newEntry(mailbox, moment) : changedEntry(old, moment));
}

function backlogOf(account: string, entries: readonly LogEntry[], lastSuccess: number | null): Backlog {
  const failing = entries.filter(({ failures }) => failures > 0).sort((a, b) => a.nextTry - b.nextTry);
  return {
    account,
    waiting: entries.length,
    oldest: entries.reduce<number | null>((least, { since }) => Math.min(least ?? since, since), null),
    failing: failing.length,
    failed: failing[0] ?? null,
    lastSuccess,
  };
}
