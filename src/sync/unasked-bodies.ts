/**
 * Messages that go along with small changes of many mailboxes, without the other side being asked what it lacks.
 */
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import type { MailboxStore } from "../store/store.ts";
import type { PushOutcome } from "./push-outcome.ts";
import type { RemotePeer, UnaskedBody } from "./remote-peer.ts";

/** Bytes of messages that go along with the small changes of many mailboxes: a few messages for each. */
export const MOST_UNASKED_BYTES = 6 * FRAME_FILL_BYTES;
/** Bytes of their records. */
export const MOST_RECORD_BYTES = FRAME_FILL_BYTES;

/** A mailbox that is to be changed at the other side together with others. */
export interface Bringing {
  /** Its place among the outcomes. */
  readonly index: number;
  /** Its records, packed. */
  readonly batches: readonly Uint8Array[];
  /** The messages that are new to it there. */
  readonly fresh: readonly { readonly guid: string; readonly size: number }[];
}

/** What is left of a frame's room. */
export class FrameRoom {
  #records = MOST_RECORD_BYTES;
  #bodies = MOST_UNASKED_BYTES;

  /** Takes room for what a mailbox brings, if there is any: else it waits for the next frame, or never fits into one. */
  take({ index, batches, fresh }: Bringing, outcomes: PushOutcome[]): boolean {
    const records = batches.reduce((sum, { length }) => sum + length, 0);
    const bodies = fresh.reduce((sum, { size }) => sum + size, 0);
    const fits = records <= this.#records && bodies <= this.#bodies;
    if (fits) {
      this.#records -= records;
      this.#bodies -= bodies;
    } else if (records <= MOST_RECORD_BYTES && bodies <= MOST_UNASKED_BYTES) outcomes[index] = { kind: "full" };
    else outcomes[index] = { kind: "other" };
    return fits;
  }
}

/**
 * Those whose messages the other side has, or surely lacks and gets along with the change; and what it gets.
 * @throws TandemError what the store throws.
 */
export async function withBodies<T extends Bringing>(
  store: MailboxStore,
  right: RemotePeer,
  mailboxes: readonly T[],
): Promise<{ chosen: T[]; bodies: UnaskedBody[] }> {
  const guids = mailboxes.flatMap(({ fresh }) => fresh.map(({ guid }) => guid));
  const guesses = await right.guesses(guids);
  const lacking = guids.filter((_, i) => guesses[i] === "lacks");
  const read = lacking.length === 0 ? [] : await store.readBodies(lacking);
  const bytes = new Map(lacking.map((guid, i) => [guid, read[i] ?? null]));
  const known = new Set(guids.filter((guid, i) => guesses[i] === "has" || bytes.get(guid)));
  const chosen = mailboxes.filter(({ fresh }) => fresh.every(({ guid }) => known.has(guid)));
  const bodies = chosen.flatMap(({ fresh }) =>
    fresh.flatMap(({ guid }) => {
      const own = bytes.get(guid);
      return own ? [{ guid, bytes: own }] : [];
    }),
  );
  return { chosen, bodies };
}
