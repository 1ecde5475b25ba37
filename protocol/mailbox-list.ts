/**
 * The list of a node's mailboxes in sums, so that two nodes learn from one message that their lists are the same, and else
 * tell each other little more than the mailboxes that differ.
 */
import { addDigest, digestOfBytes } from "../src/model/digest.ts";
import type { MailboxEntry } from "../src/model/mailbox.ts";
import { EMPTY_DIGEST, type MailboxDigest, type MailboxState } from "../src/model/state.ts";
import { ByteWriter } from "../src/model/varint.ts";
import { digestBytes } from "./cursor-digest.ts";
import { rangeSum } from "./range-sum.ts";

/** An account as a whole. */
export interface ListedTree {
  readonly account: string;
  readonly modseq: number;
}

export interface ListedMailbox {
  readonly account: string;
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly tombstones: MailboxDigest | null;
}

/** Buckets that accounts and mailboxes fall into by their names and ids. */
export const LIST_BUCKETS = 256;
/** Parts of a bucket. */
export const BUCKET_PARTS = 16;

/** The part of a bucket that a mailbox, or with "" as its id an account, falls into: bucket * 16 + part. */
export function listPlace(account: string, mailboxId: string): number {
  const out = new ByteWriter();
  out.text(account);
  out.text(mailboxId);
  return digestOfBytes(out.finish()).crc >>> 20;
}

export class MailboxList {
  readonly #parts: MailboxDigest[] = Array.from({ length: LIST_BUCKETS * BUCKET_PARTS }, () => EMPTY_DIGEST);

  constructor(trees: Iterable<ListedTree>, mailboxes: Iterable<ListedMailbox>) {
    for (const tree of trees) this.#add(listPlace(tree.account, ""), canonicalTree(tree));
    for (const one of mailboxes) this.#add(listPlace(one.account, one.entry.mailboxId), canonicalMailbox(one));
  }

  /** 16 bytes that stand for the whole list. */
  digest(): Uint8Array {
    return digestBytes(this.#parts.reduce(addDigest, EMPTY_DIGEST));
  }

  /** The sum of each bucket. */
  buckets(): Uint32Array {
    return Uint32Array.from({ length: LIST_BUCKETS }, (_, bucket) =>
      sumOf(this.#parts.slice(bucket * BUCKET_PARTS, (bucket + 1) * BUCKET_PARTS).reduce(addDigest, EMPTY_DIGEST)),
    );
  }

  /** The sums of the parts of some buckets. */
  parts(buckets: readonly number[]): Uint32Array {
    const own = (bucket: number) => this.#parts.slice(bucket * BUCKET_PARTS, (bucket + 1) * BUCKET_PARTS).map(sumOf);
    return Uint32Array.from(buckets.flatMap(own));
  }

  #add(place: number, bytes: Uint8Array): void {
    this.#parts[place] = addDigest(this.#parts[place] ?? EMPTY_DIGEST, digestOfBytes(bytes));
  }
}

function sumOf(digest: MailboxDigest): number {
  return rangeSum({ live: digest, tombstones: EMPTY_DIGEST });
}

function canonicalTree({ account, modseq }: ListedTree): Uint8Array {
  const out = new ByteWriter();
  out.text(account);
  out.text("");
  out.varint(modseq);
  return out.finish();
}

function canonicalMailbox({ account, entry, state, tombstones }: ListedMailbox): Uint8Array {
  const out = new ByteWriter();
  out.text(account);
  writeEntry(out, entry);
  for (const counter of [state.uidValidity, state.uidNext, state.highestModseq, state.purgedModseq])
    out.varint(counter);
  for (const { count, crc, crcC } of [state.digest, tombstones ?? EMPTY_DIGEST])
    for (const number of [count, crc, crcC]) out.varint(number);
  return out.finish();
}

function writeEntry(out: ByteWriter, entry: MailboxEntry): void {
  out.text(entry.mailboxId);
  out.text(entry.name);
  for (const stamp of [entry.nameStamp, entry.createdStamp, entry.modseq, entry.deleted ? 1 : 0]) out.varint(stamp);
  out.varint(entry.attributes.length);
  for (const { key, value, stamp } of entry.attributes) {
    out.text(key);
    out.text(value);
    out.varint(stamp);
  }
  out.varint(entry.aliases.length);
  for (const alias of entry.aliases) out.text(alias);
  out.varint(entry.formerNames.length);
  for (const { name, uidValidity } of entry.formerNames) {
    out.text(name);
    out.varint(uidValidity);
  }
}
