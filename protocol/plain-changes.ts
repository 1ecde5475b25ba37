/**
 * Small changes of many mailboxes, and what became of them, each in one `bin`: MessagePack and a check of each number by
 * itself would cost more than the changes do.
 */
import { TandemError } from "../src/model/errors.ts";
import { nameFault } from "../src/model/mailbox.ts";
import { MAX_MODSEQ, MAX_UID } from "../src/model/record.ts";
import type { AgreedState, Cursor, MailboxState } from "../src/model/state.ts";
import { ByteReader, ByteWriter } from "../src/model/varint.ts";
import { type Batches, isMailboxId, joinBatches, splitBatches } from "./fields.ts";
import { MAX_CHANGES_PER_FRAME } from "./limits.ts";

/** A change of the records of one mailbox. */
export interface PlainChange {
  readonly account: string;
  readonly mailboxId: string;
  /** The state the change was planned on. */
  readonly before: MailboxState;
  /** The state it leads to. */
  readonly after: MailboxState;
  /** Modseq of the mailbox's entry, the same before and after. */
  readonly entryModseq: number;
  /**
   * Null: the master is where the change leads already, so the replica saves with it that both are. Else the master gets there
   * after the replica, and this is the newest state in which both are known to have been: the replica saves it as `agreed`.
   */
  readonly base: AgreedState | null;
  /** Where there is a conflict, the master leaves the mailbox to the replica, which is a master itself: never with a `base`. */
  readonly yields: boolean;
  readonly batches: Batches;
}

/** A mailbox as it is where a change met a conflict; its entry is the master's if the modseqs of both are equal. */
export interface MetMailbox {
  readonly state: MailboxState;
  readonly entryModseq: number;
  /** What the replica holds for the master. */
  readonly cursor: Cursor | null;
  /** Records changed since `cursor.latest`; null if there was no room for them. */
  readonly changes: Batches | null;
}

/** `not-done`: for whatever reason; tried as a `change` it says why. */
export type PlainResult =
  | { readonly kind: "not-done" | "applied" }
  | { readonly kind: "conflict"; readonly there: MetMailbox };

/** `ahead`: the replica is there before the master, so a base follows. */
const CHANGES = ["plain", "ahead", "yielding"] as const;
const KINDS = ["not-done", "applied", "conflict"] as const;
const MAX_UINT32 = 0xffff_ffff;

/** @throws TandemError `limit` if they are too many, `internal` for a value that is out of its range. */
export function joinChanges(changes: readonly PlainChange[]): Uint8Array {
  if (changes.length > MAX_CHANGES_PER_FRAME) throw tooMany();
  const out = new ByteWriter(4096);
  for (const change of changes) writeChange(out, change);
  return out.finish();
}

/** @throws TandemError `bad-frame` for anything that `joinChanges` would not write, `limit` if they are too many. */
export function splitChanges(packed: Uint8Array): PlainChange[] {
  const reader = new ByteReader(packed, "A list of changes");
  const changes: PlainChange[] = [];
  const named = new Set<string>();
  while (reader.left > 0) {
    const change = readChange(reader);
    changes.push(change);
    if (changes.length > MAX_CHANGES_PER_FRAME) throw tooMany();
    if (named.size === named.add(`${change.mailboxId} ${change.account}`).size)
      throw malformed("names a mailbox twice");
  }
  return changes;
}

/** @throws TandemError `limit` if they are too many. */
export function joinResults(results: readonly PlainResult[]): Uint8Array {
  if (results.length > MAX_CHANGES_PER_FRAME) throw tooMany();
  const out = new ByteWriter(1024);
  for (const result of results) {
    out.byte(KINDS.indexOf(result.kind));
    if (result.kind === "conflict") writeMet(out, result.there);
  }
  return out.finish();
}

/** @throws TandemError `bad-frame` for anything that `joinResults` would not write, `limit` if they are too many. */
export function splitResults(packed: Uint8Array): PlainResult[] {
  const reader = new ByteReader(packed, "A list of results");
  const results: PlainResult[] = [];
  while (reader.left > 0) {
    const kind = KINDS[number(reader, 0, KINDS.length - 1)] ?? "not-done";
    results.push(kind === "conflict" ? { kind, there: readMet(reader) } : { kind });
    if (results.length > MAX_CHANGES_PER_FRAME) throw tooMany();
  }
  return results;
}

function writeChange(out: ByteWriter, change: PlainChange): void {
  const { account, mailboxId, before, after, entryModseq, base, yields, batches } = change;
  out.text(account);
  out.text(mailboxId);
  writeState(out, before);
  writeState(out, after);
  out.varint(entryModseq);
  out.byte(CHANGES.indexOf(base !== null ? "ahead" : yields ? "yielding" : "plain"));
  if (base !== null) writeAgreed(out, base);
  writeBatches(out, batches);
}

function readChange(reader: ByteReader): PlainChange {
  const account = reader.text();
  const mailboxId = reader.text();
  if (nameFault(account) !== null || !isMailboxId(mailboxId)) throw malformed("names a mailbox that cannot be");
  const [before, after] = [readState(reader), readState(reader)];
  const entryModseq = number(reader, 0, MAX_MODSEQ);
  const kind = CHANGES[number(reader, 0, CHANGES.length - 1)];
  const base = kind === "ahead" ? readAgreed(reader) : null;
  const batches = readBatches(reader);
  return { account, mailboxId, before, after, entryModseq, base, yields: kind === "yielding", batches };
}

function writeMet(out: ByteWriter, { state, entryModseq, cursor, changes }: MetMailbox): void {
  writeState(out, state);
  out.varint(entryModseq);
  const agreed = cursor === null ? [] : [cursor.latest, ...(cursor.agreed === null ? [] : [cursor.agreed])];
  out.byte(agreed.length);
  for (const one of agreed) writeAgreed(out, one);
  out.byte(changes === null ? 0 : 1);
  if (changes !== null) writeBatches(out, changes);
}

function readMet(reader: ByteReader): MetMailbox {
  const state = readState(reader);
  const entryModseq = number(reader, 0, MAX_MODSEQ);
  const agreed: AgreedState[] = [];
  for (let left = number(reader, 0, 2); left > 0; left--) agreed.push(readAgreed(reader));
  const [latest] = agreed;
  const cursor = latest === undefined ? null : { latest, agreed: agreed[1] ?? null };
  return { state, entryModseq, cursor, changes: number(reader, 0, 1) === 0 ? null : readBatches(reader) };
}

function writeBatches(out: ByteWriter, batches: Batches): void {
  const records = joinBatches(batches);
  out.varint(records.length);
  out.bytes(records);
}

function readBatches(reader: ByteReader): Batches {
  return splitBatches(reader.bytes(reader.varint()));
}

function writeAgreed(out: ByteWriter, agreed: AgreedState): void {
  writeState(out, agreed);
  out.varint(agreed.entryModseq);
}

function readAgreed(reader: ByteReader): AgreedState {
  return { ...readState(reader), entryModseq: number(reader, 0, MAX_MODSEQ) };
}

function writeState(out: ByteWriter, { uidValidity, uidNext, highestModseq, purgedModseq, digest }: MailboxState) {
  for (const value of [uidValidity, uidNext, highestModseq, purgedModseq, digest.count, digest.crc, digest.crcC])
    out.varint(value);
}

function readState(reader: ByteReader): MailboxState {
  const uidValidity = number(reader, 1, MAX_UINT32);
  const uidNext = number(reader, 1, MAX_UID + 1);
  const highestModseq = number(reader, 1, MAX_MODSEQ);
  const purgedModseq = number(reader, 0, MAX_MODSEQ);
  const [count, crc] = [number(reader, 0, MAX_UINT32), number(reader, 0, MAX_UINT32)];
  const digest = { count, crc, crcC: number(reader, 0, MAX_UINT32) };
  return { uidValidity, uidNext, highestModseq, purgedModseq, digest };
}

function number(reader: ByteReader, least: number, most: number): number {
  const value = reader.varint();
  if (value < least || value > most) throw malformed(`has a number of ${value}, not ${least} to ${most}`);
  return value;
}

function tooMany(): TandemError {
  return new TandemError("limit", `A frame has more than ${MAX_CHANGES_PER_FRAME} changes; cut it in two.`);
}

function malformed(how: string): TandemError {
  return new TandemError("bad-frame", `A list of changes ${how}.`);
}
