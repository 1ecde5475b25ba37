/**
 * One connection to the index, with its prepared statements.
 */
import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";
import { codeOf } from "./errors.ts";
import type { CommitNote } from "./lost-commits.ts";

export type Driver = typeof BetterSqlite3;
type Database = BetterSqlite3.Database;
type Value = number | string | Uint8Array | null;

/** A connection that only reads, or one that writes and notes its commits. */
export type ConnectionOptions = { readonly readonly: true } | { readonly commits: CommitNote };

/** How long a writer waits for others before it gives up: longer than any change takes. */
const BUSY_TIMEOUT_MS = 120_000;
/** Pages of log before they are copied into the database: fewer, and random pages would be copied again and again. */
const CHECKPOINT_PAGES = 8000;
const LOG_KEPT_BYTES = 64 * 1024 * 1024;
/** A writer comes back to pages of the index of messages; a reader goes through blocks once. */
const WRITER_CACHE_KIB = 4 * 1024;
const READER_CACHE_KIB = 512;

/** Loaded only when a store is opened, so that a command that needs none starts at once. */
export async function loadDriver(): Promise<Driver> {
  // `import` would read a CommonJS package twice, first for the names that it exports.
  return createRequire(import.meta.url)("better-sqlite3") as Driver;
}

/**
 * A statement that enters a row, or changes the one that has this key. Columns are those of the table, in its order. Unlike
 * `INSERT OR REPLACE` it leaves an index alone in which nothing changes: a page less to write.
 */
export function upsert(table: string, key: readonly string[], columns: readonly string[]): string {
  const values = [...key, ...columns].map(() => "?").join(", ");
  const changes = columns.map((column) => `${column} = excluded.${column}`).join(", ");
  return `INSERT INTO ${table} VALUES (${values}) ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${changes}`;
}

export class Connection {
  readonly #db: Database;
  readonly #statements = new Map<string, BetterSqlite3.Statement<Value[]>>();
  readonly #transaction: BetterSqlite3.Transaction<(action: () => unknown) => unknown>;
  readonly #commits: CommitNote | null;
  /** Rows written by this connection before the transaction that is open now. */
  #changes = 0;

  constructor(driver: Driver, path: string, options: ConnectionOptions) {
    this.#commits = "commits" in options ? options.commits : null;
    const readonly = this.#commits === null;
    this.#db = new driver(path, { readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    this.#db.pragma(`cache_size = -${readonly ? READER_CACHE_KIB : WRITER_CACHE_KIB}`);
    this.#transaction = this.#db.transaction((action: () => unknown) => action());
    if (readonly) return;
    // The driver's own default in WAL mode is NORMAL.
    this.#db.pragma("synchronous = FULL");
    this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#db.pragma(`journal_size_limit = ${LOG_KEPT_BYTES}`);
  }

  /**
   * Runs `action` in a transaction that no other writer is in; whatever it throws undoes everything. Inside a transaction
   * it is a savepoint: what it throws undoes only what it wrote itself.
   */
  write<T>(action: () => T): T {
    if (this.inTransaction) return this.#transaction.immediate(action) as T;
    const { value, count } = this.#writeCounted(action);
    if (count > 0) this.#commits?.write(count);
    return value;
  }

  /** As `write`, but does not wait for another process that writes: null then, and nothing was done. */
  tryWrite<T>(action: () => T): { readonly value: T } | null {
    return this.#unlessBusy(() => ({ value: this.write(action) }));
  }

  /**
   * As `write`, but the commit is not synced: it survives a killed process, and a power cut only once a later one is
   * synced. On this connection, not one of its own: each commit makes all other connections read their pages anew.
   */
  writeUnsynced<T>(action: () => T): T {
    if (this.inTransaction) return this.write(action);
    this.#db.exec("PRAGMA synchronous = NORMAL");
    try {
      return this.#writeCounted(action).value;
    } finally {
      this.#db.exec("PRAGMA synchronous = FULL");
    }
  }

  /** As `writeUnsynced`, but does not wait for another process that writes: null then, and nothing was done. */
  tryWriteUnsynced<T>(action: () => T): { readonly value: T } | null {
    return this.#unlessBusy(() => ({ value: this.writeUnsynced(action) }));
  }

  /** How many transactions have changed the index, those of other processes included. */
  commitCount(): number {
    return this.row<[number]>("SELECT commits FROM meta")?.[0] ?? 0;
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  /** Runs `action` on one consistent state. */
  read<T>(action: () => T): T {
    return this.#transaction.deferred(action) as T;
  }

  /** Holds one consistent state, from the next statement on, until `end`. */
  begin(): void {
    this.#db.exec("BEGIN");
  }

  /** Rolled back, for it has written nothing, and a commit reads pages again: those of a damaged index can fail. */
  end(): void {
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
  }

  /** A number that changes with each commit of another connection, of any process. */
  version(): number {
    return this.row<[number]>("PRAGMA data_version")?.[0] ?? 0;
  }

  /** Runs statements that return nothing. */
  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Number of rows written. */
  run(sql: string, ...values: Value[]): number {
    return this.#statement(sql).run(...values).changes;
  }

  /** Key of the row written. */
  insert(sql: string, ...values: Value[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid);
  }

  /** The first row as an array. */
  row<T extends readonly unknown[]>(sql: string, ...values: Value[]): T | undefined {
    return this.#arrays(sql).get(...values) as T | undefined;
  }

  /** All rows as arrays. */
  rows<T extends readonly unknown[]>(sql: string, ...values: Value[]): T[] {
    return this.#arrays(sql).all(...values) as T[];
  }

  close(): void {
    this.#db.close();
    this.#commits?.close();
  }

  #unlessBusy<T>(write: () => T): T | null {
    this.row("PRAGMA busy_timeout = 0");
    try {
      return write();
    } catch (error) {
      // Only the beginning of a transaction can find another writer.
      if (!isBusy(error)) throw error;
      return null;
    } finally {
      this.row(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** @returns also which commit it is, 0 if nothing was changed and there is none. */
  #writeCounted<T>(action: () => T): { value: T; count: number } {
    return this.#transaction.immediate(() => ({ value: action(), count: this.#countChange() })) as {
      value: T;
      count: number;
    };
  }

  #countChange(): number {
    const [changes] = this.row<[number]>("SELECT total_changes()") ?? [0];
    if (changes === this.#changes) return 0;
    this.#changes = changes + 1;
    return this.row<[number]>("UPDATE meta SET commits = commits + 1 RETURNING commits")?.[0] ?? 0;
  }

  #statement(sql: string): BetterSqlite3.Statement<Value[]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<Value[]>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #arrays(sql: string): BetterSqlite3.Statement<Value[]> {
    const known = this.#statements.get(sql);
    return known ?? this.#statement(sql).raw(true);
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith("SQLITE_BUSY");
}
