/**
 * The bytes of messages between a store and the outside: reading them out checked, and taking large ones in piece by piece.
 */
import { createHash } from "node:crypto";
import { TandemError } from "../model/errors.ts";
import type { Guid } from "../model/record.ts";
import type { MailboxStore } from "../store/store.ts";

const PIECE = 1024 * 1024;

/**
 * A message's bytes in pieces, hashed as they pass.
 * @throws TandemError `body-missing`, or `body-unreadable`, also after the last piece if the bytes are not those of the GUID.
 */
export async function* messageBytes(store: MailboxStore, guid: Guid, size: number): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < size; ) {
    const piece = await store.readBody(guid, offset, Math.min(PIECE, size - offset));
    if (piece.length === 0) break;
    hash.update(piece);
    offset += piece.length;
    yield piece;
  }
  if (hash.digest("hex") !== guid)
    throw new TandemError(
      "body-unreadable",
      `The bytes stored for the message ${guid} are not the ones it was made of; restore it from another node or a backup.`,
    );
}

/** Stages a message from its pieces, however large it is, and returns its GUID. @throws TandemError `io`. */
export async function stageLarge(store: MailboxStore, pieces: AsyncIterable<Uint8Array>): Promise<Guid> {
  const writer = await store.stageLarge();
  try {
    for await (const piece of pieces) await writer.write(piece);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.finish();
}
