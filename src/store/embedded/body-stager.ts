/**
 * Stages messages: hashed, written and synced, then entered in the table. A row never exists before the bytes it names
 * are durable.
 */
import { hash } from "node:crypto";
import type { Guid } from "../../model/record.ts";
import { findBodies, guidsSince, insertBodies, type NewBody, nextBodyId, touchBody } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type Body, SegmentWriter } from "./segment-writer.ts";
import type { SegmentFiles } from "./segments.ts";

/** A message that was staged longer ago than this is marked as staged anew. */
const TOUCHED_AFTER_MS = 60 * 60 * 1000;

export class BodyStager {
  readonly #db: Connection;
  readonly #now: () => number;
  readonly #writer: SegmentWriter;

  /** @param db a connection with synchronous = NORMAL: a lost row only means staging again, and `apply` syncs it. */
  constructor(db: Connection, segments: SegmentFiles, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#writer = new SegmentWriter(db, segments);
  }

  /** See `MailboxStore.stage`. */
  async stage(bodies: readonly Uint8Array[], hashed?: readonly Guid[]): Promise<Guid[]> {
    const guids = [...(hashed ?? bodies.map((bytes) => hash("sha256", bytes, "hex")))];
    const { missing, seen } = this.#missing(bodies, guids);
    let entered = missing.length === 0;
    while (!entered) entered = this.#enter(await this.#writer.write(missing), seen);
    return guids;
  }

  /** Enters a message in a transaction that is already open, unless it is there. */
  enterInTransaction(body: NewBody): void {
    if (findBodies(this.#db, [body.guid]).size === 0) insertBodies(this.#db, [body], this.#now());
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  /** What is not here yet, each once, and the id that the next new message had at that moment. */
  #missing(bodies: readonly Uint8Array[], guids: readonly Guid[]): { missing: Body[]; seen: number } {
    const { found, seen } = this.#db.read(() => ({ seen: nextBodyId(this.#db), found: findBodies(this.#db, guids) }));
    const missing = new Map<Guid, Body>();
    for (const [i, guid] of guids.entries())
      if (!found.has(guid)) missing.set(guid, { guid, bytes: bodies[i] as Uint8Array });
    const old = this.#now() - TOUCHED_AFTER_MS;
    const touched = [...found.values()].filter((row) => row.refs === 0 && row.stagedAt < old);
    if (touched.length > 0)
      this.#db.write(() => {
        for (const row of touched) touchBody(this.#db, row.id, this.#now());
      });
    return { missing: [...missing.values()], seen };
  }

  /** False if a segment was removed by `compact` meanwhile: then they are written again elsewhere. */
  #enter(bodies: readonly NewBody[], seen: number): boolean {
    const segments = new Set(bodies.map((body) => body.segment));
    const entered = this.#db.write(() => {
      for (const segment of segments)
        if (this.#db.row("SELECT 1 FROM segment WHERE id = ?", segment) === undefined) return false;
      const others = nextBodyId(this.#db) === seen ? new Set() : guidsSince(this.#db, seen);
      const mine = bodies.filter((body) => !others.has(body.guid));
      insertBodies(this.#db, mine, this.#now());
      return true;
    });
    if (!entered) this.#writer.leave();
    return entered;
  }
}
