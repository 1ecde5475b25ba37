/**
 * The embedded store's change log as its callers see it: reads at once, writes in the store's transactions.
 */
import type { Backlog, ChangeLog, ChannelRow, LogEntry, Settlement } from "../change-log.ts";
import type { LoggedMailbox } from "../shared/log-entries.ts";
import type { LogTable } from "./change-log.ts";

/** How the store runs what the log does. */
export interface LogHost {
  read<T>(action: () => T): Promise<T>;
  /** Resolves once the transaction is durable. */
  write<T>(action: () => T): Promise<T>;
  /** Resolves once the transaction survives a killed process; a power cut may undo it. */
  writeLight<T>(action: () => T): Promise<T>;
  watch(listener: () => void): () => void;
}

export class EmbeddedLog implements ChangeLog {
  readonly #table: LogTable;
  readonly #host: LogHost;

  constructor(table: LogTable, host: LogHost) {
    this.#table = table;
    this.#host = host;
  }

  channels(): Promise<ChannelRow[]> {
    return this.#host.read(() => this.#table.channels());
  }

  addChannel(name: string): Promise<void> {
    return this.#host.write(() => this.#table.addChannel(name));
  }

  removeChannel(name: string): Promise<void> {
    return this.#host.write(() => this.#table.removeChannel(name));
  }

  noteChannel(row: ChannelRow): Promise<void> {
    return this.#host.write(() => this.#table.noteChannel(row));
  }

  async add(channel: string, mailboxes: readonly LoggedMailbox[]): Promise<void> {
    if (mailboxes.length > 0) await this.#host.write(() => this.#table.add(channel, mailboxes));
  }

  due(channel: string, now: number, limit: number): Promise<LogEntry[]> {
    return this.#host.read(() => this.#table.due(channel, now, limit));
  }

  nextDue(channel: string, now: number): Promise<number | null> {
    return this.#host.read(() => this.#table.nextDue(channel, now));
  }

  async settle(channel: string, settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length > 0) await this.#host.writeLight(() => this.#table.settle(channel, settlements));
  }

  allow(channel: string, account: string | null): Promise<number> {
    return this.#host.write(() => this.#table.allow(channel, account));
  }

  backlog(channel: string): Promise<Backlog[]> {
    return this.#host.read(() => this.#table.backlog(channel));
  }

  lastSeq(): Promise<number> {
    return this.#host.read(() => this.#table.lastSeq());
  }

  countUpTo(channel: string, seq: number): Promise<number> {
    return this.#host.read(() => this.#table.countUpTo(channel, seq));
  }

  watch(listener: () => void): () => void {
    return this.#host.watch(listener);
  }
}
