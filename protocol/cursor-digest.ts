/**
 * The digest of the cursors a node holds for a peer: what `survey` carries, so that two nodes learn from 16 bytes that
 * they mean the same by "since last time".
 */
import { addDigest, digestOfBytes } from "../src/model/digest.ts";
import { type AgreedState, EMPTY_DIGEST, type MailboxDigest } from "../src/model/state.ts";
import { ByteWriter } from "../src/model/varint.ts";

export interface HeldCursor {
  readonly account: string;
  readonly mailboxId: string;
  readonly latest: AgreedState;
}

/**
 * Per cursor the mixed CRCs (as in `digest.md`) of account, mailboxId and the numbers of `latest`, added up; written as
 * `digestBytes` does.
 */
export function cursorDigest(cursors: Iterable<HeldCursor>): Uint8Array {
  let sum = EMPTY_DIGEST;
  for (const cursor of cursors) sum = addDigest(sum, digestOfBytes(canonicalCursor(cursor)));
  return digestBytes(sum);
}

/** A digest in 16 bytes: count (8 bytes), CRC-32 lane, CRC-32C lane (4 bytes each), big-endian. */
export function digestBytes({ count, crc, crcC }: MailboxDigest): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(count), 0);
  bytes.writeUInt32BE(crc, 8);
  bytes.writeUInt32BE(crcC, 12);
  return bytes;
}

function canonicalCursor({ account, mailboxId, latest }: HeldCursor): Uint8Array {
  const out = new ByteWriter();
  out.text(account);
  out.text(mailboxId);
  const { uidValidity, uidNext, highestModseq, purgedModseq, digest, entryModseq } = latest;
  for (const number of [uidValidity, uidNext, highestModseq, purgedModseq]) out.varint(number);
  for (const number of [digest.count, digest.crc, digest.crcC, entryModseq]) out.varint(number);
  return out.finish();
}
