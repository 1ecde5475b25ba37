/**
 * Messages that go along with small changes, without the other side being asked what it lacks.
 */
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import type { MailboxStore } from "../store/store.ts";
import type { RemotePeer } from "./remote-peer.ts";

/** Bytes of messages that go along with the small changes of many mailboxes: a few messages for each. */
export const MOST_UNASKED_BYTES = 6 * FRAME_FILL_BYTES;

/** What is known of some messages. */
export interface UnaskedBodies {
  /** Whether the other side has the message, or lacks it and its bytes are at hand. */
  readonly isKnown: (guid: string) => boolean;
  /** The bytes of those of `guids` that have to be sent. */
  readonly of: (guids: readonly string[]) => Uint8Array[];
}

/** @throws TandemError what the store throws. */
export async function unaskedBodies(
  store: MailboxStore,
  right: RemotePeer,
  guids: readonly string[],
): Promise<UnaskedBodies> {
  const guesses = await right.guesses(guids);
  const lacking = guids.filter((_, i) => guesses[i] === "lacks");
  const read = lacking.length === 0 ? [] : await store.readBodies(lacking);
  const bytes = new Map(lacking.map((guid, i) => [guid, read[i] ?? null]));
  const known = new Set(guids.filter((guid, i) => guesses[i] === "has" || bytes.get(guid)));
  return { isKnown: (guid) => known.has(guid), of: (some) => some.flatMap((guid) => bytes.get(guid) ?? []) };
}
