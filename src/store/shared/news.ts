/**
 * What is new in mailboxes for a peer, in as many bytes as there is room for.
 */
import type { RecordBatch } from "../../model/batch.ts";
import type { Cursor } from "../../model/state.ts";
import type { Mailbox, MailboxNews } from "../store.ts";
import { type Selection, selectionOf, selectRecords } from "./read-records.ts";

export class NewsPacker {
  #room: number;

  /** @param room bytes of changed records, of all mailboxes together. */
  constructor(room: number) {
    this.#room = room;
  }

  /** @param read gives the batches of all blocks in which a wanted record can be, in UID order. */
  news(
    { entry, state, tombstones }: Mailbox,
    cursor: Cursor | null,
    read: (wanted: Selection) => Iterable<RecordBatch>,
  ): MailboxNews {
    const isKnown = cursor !== null && cursor.latest.uidValidity === state.uidValidity;
    return {
      entry,
      state,
      tombstones,
      cursor,
      changes: isKnown ? this.#pack(cursor.latest.highestModseq, read) : null,
    };
  }

  #pack(sinceModseq: number, read: (wanted: Selection) => Iterable<RecordBatch>): Uint8Array[] | null {
    if (this.#room <= 0) return null;
    const changes: Uint8Array[] = [];
    const wanted = selectionOf({ sinceModseq });
    let left = this.#room;
    for (const { bytes } of selectRecords(read(wanted), wanted)) {
      left -= bytes.length;
      if (left < 0) return null;
      changes.push(bytes);
    }
    this.#room = left;
    return changes;
  }
}
