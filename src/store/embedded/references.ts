/**
 * Counts references to messages during one change, many at a time.
 */
import type { Guid } from "../../model/record.ts";
import { bodyMissing } from "../shared/errors.ts";
import { changeReferences, findIds } from "./body-table.ts";
import type { Connection } from "./connection.ts";

/** Messages collected before the table is asked and written. */
const COLLECTED = 8192;

export class ReferenceCounter {
  readonly #db: Connection;
  readonly #changes = new Map<Guid, number>();

  constructor(db: Connection) {
    this.#db = db;
  }

  add(guids: readonly Guid[]): void {
    this.#count(guids, 1);
  }

  drop(guids: readonly Guid[]): void {
    this.#count(guids, -1);
  }

  /** Writes what was collected. @throws TandemError `body-missing`. */
  flush(): void {
    const guids = [...this.#changes.keys()];
    const changes = new Map<number, number>();
    for (const [i, id] of findIds(this.#db, guids).entries()) {
      const guid = guids[i] as Guid;
      if (id === undefined) throw bodyMissing(guid);
      changes.set(id, this.#changes.get(guid) ?? 0);
    }
    changeReferences(this.#db, changes);
    this.#changes.clear();
  }

  #count(guids: readonly Guid[], by: number): void {
    for (const guid of guids) this.#changes.set(guid, (this.#changes.get(guid) ?? 0) + by);
    if (this.#changes.size >= COLLECTED) this.flush();
  }
}
