/**
 * Counts references to messages during one change, many at a time.
 */
import type { Guid } from "../../model/record.ts";
import { bodyMissing } from "../shared/errors.ts";
import type { BodyTable, StoredBody } from "./body-table.ts";
import { type Pack, savePack } from "./packs.ts";

/** Messages collected before the table is asked and written. */
const COLLECTED = 8192;

export class ReferenceCounter {
  readonly #bodies: BodyTable;
  #added: Guid[] = [];
  #dropped: Guid[] = [];

  constructor(bodies: BodyTable) {
    this.#bodies = bodies;
  }

  add(guids: readonly Guid[]): void {
    for (const guid of guids) this.#added.push(guid);
    this.#flushIfMany();
  }

  drop(guids: readonly Guid[]): void {
    for (const guid of guids) this.#dropped.push(guid);
    this.#flushIfMany();
  }

  /** Writes what was collected. @throws TandemError `body-missing`. */
  flush(): void {
    const packs = new Map<number, Pack>();
    // Those that are added first: a message that only moves from one record to another is never without any.
    this.#count(this.#added, 1, packs);
    this.#count(this.#dropped, -1, packs);
    for (const pack of packs.values()) savePack(this.#bodies.db, pack);
    this.#added = [];
    this.#dropped = [];
  }

  #count(guids: readonly Guid[], by: number, packs: Map<number, Pack>): void {
    const found = this.#bodies.find(guids);
    for (let i = 0; i < guids.length; i++) {
      const body = found[i] as StoredBody | null;
      // A message that was lost must not keep its records from being expunged.
      if (body === null && by < 0) continue;
      if (body === null) throw bodyMissing(guids[i] as Guid);
      // A search may read a pack twice; the changes of both go to one.
      const pack = packs.get(body.pack.id) ?? body.pack;
      packs.set(pack.id, pack);
      pack.addReferences(body.at, by);
    }
  }

  #flushIfMany(): void {
    if (this.#added.length + this.#dropped.length >= COLLECTED) this.flush();
  }
}
