/**
 * Reading messages: found through the index, read from their segment.
 */
import type { Guid } from "../../model/record.ts";
import { bodyMissing } from "../shared/errors.ts";
import { type BodyPlace, findPlace, findPlaces } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type SegmentFiles, unreadable } from "./segments.ts";

/** Places kept: those of a few frames of messages. */
const KEPT_PLACES = 8192;

export class BodyReader {
  readonly #db: Connection;
  readonly #segments: SegmentFiles;
  /** Where messages lay when their sizes were asked for: they are read next, as a rule, and need no second look-up. */
  readonly #places = new Map<Guid, BodyPlace>();

  constructor(db: Connection, segments: SegmentFiles) {
    this.#db = db;
    this.#segments = segments;
  }

  /** See `MailboxStore.bodySizes`. */
  sizes(guids: readonly Guid[]): number[] {
    const found = findPlaces(this.#db, guids);
    if (this.#places.size + found.size > KEPT_PLACES) this.#places.clear();
    for (const [guid, place] of found) this.#places.set(guid, place);
    return guids.map((guid) => found.get(guid)?.size ?? -1);
  }

  /** See `MailboxStore.readBody`. */
  read(guid: Guid, offset: number, length: number): Uint8Array {
    let place = this.#places.get(guid) ?? findPlace(this.#db, guid);
    for (let tried = -1; place !== null; place = findPlace(this.#db, guid)) {
      const bytes = this.#segments.read(guid, place, offset, length);
      if (bytes !== null) return bytes;
      // `compact` moved it since it was looked up; once more through the index finds it.
      this.#places.delete(guid);
      if (tried === place.segment) throw unreadable(guid);
      tried = place.segment;
    }
    throw bodyMissing(guid);
  }
}
