/**
 * The store on local disk: one directory with an SQLite index and append-only segment files for messages.
 */
import { randomBytes } from "node:crypto";
import type { RecordBatch } from "../../model/batch.ts";
import type { Guid } from "../../model/record.ts";
import type { Cursor, MailboxState } from "../../model/state.ts";
import { isLogged } from "../shared/log-entries.ts";
import type {
  AccountTree,
  BodyWriter,
  CompactOptions,
  CompactResult,
  CursorRow,
  Mailbox,
  MailboxChange,
  MailboxNews,
  MailboxPlace,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  RecordSpool,
  TreeChange,
} from "../store.ts";
import { BodyReader } from "./bodies.ts";
import { BodyStager } from "./body-stager.ts";
import { BodyTable } from "./body-table.ts";
import { LogTable } from "./change-log.ts";
import { checkIndex } from "./check.ts";
import { compact } from "./compact.ts";
import { Connection, type Driver, loadDriver } from "./connection.ts";
import { pathsOf, prepareDirectory, type StorePaths, whatIsThere } from "./directory.ts";
import { Doorbell } from "./doorbell.ts";
import { EmbeddedLog } from "./embedded-log.ts";
import { translated } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";
import { GuidCache } from "./guid-index.ts";
import { applyChange, applyTreeChange, saveCursor } from "./index-writer.ts";
import { LargeBodyWriter } from "./large-body.ts";
import { CommitNote } from "./lost-commits.ts";
import {
  accountNames,
  cursorOf,
  cursorsOf,
  findMailbox,
  findMailboxNamed,
  peerEpochs,
  type StoredMailbox,
  treeOf,
  withoutKey,
} from "./mailboxes.ts";
import { correctDigest, restoreRecords } from "./mend.ts";
import { newsOf } from "./news.ts";
import { LOSS_NOTE, readNote, writeNote } from "./notes.ts";
import type { StoreOwner } from "./ownership.ts";
import { damaged, rowSum } from "./row-sums.ts";
import { SegmentFiles } from "./segments.ts";
import { SnapshotPool } from "./snapshot.ts";
import { FileSpool } from "./spool.ts";

export interface EmbeddedStoreOptions {
  /** Make the store if the directory is missing or empty. */
  readonly create?: boolean;
  /** Milliseconds since 1970, for the change log, and when `compact` gives up on messages that were staged and never used. */
  readonly now?: () => number;
}

/**
 * Opens the store in `directory`. Any number of processes may have it open.
 * @throws TandemError `not-a-store` if there is none, it is something else, or of another format; `io`.
 */
export async function openEmbeddedStore(directory: string, options: EmbeddedStoreOptions = {}): Promise<MailboxStore> {
  return translated(directory, async () => {
    const driver = await loadDriver();
    const paths = pathsOf(directory);
    const owner = await prepareDirectory(driver, paths, options.create ?? false);
    return new EmbeddedStore(driver, paths, owner, options.now ?? Date.now);
  });
}

/**
 * True if opening with `create` would make a store in `directory`: there is none yet. Makes nothing.
 * @throws TandemError `not-a-store` if there is something else, or a store of another format; `io`.
 */
export function isStoreMissing(directory: string): Promise<boolean> {
  return translated(directory, async () => (await whatIsThere(pathsOf(directory))) !== "store");
}

class EmbeddedStore implements MailboxStore {
  readonly storeEpoch: string;
  readonly log: EmbeddedLog;
  readonly #paths: StorePaths;
  readonly #owner: StoreOwner;
  readonly #now: () => number;
  readonly #db: Connection;
  readonly #segments: SegmentFiles;
  readonly #stager: BodyStager;
  readonly #bodies: BodyTable;
  readonly #reader: BodyReader;
  readonly #snapshots: SnapshotPool;
  readonly #logTable: LogTable;
  readonly #logBell: Doorbell;
  readonly #mailBell: Doorbell;
  readonly #writes: GroupCommit;

  constructor(driver: Driver, paths: StorePaths, owner: StoreOwner, now: () => number) {
    this.#paths = paths;
    this.#owner = owner;
    this.#now = now;
    const commits = new CommitNote(paths.commits, owner);
    const noted = commits.read();
    this.#db = new Connection(driver, paths.index, { commits });
    this.#segments = new SegmentFiles(paths.segments, owner);
    this.#bodies = new BodyTable(this.#db, new GuidCache());
    this.#reader = new BodyReader(this.#bodies, this.#segments);
    const moved = (guid: Guid) => this.#reader.forget(guid);
    this.#stager = new BodyStager(this.#bodies, this.#segments, now, moved);
    const open = () => new Connection(driver, paths.index, { readonly: true });
    this.#snapshots = new SnapshotPool(paths.directory, open);
    const version = () => this.#db.version();
    this.#logBell = new Doorbell(paths.bell, owner, version);
    this.#mailBell = new Doorbell(paths.mailBell, owner, version);
    this.#logTable = new LogTable(this.#db, now, () => this.#logBell.touch());
    this.#writes = new GroupCommit(this.#db, () => {
      this.#logBell.ringIfTouched();
      this.#mailBell.ringIfTouched();
    });
    this.log = new EmbeddedLog(this.#logTable, {
      read: (action) => this.#do(() => this.#db.read(action)),
      write: (action) => this.#write(action),
      writeLight: (action) => this.#writeLight(action),
      watch: (listener) => this.#logBell.watch(listener),
    });
    // Noted first, counted afterwards: whatever others commit meanwhile is no loss.
    const hasLost = this.#db.commitCount() < noted;
    this.storeEpoch = hasLost ? this.#db.write(() => afterLoss(this.#db, paths, noted, now())) : epochOf(this.#db);
  }

  accounts(): Promise<string[]> {
    return this.#do(() => accountNames(this.#db));
  }

  tree(account: string): Promise<AccountTree> {
    return this.#do(() => this.#db.read(() => treeOf(this.#db, account)));
  }

  mailbox(account: string, mailboxId: string): Promise<Mailbox | null> {
    return this.#do(() => this.#db.read(() => shown(findMailbox(this.#db, account, mailboxId))));
  }

  mailboxNamed(account: string, name: string): Promise<Mailbox | null> {
    return this.#do(() => this.#db.read(() => shown(findMailboxNamed(this.#db, account, name))));
  }

  news(peer: string | null, places: readonly MailboxPlace[], room: number): Promise<(MailboxNews | null)[]> {
    return this.#do(() => this.#db.read(() => newsOf(this.#db, peer, places, room)));
  }

  snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot> {
    return this.#do(() => this.#snapshots.snapshot(account, mailboxId));
  }

  apply(change: MailboxChange): Promise<Outcome> {
    return this.#write(() => {
      if (isLogged(change)) this.#mailBell.touch();
      return applyChange(this.#bodies, this.#logTable, change);
    });
  }

  applyTree(change: TreeChange): Promise<Outcome> {
    return this.#write(() => {
      this.#mailBell.touch();
      return applyTreeChange(this.#db, this.#logTable, change);
    });
  }

  correctDigest(account: string, mailboxId: string, before: MailboxState): Promise<Outcome> {
    return this.#write(() => correctDigest(this.#db, account, mailboxId, before));
  }

  restoreRecords(account: string, mailboxId: string, batches: Iterable<RecordBatch>): Promise<number> {
    return this.#write(() => restoreRecords(this.#db, account, mailboxId, batches));
  }

  peers(): Promise<string[]> {
    return this.#do(() => peerEpochs(this.#db));
  }

  cursors(peer: string): Promise<CursorRow[]> {
    return this.#do(() => cursorsOf(this.#db, peer));
  }

  cursor(peer: string, account: string, mailboxId: string): Promise<Cursor | null> {
    return this.#do(() => cursorOf(this.#db, peer, account, mailboxId));
  }

  saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void> {
    return this.#writeLight(() => {
      for (const row of rows) saveCursor(this.#db, this.#logTable, peer, row);
    });
  }

  missingBodies(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => this.#bodies.missing(guids));
  }

  bodyReferences(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => this.#bodies.find(guids).map((body) => body?.pack.references(body.at) ?? 0));
  }

  unnamedBodies(): Promise<Guid[]> {
    return this.#do(() => this.#bodies.unnamed());
  }

  bodySizes(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => this.#reader.sizes(guids));
  }

  setAside(guids: readonly Guid[]): Promise<void> {
    return this.#do(() => this.#stager.setAside(guids));
  }

  stage(bodies: readonly Uint8Array[], guids?: readonly Guid[]): Promise<Guid[]> {
    return this.#do(() => this.#stager.stage(bodies, guids));
  }

  async stageLarge(): Promise<BodyWriter> {
    const host = {
      db: this.#db,
      paths: this.#paths,
      segments: this.#segments,
      stager: this.#stager,
      owner: this.#owner,
    };
    const writer = new LargeBodyWriter(host);
    return {
      write: (chunk) => this.#do(() => writer.write(chunk)),
      finish: () => this.#do(() => writer.finish()),
      abort: () => this.#do(() => writer.abort()),
    };
  }

  readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array> {
    return this.#do(() => this.#reader.read(guid, offset, length));
  }

  readBodies(guids: readonly Guid[]): Promise<(Uint8Array | null)[]> {
    return this.#do(() => this.#reader.readAll(guids));
  }

  async openSpool(): Promise<RecordSpool> {
    return new FileSpool(this.#paths.directory, this.#paths.spool);
  }

  check(): Promise<string[]> {
    return this.#do(() => checkIndex(this.#db, this.#logTable, this.#paths.index));
  }

  note(name: string): Promise<string | null> {
    return this.#do(() => readNote(this.#db, name));
  }

  writeNote(name: string, value: string): Promise<void> {
    return this.#write(() => writeNote(this.#db, name, value));
  }

  watch(listener: () => void): () => void {
    return this.#mailBell.watch(listener);
  }

  compact({ onStep = () => undefined }: CompactOptions = {}): Promise<CompactResult> {
    const [bodies, paths, segments, now] = [this.#bodies, this.#paths, this.#segments, this.#now];
    return this.#do(() => compact({ bodies, paths, segments, now, onStep }));
  }

  close(): Promise<void> {
    return this.#do(async () => {
      this.#writes.finish();
      this.#logBell.close();
      this.#mailBell.close();
      await this.#stager.close();
      this.#segments.close();
      this.#snapshots.close();
      this.#db.close();
    });
  }

  /** In a durable transaction, shared with whatever else is asked for now. */
  #write<T>(action: () => T): Promise<T> {
    return this.#do(() => this.#writes.run(action));
  }

  /** As `#write`, but a power cut may undo it: see `Durable` in `store.ts`. */
  #writeLight<T>(action: () => T): Promise<T> {
    return this.#do(() => this.#writes.run(action, true));
  }

  #do<T>(action: () => T | Promise<T>): Promise<T> {
    return translated(this.#paths.directory, action);
  }
}

function epochOf(db: Connection): string {
  const [epoch, sum] = db.row<[string, number]>("SELECT store_epoch, sum FROM meta") ?? ["", -1];
  if (sum !== rowSum(epoch)) throw damaged("The epoch of the store");
  return epoch;
}

/**
 * A store that lost commits is as one restored from a backup: with a new epoch nobody takes it for what it was, so nothing
 * that others hold of it is undone. It counts on from what was noted, so that it is told once. @returns the epoch.
 */
function afterLoss(db: Connection, paths: StorePaths, noted: number, now: number): string {
  if (db.commitCount() >= noted) return epochOf(db);
  const epoch = randomBytes(16).toString("hex");
  db.run("UPDATE meta SET store_epoch = ?, sum = ?, commits = ?", epoch, rowSum(epoch), noted);
  const when = `when it was opened at ${new Date(now).toISOString()}`;
  const what = `The index of the store ${JSON.stringify(paths.directory)} lacked its last changes ${when}`;
  const why = "its write-ahead log was damaged, or an older copy was put in its place";
  const sentence = `${what}: ${why}. It has a new epoch, and is compared with all peers as a whole.`;
  writeNote(db, LOSS_NOTE, sentence);
  process.emitWarning(sentence);
  return epoch;
}

function shown(mailbox: StoredMailbox | null): Mailbox | null {
  return mailbox === null ? null : withoutKey(mailbox);
}
