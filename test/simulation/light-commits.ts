/**
 * What a power cut takes from a store: cursors and settlements that were committed since something was last written that must
 * last (see "Durable" in `src/store/store.ts`).
 */
import type { LogEntry, Settlement } from "../../src/store/change-log.ts";
import type { CursorRow, MailboxStore } from "../../src/store/store.ts";

const ALL = 1_000_000;
type Undo = () => Promise<void>;

export class LightCommits {
  readonly #store: MailboxStore;
  #undo: Undo[] = [];

  constructor(store: MailboxStore) {
    this.#store = store;
  }

  /** To be called before cursors are saved. A mailbox's first one stays: without it the mailbox only looks newer. */
  async cursorsSaved(peer: string, rows: readonly CursorRow[]): Promise<void> {
    const before: CursorRow[] = [];
    for (const { account, mailboxId } of rows) {
      const cursor = await this.#store.cursor(peer, account, mailboxId);
      if (cursor !== null) before.push({ account, mailboxId, cursor });
    }
    const channels = (await this.#store.log.channels()).filter((row) => row.peer === peer);
    const waiting = await Promise.all(channels.map(({ name }) => this.#waiting(name, rows)));
    this.#undo.push(async () => {
      await this.#store.saveCursors(peer, before);
      for (const [i, { name }] of channels.entries()) await this.#store.log.add(name, waiting[i] ?? []);
    });
  }

  /** To be called before entries are settled. */
  async settled(channel: string, settlements: readonly Settlement[]): Promise<void> {
    const done = settlements.filter(({ kind }) => kind === "done");
    const waiting = await this.#waiting(channel, done);
    this.#undo.push(() => this.#store.log.add(channel, waiting));
  }

  /** All before lasts too. */
  made(): void {
    this.#undo = [];
  }

  async powerCut(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }

  async #waiting(channel: string, of: readonly Pick<LogEntry, "account" | "mailboxId">[]): Promise<LogEntry[]> {
    const entries = await this.#store.log.due(channel, Number.MAX_SAFE_INTEGER, ALL);
    return entries.filter((entry) =>
      of.some(({ account, mailboxId }) => account === entry.account && mailboxId === entry.mailboxId),
    );
  }
}
