/**
 * The store on local disk: one directory with an SQLite index and append-only segment files for messages.
 */
import type { Guid } from "../../model/record.ts";
import type {
  AccountTree,
  BodyWriter,
  CompactResult,
  CursorRow,
  Mailbox,
  MailboxChange,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  RecordSpool,
  TreeChange,
} from "../store.ts";
import { BodyReader } from "./bodies.ts";
import { BodyStager } from "./body-stager.ts";
import { findBodies, findIds, unnamedBodies } from "./body-table.ts";
import { compact } from "./compact.ts";
import { Connection, type Driver, loadDriver } from "./connection.ts";
import { pathsOf, prepareDirectory, type StorePaths } from "./directory.ts";
import { translated } from "./errors.ts";
import { applyChange, applyTreeChange } from "./index-writer.ts";
import { LargeBodyWriter } from "./large-body.ts";
import {
  accountNames,
  cursorsOf,
  findMailbox,
  findMailboxNamed,
  peerEpochs,
  type StoredMailbox,
  treeOf,
  writeCursor,
} from "./mailboxes.ts";
import { SegmentFiles } from "./segments.ts";
import { SnapshotPool } from "./snapshot.ts";
import { FileSpool } from "./spool.ts";

export interface EmbeddedStoreOptions {
  /** Make the store if the directory is missing or empty. */
  readonly create?: boolean;
  /** Milliseconds since 1970; decides only when `compact` gives up on messages that were staged and never used. */
  readonly now?: () => number;
}

/**
 * Opens the store in `directory`. Any number of processes may have it open.
 * @throws TandemError `not-a-store` if there is none, it is something else, or of a newer format; `io`.
 */
export async function openEmbeddedStore(directory: string, options: EmbeddedStoreOptions = {}): Promise<MailboxStore> {
  return translated(directory, async () => {
    const driver = await loadDriver();
    const paths = pathsOf(directory);
    await prepareDirectory(driver, paths, options.create ?? false);
    return new EmbeddedStore(driver, paths, options.now ?? Date.now);
  });
}

class EmbeddedStore implements MailboxStore {
  readonly storeEpoch: string;
  readonly #paths: StorePaths;
  readonly #now: () => number;
  /** Its commits are synced. */
  readonly #db: Connection;
  /** Its commits are not: for what may be lost in a power cut. */
  readonly #staging: Connection;
  readonly #segments: SegmentFiles;
  readonly #stager: BodyStager;
  readonly #bodies: BodyReader;
  readonly #snapshots: SnapshotPool;

  constructor(driver: Driver, paths: StorePaths, now: () => number) {
    this.#paths = paths;
    this.#now = now;
    this.#db = new Connection(driver, paths.index);
    this.#staging = new Connection(driver, paths.index, { synchronous: "NORMAL" });
    this.#segments = new SegmentFiles(paths.segments);
    this.#stager = new BodyStager(this.#staging, this.#segments, now);
    this.#bodies = new BodyReader(this.#db, this.#segments);
    const open = () => new Connection(driver, paths.index, { readonly: true });
    this.#snapshots = new SnapshotPool(paths.directory, open);
    this.storeEpoch = this.#db.row<[string]>("SELECT store_epoch FROM meta")?.[0] ?? "";
  }

  accounts(): Promise<string[]> {
    return this.#do(() => accountNames(this.#db));
  }

  tree(account: string): Promise<AccountTree> {
    return this.#do(() => this.#db.read(() => treeOf(this.#db, account)));
  }

  mailbox(account: string, mailboxId: string): Promise<Mailbox | null> {
    return this.#do(() => this.#db.read(() => withoutKey(findMailbox(this.#db, account, mailboxId))));
  }

  mailboxNamed(account: string, name: string): Promise<Mailbox | null> {
    return this.#do(() => this.#db.read(() => withoutKey(findMailboxNamed(this.#db, account, name))));
  }

  snapshot(account: string, mailboxId: string): Promise<MailboxSnapshot> {
    return this.#do(() => this.#snapshots.snapshot(account, mailboxId));
  }

  apply(change: MailboxChange): Promise<Outcome> {
    return this.#do(() => applyChange(this.#db, change));
  }

  applyTree(change: TreeChange): Promise<Outcome> {
    return this.#do(() => applyTreeChange(this.#db, change));
  }

  peers(): Promise<string[]> {
    return this.#do(() => peerEpochs(this.#db));
  }

  cursors(peer: string): Promise<CursorRow[]> {
    return this.#do(() => cursorsOf(this.#db, peer));
  }

  saveCursors(peer: string, rows: readonly CursorRow[]): Promise<void> {
    return this.#do(() =>
      this.#db.write(() => {
        for (const row of rows) writeCursor(this.#db, peer, row);
      }),
    );
  }

  missingBodies(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => findIds(this.#db, guids).flatMap((id, i) => (id === undefined ? [i] : [])));
  }

  bodyReferences(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => {
      const found = findBodies(this.#db, guids);
      return guids.map((guid) => found.get(guid)?.refs ?? 0);
    });
  }

  unnamedBodies(): Promise<Guid[]> {
    return this.#do(() => unnamedBodies(this.#db));
  }

  bodySizes(guids: readonly Guid[]): Promise<number[]> {
    return this.#do(() => this.#bodies.sizes(guids));
  }

  stage(bodies: readonly Uint8Array[], guids?: readonly Guid[]): Promise<Guid[]> {
    return this.#do(() => this.#stager.stage(bodies, guids));
  }

  async stageLarge(): Promise<BodyWriter> {
    const host = { db: this.#staging, paths: this.#paths, segments: this.#segments, stager: this.#stager };
    const writer = new LargeBodyWriter(host);
    return {
      write: (chunk) => this.#do(() => writer.write(chunk)),
      finish: () => this.#do(() => writer.finish()),
      abort: () => this.#do(() => writer.abort()),
    };
  }

  readBody(guid: Guid, offset: number, length: number): Promise<Uint8Array> {
    return this.#do(() => this.#bodies.read(guid, offset, length));
  }

  async openSpool(): Promise<RecordSpool> {
    return new FileSpool(this.#paths.directory, this.#paths.spool);
  }

  compact(): Promise<CompactResult> {
    const [db, staging, paths, segments, now] = [this.#db, this.#staging, this.#paths, this.#segments, this.#now];
    return this.#do(() => compact({ db, staging, paths, segments, now }));
  }

  close(): Promise<void> {
    return this.#do(async () => {
      await this.#stager.close();
      this.#segments.close();
      this.#snapshots.close();
      this.#staging.close();
      this.#db.close();
    });
  }

  #do<T>(action: () => T | Promise<T>): Promise<T> {
    return translated(this.#paths.directory, action);
  }
}

function withoutKey(mailbox: StoredMailbox | null): Mailbox | null {
  return mailbox === null ? null : { entry: mailbox.entry, state: mailbox.state };
}
