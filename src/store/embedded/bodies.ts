/**
 * Reading messages: found through the index, read from their segment.
 */
import { isTandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import { bodyMissing } from "../shared/errors.ts";
import type { BodyTable } from "./body-table.ts";
import { type BodyPlace, type SegmentFiles, unreadable } from "./segments.ts";

/** Places kept: those of a few frames of messages. */
const KEPT_PLACES = 8192;

export class BodyReader {
  readonly #bodies: BodyTable;
  readonly #segments: SegmentFiles;
  /** Where messages lay when their sizes were asked for: they are read next, as a rule, and need no second look-up. */
  readonly #places = new Map<Guid, BodyPlace>();

  constructor(bodies: BodyTable, segments: SegmentFiles) {
    this.#bodies = bodies;
    this.#segments = segments;
  }

  /** See `MailboxStore.bodySizes`. */
  sizes(guids: readonly Guid[]): number[] {
    if (this.#places.size + guids.length > KEPT_PLACES) this.#places.clear();
    return this.#bodies.find(guids).map((body, i) => {
      if (body === null) return -1;
      const place = body.pack.place(body.at);
      this.#places.set(guids[i] as Guid, place);
      return place.size;
    });
  }

  /** See `MailboxStore.readBody`. */
  read(guid: Guid, offset: number, length: number): Uint8Array {
    const kept = this.#places.get(guid);
    let last: BodyPlace | null = null;
    for (let place = kept ?? this.#place(guid); place !== null; place = this.#place(guid)) {
      // At the same place it would be found no better than before.
      if (last !== null && last.segment === place.segment && last.offset === place.offset) throw unreadable(guid);
      const bytes = this.#segments.readOrNull(guid, place, offset, length);
      if (bytes !== null) return bytes;
      // It was moved or written anew since it was looked up; once more through the index finds it.
      this.#places.delete(guid);
      last = place;
    }
    throw bodyMissing(guid);
  }

  /** A message is at another place now. */
  forget(guid: Guid): void {
    this.#places.delete(guid);
  }

  /** See `MailboxStore.readBodies`. */
  readAll(guids: readonly Guid[]): (Uint8Array | null)[] {
    const unknown = guids.filter((guid) => !this.#places.has(guid));
    if (unknown.length > 1) this.sizes(unknown);
    return guids.map((guid) => {
      try {
        return this.read(guid, 0, Number.POSITIVE_INFINITY);
      } catch (error) {
        if (isTandemError(error, "body-missing") || isTandemError(error, "body-unreadable")) return null;
        throw error;
      }
    });
  }

  #place(guid: Guid): BodyPlace | null {
    const [body] = this.#bodies.find([guid]);
    return body ? body.pack.place(body.at) : null;
  }
}
