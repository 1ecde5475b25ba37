/**
 * What all parts of the store contract need: small messages, records, mailboxes, and changes with the right digest.
 */
import { createHash } from "node:crypto";
import type { RecordBatch } from "../../../src/model/batch.ts";
import { decodeBatch } from "../../../src/model/decode-batch.ts";
import type { ErrorCode } from "../../../src/model/errors.ts";
import { isTandemError } from "../../../src/model/errors.ts";
import type { MailboxEntry } from "../../../src/model/mailbox.ts";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import { type Cursor, EMPTY_DIGEST, type MailboxState } from "../../../src/model/state.ts";
import { packRecords } from "../../../src/store/shared/blocks.ts";
import { DigestSum } from "../../../src/store/shared/digest-sum.ts";
import type { Mailbox, MailboxChange, MailboxStore, ScanOptions } from "../../../src/store/store.ts";

export const ACCOUNT = "ann@example.org";
export const PEER = "00112233445566778899aabbccddeeff";

/** A store to test, and how to get rid of it. */
export interface StoreUnderTest {
  readonly store: MailboxStore;
  readonly cleanup: () => Promise<void>;
}
export type StoreFactory = () => Promise<StoreUnderTest>;

/** Runs `body` with a fresh store that is closed and removed afterwards. */
export async function withStore(factory: StoreFactory, body: (store: MailboxStore) => Promise<void>): Promise<void> {
  const { store, cleanup } = await factory();
  try {
    await body(store);
  } finally {
    await store.close();
    await cleanup();
  }
}

/** The bytes of message number `n`. */
export function messageBytes(n: number, size = 40): Uint8Array {
  return Buffer.from(`Subject: ${n}\r\n\r\n`.padEnd(size, "x"));
}

export function guidOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The live record of message number `n` under `uid`. */
export function live(uid: number, modseq: number, overrides: Partial<LiveRecord> & { n?: number } = {}): LiveRecord {
  const { n = uid, ...rest } = overrides;
  const bytes = messageBytes(n);
  return {
    expunged: false,
    uid,
    modseq,
    createdModseq: modseq,
    guid: guidOf(bytes),
    size: bytes.length,
    internalDate: 1_700_000_000_000 + n,
    systemFlags: 0,
    keywords: [],
    flagStamps: [],
    formerUids: [],
    ...rest,
  };
}

export function entryOf(
  mailboxId: string,
  name: string,
  modseq: number,
  over: Partial<MailboxEntry> = {},
): MailboxEntry {
  const fixed = { deleted: false, attributes: [], aliases: [], formerNames: [] };
  return { mailboxId, name, nameStamp: modseq, createdStamp: modseq, modseq, ...fixed, ...over };
}

/** Creates a mailbox with uidValidity 100. */
export async function makeMailbox(
  store: MailboxStore,
  mailboxId = "box",
  name = "INBOX",
  account = ACCOUNT,
): Promise<Mailbox> {
  const { modseq } = await store.tree(account);
  const put = { entry: entryOf(mailboxId, name, modseq + 1), uidValidity: 100 };
  const outcome = await store.applyTree({ account, before: modseq, after: modseq + 1, puts: [put] });
  if (outcome !== "applied") throw new Error(`The mailbox could not be made: ${outcome}.`);
  return getMailbox(store, mailboxId, account);
}

export async function getMailbox(store: MailboxStore, mailboxId = "box", account = ACCOUNT): Promise<Mailbox> {
  const mailbox = await store.mailbox(account, mailboxId);
  if (mailbox === null) throw new Error(`No mailbox ${mailboxId}.`);
  return mailbox;
}

export async function batchesOf(store: MailboxStore, mailboxId = "box", options?: ScanOptions): Promise<RecordBatch[]> {
  const snapshot = await store.snapshot(ACCOUNT, mailboxId);
  try {
    const batches: RecordBatch[] = [];
    for await (const some of snapshot.scan(options)) batches.push(...some);
    return batches;
  } finally {
    await snapshot.close();
  }
}

export async function recordsOf(store: MailboxStore, mailboxId = "box", options?: ScanOptions): Promise<IndexRecord[]> {
  return (await batchesOf(store, mailboxId, options)).flatMap((batch) => decodeBatch(batch.bytes));
}

/** Counters after `puts` on `old` records, the digest included. */
export function stateAfter(
  before: MailboxState,
  old: readonly IndexRecord[],
  puts: readonly IndexRecord[],
): MailboxState {
  const digest = new DigestSum(before.digest);
  const written = new Set(puts.map((record) => record.uid));
  for (const record of old) if (written.has(record.uid)) digest.subtract(record);
  for (const record of puts) digest.add(record);
  return {
    ...before,
    uidNext: puts.reduce((most, { uid }) => Math.max(most, uid + 1), before.uidNext),
    highestModseq: puts.reduce((most, { modseq }) => Math.max(most, modseq), before.highestModseq),
    digest: digest.value(),
  };
}

type ChangeOverrides = Partial<Omit<MailboxChange, "after">> & { readonly after?: Partial<MailboxState> };

/** A change that writes `puts` (in UID order) on the mailbox as it is now. */
export async function changeOf(
  store: MailboxStore,
  puts: readonly IndexRecord[],
  overrides: ChangeOverrides = {},
): Promise<MailboxChange> {
  const mailboxId = overrides.mailboxId ?? "box";
  const before = (await getMailbox(store, mailboxId)).state;
  const old = overrides.reset ? [] : await recordsOf(store, mailboxId);
  const start = overrides.reset ? { ...before, digest: EMPTY_DIGEST } : before;
  const after = { ...stateAfter(start, old, puts), ...overrides.after };
  return { account: ACCOUNT, mailboxId, before, records: [...packRecords(puts)], ...overrides, after };
}

/** Stages the messages of the live ones among `puts` (made by `live`) and applies them. */
export async function put(
  store: MailboxStore,
  puts: readonly IndexRecord[],
  overrides: ChangeOverrides = {},
): Promise<void> {
  await stageFor(store, puts);
  const outcome = await store.apply(await changeOf(store, puts, overrides));
  if (outcome !== "applied") throw new Error(`The change was not applied: ${outcome}.`);
}

/** Stages the message of each live record, found again by the number in its date. */
export async function stageFor(store: MailboxStore, puts: readonly IndexRecord[]): Promise<void> {
  const numbers = puts.flatMap((record) => (record.expunged ? [] : [record.internalDate - 1_700_000_000_000]));
  await store.stage(numbers.map((n) => messageBytes(n)));
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

export function agreed(state: MailboxState, entryModseq = 1): Cursor {
  const latest = { ...state, entryModseq };
  return { latest, agreed: latest };
}

/** The code of the error that `action` fails with, or "no error". */
export async function codeOf(action: () => Promise<unknown>): Promise<ErrorCode | "no error"> {
  try {
    await action();
  } catch (error) {
    if (isTandemError(error)) return error.code;
    throw error;
  }
  return "no error";
}
