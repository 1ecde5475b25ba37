/**
 * One connection to the index, with its prepared statements.
 */
import type BetterSqlite3 from "better-sqlite3";

export type Driver = typeof BetterSqlite3;
type Database = BetterSqlite3.Database;
type Value = number | string | Uint8Array | null;

export interface ConnectionOptions {
  readonly readonly?: boolean;
  /** FULL: a commit survives a power cut. NORMAL: it survives only a killed process, and costs no fsync. */
  readonly synchronous?: "FULL" | "NORMAL";
}

/** How long a writer waits for others before it gives up: longer than any change takes. */
const BUSY_TIMEOUT_MS = 120_000;
/** Pages of log before they are copied into the database: fewer, and random pages would be copied again and again. */
const CHECKPOINT_PAGES = 8000;
const LOG_KEPT_BYTES = 64 * 1024 * 1024;
/** A writer comes back to pages of the index of messages; a reader goes through blocks once. */
const WRITER_CACHE_KIB = 4 * 1024;
const READER_CACHE_KIB = 2 * 1024;

/** Loaded only when a store is opened, so that a command that needs none starts at once. */
export async function loadDriver(): Promise<Driver> {
  return (await import("better-sqlite3")).default;
}

export class Connection {
  readonly #db: Database;
  readonly #statements = new Map<string, BetterSqlite3.Statement<Value[]>>();
  readonly #transaction: BetterSqlite3.Transaction<(action: () => unknown) => unknown>;

  constructor(driver: Driver, path: string, options: ConnectionOptions = {}) {
    const readonly = options.readonly ?? false;
    this.#db = new driver(path, { readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    this.#db.pragma(`cache_size = -${readonly ? READER_CACHE_KIB : WRITER_CACHE_KIB}`);
    this.#transaction = this.#db.transaction((action: () => unknown) => action());
    if (readonly) return;
    // The driver's own default in WAL mode is NORMAL.
    this.#db.pragma(`synchronous = ${options.synchronous ?? "FULL"}`);
    this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#db.pragma(`journal_size_limit = ${LOG_KEPT_BYTES}`);
  }

  /** Runs `action` in a transaction that no other writer is in; whatever it throws undoes everything. */
  write<T>(action: () => T): T {
    return this.#transaction.immediate(action) as T;
  }

  /** Runs `action` on one consistent state. */
  read<T>(action: () => T): T {
    return this.#transaction.deferred(action) as T;
  }

  /** Holds one consistent state, from the next statement on, until `end`. */
  begin(): void {
    this.#db.exec("BEGIN");
  }

  end(): void {
    if (this.#db.inTransaction) this.#db.exec("COMMIT");
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
