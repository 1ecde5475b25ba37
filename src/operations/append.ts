/**
 * Appending messages to a mailbox: delivery, IMAP APPEND, and the arriving half of a copy.
 */
import { TandemError } from "../model/errors.ts";
import { type FlagSet, parseFlags } from "../model/flags.ts";
import { type Guid, type LiveRecord, MAX_DATE, MAX_UID, MIN_DATE } from "../model/record.ts";
import { packRecords } from "../store/shared/blocks.ts";
import { DigestSum } from "../store/shared/digest-sum.ts";
import type { Mailbox, MailboxStore } from "../store/store.ts";
import { atMailbox } from "./at-mailbox.ts";
import { nextModseq, requireMailbox } from "./lookup.ts";

/** A message to append: its bytes, or the GUID and size of one that is staged. */
export type NewMessage = (
  | { readonly bytes: Uint8Array }
  | {
      readonly guid: Guid;
      /** Bytes. */
      readonly size: number;
    }
) & {
  /** Names of flags and keywords. */
  readonly flags: readonly string[];
  /** Milliseconds since 1970, years 0 to 9999. */
  readonly internalDate: number;
};

/** Where messages were appended: what an IMAP server answers with APPENDUID (RFC 4315). */
export interface Appended {
  /** UIDVALIDITY of the mailbox as the messages were written to it. */
  readonly uidValidity: number;
  /** In the order of the messages, ascending. */
  readonly uids: readonly number[];
}

/** What is known of a message before it has a UID. */
export type Draft = FlagSet & Pick<LiveRecord, "guid" | "size" | "internalDate">;

/**
 * Appends messages in one change and returns their UIDs.
 * @throws TandemError `not-found` if there is no such mailbox, `invalid-argument` for a flag or date, `body-missing` if
 *   a message named by GUID is not staged, `limit` if the UIDs are used up, `io`.
 */
export async function appendMessages(
  store: MailboxStore,
  account: string,
  mailboxName: string,
  messages: readonly NewMessage[],
): Promise<Appended> {
  const flags = messages.map((message) => parseFlags(message.flags));
  for (const { internalDate } of messages) checkDate(internalDate);
  const found = await requireMailbox(store, account, mailboxName);
  const staged = await stageBytes(store, messages);
  const drafts = messages.map(({ internalDate }, i): Draft => {
    return { ...(staged[i] as { guid: Guid; size: number }), ...(flags[i] as FlagSet), internalDate };
  });
  return atMailbox(store, account, found, async (mailbox) => {
    const uids = await appendDrafts(store, account, mailbox, drafts);
    return uids === "conflict" ? uids : { uidValidity: mailbox.state.uidValidity, uids };
  });
}

/** One attempt to append messages whose bytes are in the store. */
export async function appendDrafts(
  store: MailboxStore,
  account: string,
  mailbox: Mailbox,
  drafts: readonly Draft[],
): Promise<number[] | "conflict"> {
  if (drafts.length === 0) return [];
  const before = mailbox.state;
  const modseq = nextModseq(before);
  if (before.uidNext + drafts.length - 1 > MAX_UID)
    throw new TandemError(
      "limit",
      `The UIDs of ${JSON.stringify(mailbox.entry.name)} are used up; create a new mailbox.`,
    );
  const records = drafts.map((draft, i) => newRecord(draft, before.uidNext + i, modseq));
  const digest = new DigestSum(before.digest);
  for (const record of records) digest.add(record);
  const uidNext = before.uidNext + records.length;
  const after = { ...before, uidNext, highestModseq: modseq, digest: digest.value() };
  const { mailboxId } = mailbox.entry;
  const outcome = await store.apply({ account, mailboxId, before, after, records: packRecords(records) });
  return outcome === "conflict" ? outcome : records.map((record) => record.uid);
}

function newRecord(draft: Draft, uid: number, modseq: number): LiveRecord {
  const { guid, size, internalDate, systemFlags, keywords } = draft;
  const rest = { flagStamps: [], formerUids: [] };
  return {
    expunged: false,
    uid,
    modseq,
    createdModseq: modseq,
    guid,
    size,
    internalDate,
    systemFlags,
    keywords,
    ...rest,
  };
}

async function stageBytes(
  store: MailboxStore,
  messages: readonly NewMessage[],
): Promise<{ guid: Guid; size: number }[]> {
  const given = messages.flatMap((message) => ("bytes" in message ? [message.bytes] : []));
  const guids = (await store.stage(given)).values();
  return messages.map((message) => {
    if (!("bytes" in message)) return { guid: message.guid, size: message.size };
    return { guid: guids.next().value as Guid, size: message.bytes.length };
  });
}

function checkDate(date: number): void {
  if (Number.isInteger(date) && date >= MIN_DATE && date <= MAX_DATE) return;
  throw new TandemError("invalid-argument", `The date ${date} is not in the years 0 to 9999; give another.`);
}
