/**
 * Reading messages: found through the index, read from their segment.
 */
import { hash } from "node:crypto";
import type { Guid } from "../../model/record.ts";
import { bodyMissing } from "../shared/errors.ts";
import { findBodies, findBody } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type SegmentFiles, unreadable } from "./segments.ts";

/** Indexes of those that are not here. */
export function missingOf(db: Connection, guids: readonly Guid[]): number[] {
  const found = findBodies(db, guids);
  return guids.flatMap((guid, i) => (found.has(guid) ? [] : [i]));
}

/**
 * See `MailboxStore.readBody`. A message that is read as a whole is hashed too, so that damage does not travel.
 */
export function readBody(
  db: Connection,
  segments: SegmentFiles,
  guid: Guid,
  offset: number,
  length: number,
): Uint8Array {
  let tried = -1;
  for (;;) {
    const place = findBody(db, guid);
    if (place === null) throw bodyMissing(guid);
    const bytes = segments.read(guid, place, offset, length);
    if (bytes !== null) {
      const whole = offset === 0 && bytes.length === place.size;
      if (whole && hash("sha256", bytes, "hex") !== guid) throw unreadable(guid);
      return bytes;
    }
    // `compact` moved it between the two lookups; once more through the index finds it.
    if (tried === place.segment) throw unreadable(guid);
    tried = place.segment;
  }
}
