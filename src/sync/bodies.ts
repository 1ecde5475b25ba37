/**
 * Reading the bytes of messages out of a store in pieces of bounded size.
 *
 * A store says itself where bytes are damaged, and the side that takes a message over hashes it: hashing here too would
 * only cost time.
 */
import { createHash, hash } from "node:crypto";
import { BODIES_FILL_BYTES, BODY_PART_BYTES, MAX_BODIES_PER_FRAME } from "../../protocol/limits.ts";
import { isTandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { BodyChunk } from "./peer.ts";

type WholeBody = { readonly guid: string; readonly bytes: Uint8Array };

/** Messages of a store: small ones gathered, large ones in parts, those that cannot be read named. */
export async function* readBodies(store: MailboxStore, guids: readonly string[]): AsyncGenerator<BodyChunk> {
  const sizes = await store.bodySizes(guids);
  let start = 0;
  let bytes = 0;
  for (const [i, size] of sizes.entries()) {
    const isFull = bytes + size > BODIES_FILL_BYTES || i - start >= MAX_BODIES_PER_FRAME;
    if (i > start && (isFull || !isSmall(size))) {
      yield* readSmall(store, guids.slice(start, i), sizes.slice(start, i));
      [start, bytes] = [i, 0];
    }
    bytes += size;
    if (isSmall(size)) continue;
    if (size < 0) yield { kind: "unreadable", guids: [guids[i] as string] };
    else yield* readLarge(store, guids[i] as string, size);
    [start, bytes] = [i + 1, 0];
  }
  yield* readSmall(store, guids.slice(start), sizes.slice(start));
}

function isSmall(size: number): boolean {
  return size >= 0 && size <= BODY_PART_BYTES;
}

/** Messages that fit into one frame. */
async function* readSmall(
  store: MailboxStore,
  guids: readonly string[],
  sizes: readonly number[],
): AsyncGenerator<BodyChunk> {
  if (guids.length === 0) return;
  const bodies: WholeBody[] = [];
  const unreadable: string[] = [];
  for (const [i, bytes] of (await store.readBodies(guids)).entries()) {
    const guid = guids[i] as string;
    if (bytes?.length === sizes[i]) bodies.push({ guid, bytes: bytes as Uint8Array });
    else unreadable.push(guid);
  }
  if (unreadable.length > 0) yield { kind: "unreadable", guids: unreadable };
  if (bodies.length > 0) yield { kind: "whole", bodies };
}

/** Whether the bytes of a message are there and fit its GUID. */
export async function isReadable(store: MailboxStore, guid: string, size: number): Promise<boolean> {
  if (size <= BODY_PART_BYTES) {
    const bytes = await readWhole(store, guid, size);
    return bytes !== null && hash("sha256", bytes, "hex") === guid;
  }
  for await (const chunk of readLarge(store, guid, size)) if (chunk.kind === "unreadable") return false;
  return true;
}

async function readWhole(store: MailboxStore, guid: string, size: number): Promise<Uint8Array | null> {
  try {
    const bytes = await store.readBody(guid, 0, size);
    return bytes.length === size ? bytes : null;
  } catch (error) {
    return orNull(error);
  }
}

async function* readLarge(store: MailboxStore, guid: string, size: number): AsyncGenerator<BodyChunk> {
  const digest = createHash("sha256");
  for (let offset = 0; offset < size; offset += BODY_PART_BYTES) {
    const length = Math.min(BODY_PART_BYTES, size - offset);
    const bytes = await readPiece(store, guid, offset, length);
    if (bytes === null) return yield { kind: "unreadable", guids: [guid] };
    digest.update(bytes);
    const isLast = offset + length === size;
    if (isLast && digest.digest("hex") !== guid) return yield { kind: "unreadable", guids: [guid] };
    yield { kind: "part", guid, size, offset, bytes };
  }
}

async function readPiece(store: MailboxStore, guid: string, offset: number, length: number) {
  try {
    const bytes = await store.readBody(guid, offset, length);
    return bytes.length === length ? bytes : null;
  } catch (error) {
    return orNull(error);
  }
}

/** A message that cannot be read is a finding, not a failure of the whole exchange (scenario 22). */
function orNull(error: unknown): null {
  if (isTandemError(error, "body-missing") || isTandemError(error, "body-unreadable")) return null;
  throw error;
}
