/**
 * Lets writes that are asked for in one turn of the event loop share a transaction, and so one sync of the disk.
 */
import type { Connection } from "./connection.ts";

const MOST_WRITES = 64;
/** After this a group takes no more writes: other processes, and whatever else this one does, wait for its commit. */
const MOST_MS = 50;

/** Milliseconds before another process that writes is looked at again: as long as a small transaction of its takes. */
const AGAIN_MS = 1;
/** Other processes that write all the time let this one in now and then. After this long it queues in SQLite's own way. */
const PATIENCE_MS = 30_000;

/**
 * Repeats `attempt` until no other process writes, with time for other work between. SQLite would sleep, longer and longer, and
 * all of this process with it.
 * @param attempt null if another process writes. @param wait does the same, and waits.
 */
export async function whenFree<T extends object>(attempt: () => T | null, wait: () => T): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    const done = attempt();
    if (done !== null) return done;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  return wait();
}

const DONE = {};

interface Write {
  readonly action: () => unknown;
  /** A power cut may undo it, as long as nothing is synced that was written later. */
  readonly isLight: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #db: Connection;
  readonly #committed: () => void;
  #waiting: Write[] = [];
  #isScheduled = false;

  /** @param committed called after each commit, before the promises of its writes resolve. */
  constructor(db: Connection, committed: () => void) {
    this.#db = db;
    this.#committed = committed;
  }

  /**
   * Runs `action` in a transaction soon, after those asked for earlier, and sees what they wrote. What it throws undoes
   * it alone. Resolves once the transaction is committed; if that fails, all of its writes fail, and none was made.
   * @param isLight whether a power cut may undo it, until something that must last is written.
   */
  run<T>(action: () => T, isLight = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ action, isLight, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#isScheduled) void this.#commitAll();
    });
  }

  /** Commits all that waits now. */
  finish(): void {
    while (this.#waiting.length > 0) this.#commitGroup((all, isLight) => ({ value: this.#write(all, isLight) }));
  }

  /** One group in each turn. While another process writes, more may join it. */
  async #commitAll(): Promise<void> {
    this.#isScheduled = true;
    do {
      await new Promise((resolve) => setImmediate(resolve));
      await whenFree(
        () => this.#commitGroup((all, isLight) => (isLight ? this.#db.tryWriteUnsynced(all) : this.#db.tryWrite(all))),
        () => this.#commitGroup((all, isLight) => ({ value: this.#write(all, isLight) })) ?? DONE,
      );
    } while (this.#waiting.length > 0);
    this.#isScheduled = false;
  }

  /** @param write runs a transaction. @returns null if none was begun: another process writes, and all still waits. */
  #commitGroup(write: (all: () => void, isLight: boolean) => unknown): typeof DONE | null {
    if (this.#waiting.length === 0) return DONE;
    const group = this.#waiting.splice(0, MOST_WRITES);
    const settle: (() => void)[] = [];
    try {
      const isLight = group.every((one) => one.isLight);
      if (write(() => this.#attemptAll(group, settle), isLight) === null) {
        this.#waiting.unshift(...group);
        return null;
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
      return DONE;
    }
    this.#committed();
    for (const tell of settle) tell();
    return DONE;
  }

  #write(all: () => void, isLight: boolean): void {
    if (isLight) this.#db.writeUnsynced(all);
    else this.#db.write(all);
  }

  #attemptAll(group: Write[], settle: (() => void)[]): void {
    const end = performance.now() + MOST_MS;
    for (const write of group) {
      settle.push(group.length === 1 ? this.#attemptAlone(write) : this.#attempt(write));
      if (performance.now() >= end) break;
    }
    this.#waiting.unshift(...group.splice(settle.length));
  }

  /** Needs no savepoint, which would keep a copy of each page that a large change writes. */
  #attemptAlone({ action, resolve }: Write): () => void {
    const value = action();
    return () => resolve(value);
  }

  #attempt({ action, resolve, reject }: Write): () => void {
    try {
      const value = this.#db.write(action);
      return () => resolve(value);
    } catch (error) {
      // A full or failing disk makes SQLite undo the whole transaction.
      if (!this.#db.inTransaction) throw error;
      return () => reject(error);
    }
  }
}
