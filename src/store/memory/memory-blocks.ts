/**
 * A change of one mailbox's blocks in memory: collected beside the old ones, so that a refused change leaves no trace.
 */
import type { Guid } from "../../model/record.ts";
import type { Block } from "../shared/blocks.ts";
import { bodyMissing } from "../shared/errors.ts";
import type { BlockAccess } from "../shared/write-records.ts";
import type { MemoryBodies } from "./memory-bodies.ts";

export class MemoryBlocks implements BlockAccess {
  /** By how much each message is referenced more or less. */
  readonly references = new Map<Guid, number>();
  readonly #blocks: Map<number, Block>;
  readonly #bodies: MemoryBodies;

  constructor(blocks: readonly Block[], bodies: MemoryBodies) {
    this.#blocks = new Map(blocks.map((block) => [block.no, block]));
    this.#bodies = bodies;
  }

  /** The blocks after the change, in UID order. */
  result(): Block[] {
    return [...this.#blocks.values()].sort((a, b) => a.no - b.no);
  }

  load(no: number): Block | null {
    return this.#blocks.get(no) ?? null;
  }

  save(block: Block): void {
    // A copy: the bytes may be a view of a whole frame, or be used again by the caller.
    this.#blocks.set(block.no, { ...block, batch: { ...block.batch, bytes: new Uint8Array(block.batch.bytes) } });
  }

  remove(no: number): void {
    this.#blocks.delete(no);
  }

  all(): Iterable<Block> {
    return [...this.#blocks.values()];
  }

  withTombstonesUpTo(modseq: number): number[] {
    const found = [...this.#blocks.values()].filter(
      ({ lowestTombstone }) => lowestTombstone !== null && lowestTombstone <= modseq,
    );
    return found.map((block) => block.no);
  }

  addReferences(guids: readonly Guid[]): void {
    for (const guid of guids) {
      if (!this.#bodies.has(guid)) throw bodyMissing(guid);
      this.#count(guid, 1);
    }
  }

  dropReferences(guids: readonly Guid[]): void {
    for (const guid of guids) this.#count(guid, -1);
  }

  #count(guid: Guid, by: number): void {
    this.references.set(guid, (this.references.get(guid) ?? 0) + by);
  }
}
