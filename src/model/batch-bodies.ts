/**
 * What packed records say about the bytes of their messages, read without unpacking the rest.
 */
import { EXPUNGED, GUID_BYTES, LOW_BITS } from "./batch.ts";
import { countLive, readColumns, readGuidRun } from "./decode-batch.ts";
import { ByteReader } from "./varint.ts";

/** What a record says about the bytes of its message. */
export interface LiveBody {
  readonly uid: number;
  readonly guid: string;
  readonly size: number;
}

/**
 * The live records of a batch in UID order, as far as the bytes of their messages are concerned.
 * Cheaper than `decodeBatch`, and not a check of the whole. @throws TandemError `bad-frame`.
 */
export function decodeBodies(bytes: Uint8Array): LiveBody[] {
  const reader = new ByteReader(bytes);
  const { uid, kind, count } = readColumns(reader);
  const live = countLive(kind);
  reader.varints(live);
  const size = reader.varints(live);
  reader.zigzags(live);
  const guids = readLiveGuids(reader, kind, live === count);
  const bodies: LiveBody[] = [];
  for (let i = 0; i < count; i++) {
    if (((kind[i] as number) & EXPUNGED) !== 0) continue;
    const at = bodies.length;
    bodies.push({ uid: uid[i] as number, guid: guids[at] as string, size: size[at] as number });
  }
  return bodies;
}

/** The GUIDs of the live records of a batch in UID order; as `decodeBodies`. @throws TandemError `bad-frame`. */
export function decodeGuids(bytes: Uint8Array): string[] {
  const reader = new ByteReader(bytes);
  const { kind, count } = readColumns(reader);
  const live = countLive(kind);
  // createdModseq, size and internalDate.
  reader.skipVarints(3 * live);
  return readLiveGuids(reader, kind, live === count);
}

function readLiveGuids(reader: ByteReader, kind: Uint8Array, isAllLive: boolean): string[] {
  if (isAllLive) return readGuidRun(reader, kind.length);
  const guids: string[] = [];
  for (const bits of kind) {
    if ((bits & EXPUNGED) !== 0) reader.bytes(GUID_BYTES * (bits & LOW_BITS));
    else guids.push(reader.hex(GUID_BYTES));
  }
  return guids;
}
