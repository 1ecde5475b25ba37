/**
 * Message bytes in memory, with the number of live records that name each.
 */
import type { Guid } from "../../model/record.ts";
import { STAGED_KEPT_MS } from "../shared/staging.ts";
import type { CompactResult } from "../store.ts";

interface MemoryBody {
  readonly bytes: Uint8Array;
  readonly references: number;
  /** When it was last staged, 0 once a record that named it is gone. */
  readonly stagedAt: number;
}

export class MemoryBodies {
  readonly #bodies = new Map<Guid, MemoryBody>();
  /** Those without a reference. */
  readonly #unnamed = new Set<Guid>();
  readonly #aside = new Set<Guid>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  has(guid: Guid): boolean {
    return this.#bodies.has(guid);
  }

  get(guid: Guid): Uint8Array | null {
    return this.#bodies.get(guid)?.bytes ?? null;
  }

  references(guid: Guid): number {
    return this.#bodies.get(guid)?.references ?? 0;
  }

  unnamed(): Guid[] {
    return [...this.#unnamed];
  }

  /** Has messages written anew when they are staged the next time. */
  setAside(guids: readonly Guid[]): void {
    for (const guid of guids) this.#aside.add(guid);
  }

  stage(guid: Guid, bytes: Uint8Array): void {
    const known = this.#bodies.get(guid);
    const isKept = known !== undefined && !this.#aside.delete(guid);
    const old = isKept ? known : { bytes: new Uint8Array(bytes), references: known?.references ?? 0 };
    this.#bodies.set(guid, { ...old, stagedAt: this.#now() });
    if (old.references === 0) this.#unnamed.add(guid);
  }

  /** Counts references up and down, as one change does. */
  commit(changes: ReadonlyMap<Guid, number>): void {
    for (const [guid, by] of changes) {
      const body = this.#bodies.get(guid) as MemoryBody;
      const references = body.references + by;
      this.#bodies.set(guid, { ...body, references, stagedAt: references === 0 ? 0 : body.stagedAt });
      if (references === 0) this.#unnamed.add(guid);
      else this.#unnamed.delete(guid);
    }
  }

  compact(): CompactResult {
    const unused = [...this.#bodies].filter(
      ([, body]) => body.references === 0 && body.stagedAt <= this.#now() - STAGED_KEPT_MS,
    );
    for (const [guid] of unused) {
      this.#bodies.delete(guid);
      this.#unnamed.delete(guid);
    }
    return {
      bodiesDropped: unused.length,
      bytesFreed: unused.reduce((sum, [, body]) => sum + body.bytes.length, 0),
    };
  }
}
