/**
 * Stages messages: hashed, written and synced, then entered in the table. A row never exists before the bytes it names
 * are durable.
 *
 * Calls that come in while one is being written are written together, with one sync and one transaction for all.
 */
import { hash } from "node:crypto";
import type { Guid } from "../../model/record.ts";
import type { BodyTable, StoredBody } from "./body-table.ts";
import { whenFree } from "./group-commit.ts";
import type { NewBody } from "./packs.ts";
import { type Body, SegmentWriter } from "./segment-writer.ts";
import type { SegmentFiles } from "./segments.ts";

/** A message that was staged longer ago than this is marked as staged anew. */
const TOUCHED_AFTER_MS = 60 * 60 * 1000;

/** Calls that are written together; every one of them waits for `written`. */
interface Group {
  readonly bodies: Map<Guid, Uint8Array>;
  readonly written: Promise<void>;
}

export class BodyStager {
  readonly #table: BodyTable;
  readonly #now: () => number;
  readonly #replaced: (guid: Guid) => void;
  readonly #writer: SegmentWriter;
  /** Messages whose bytes are damaged: they are written though they are here. */
  readonly #aside = new Set<Guid>();
  /** What is collected while the group before is being written. */
  #open: Group | null = null;
  /** Settles, without failing, when the last group that was begun is written. */
  #idle: Promise<void> = Promise.resolve();

  /** @param replaced told of each message that is at another place now. */
  constructor(table: BodyTable, segments: SegmentFiles, now: () => number, replaced: (guid: Guid) => void) {
    this.#replaced = replaced;
    this.#table = table;
    this.#now = now;
    this.#writer = new SegmentWriter(table.db, segments);
  }

  /** See `MailboxStore.stage`. */
  async stage(bodies: readonly Uint8Array[], hashed?: readonly Guid[]): Promise<Guid[]> {
    const guids = [...(hashed ?? bodies.map((bytes) => hash("sha256", bytes, "hex")))];
    this.#open ??= this.#newGroup();
    const { bodies: collected, written } = this.#open;
    for (let i = 0; i < guids.length; i++) collected.set(guids[i] as Guid, bodies[i] as Uint8Array);
    await written;
    return guids;
  }

  /** See `MailboxStore.setAside`. */
  setAside(guids: readonly Guid[]): void {
    for (const guid of guids) this.#aside.add(guid);
  }

  /** Enters a message in a transaction that is already open, unless it is there. @returns what to do once it is committed. */
  enterInTransaction(body: NewBody): () => void {
    if (this.#aside.has(body.guid)) this.#table.replace([body], this.#now());
    else if (this.#table.find([body.guid])[0] === null) this.#table.insert([body], this.#now());
    return () => this.#putBack([body]);
  }

  async close(): Promise<void> {
    await this.#idle;
    await this.#writer.close();
  }

  #newGroup(): Group {
    const bodies = new Map<Guid, Uint8Array>();
    const written = this.#idle.then(() => {
      this.#open = null;
      return this.#write(bodies);
    });
    this.#idle = written.catch(() => undefined);
    return { bodies, written };
  }

  async #write(bodies: ReadonlyMap<Guid, Uint8Array>): Promise<void> {
    const { missing, seen } = this.#missing(bodies);
    let entered = missing.length === 0;
    while (!entered) entered = await this.#enter(await this.#writer.write(missing), seen);
  }

  /** What is not here yet, and the id that the next new message had at that moment. */
  #missing(bodies: ReadonlyMap<Guid, Uint8Array>): { missing: Body[]; seen: number } {
    const guids = [...bodies.keys()];
    const { found, seen } = this.#table.db.read(() => ({ seen: this.#table.nextId(), found: this.#table.find(guids) }));
    const missing: Body[] = [];
    const touched: StoredBody[] = [];
    for (let i = 0; i < guids.length; i++) {
      const [guid, body] = [guids[i] as Guid, found[i] as StoredBody | null];
      if (body === null || this.#aside.has(guid)) missing.push({ guid, bytes: bodies.get(guid) as Uint8Array });
      if (body !== null && this.#isOld(body)) touched.push(body);
    }
    if (touched.length > 0) this.#table.touch(touched, this.#now());
    return { missing, seen };
  }

  /** Whether `compact` may soon take it for left over. */
  #isOld({ pack, at }: StoredBody): boolean {
    const isNamed = pack.references(at) > 0 || !pack.isSound;
    return !isNamed && (pack.isReleased(at) || pack.stagedAt < this.#now() - TOUCHED_AFTER_MS);
  }

  /** False if a segment was removed by `compact` meanwhile: then they are written again elsewhere. */
  async #enter(bodies: readonly NewBody[], seen: number): Promise<boolean> {
    const segments = new Set(bodies.map((body) => body.segment));
    const { db } = this.#table;
    // Not synced: a lost row only means staging again, and `apply` syncs it.
    const enter = () => {
      for (const segment of segments)
        if (db.row("SELECT 1 FROM segment WHERE id = ?", segment) === undefined) return false;
      const others = this.#table.nextId() === seen ? new Set() : this.#table.guidsSince(seen);
      const own = others.size === 0 ? bodies : bodies.filter((body) => !others.has(body.guid));
      const anew = this.#aside.size === 0 ? [] : own.filter(({ guid }) => this.#aside.has(guid));
      const fresh = anew.length === 0 ? own : own.filter(({ guid }) => !this.#aside.has(guid));
      if (anew.length > 0) this.#table.replace(anew, this.#now());
      if (fresh.length > 0) this.#table.insert(fresh, this.#now());
      return true;
    };
    const { value: entered } = await whenFree(
      () => db.tryWriteUnsynced(enter),
      () => ({ value: db.writeUnsynced(enter) }),
    );
    if (entered) this.#putBack(bodies);
    else this.#writer.leave();
    return entered;
  }

  #putBack(bodies: readonly NewBody[]): void {
    if (this.#aside.size === 0) return;
    for (const { guid } of bodies) if (this.#aside.delete(guid)) this.#replaced(guid);
  }
}
