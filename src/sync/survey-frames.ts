/**
 * Cuts the answer to a survey into frames.
 */
import { FRAME_FILL_BYTES, MAX_MAILBOXES_PER_FRAME } from "../../protocol/limits.ts";
import type { MailboxEntry } from "../model/mailbox.ts";
import type { SurveyedMailbox } from "./peer.ts";

/** Bytes of a surveyed mailbox besides its texts and changes: ids, states and cursors. */
const SURVEYED_BYTES = 512;
/** Bytes of an entry besides its texts: keys, the id of up to 255 bytes, stamps. */
const ENTRY_BYTES = 384;

/** Surveyed mailboxes in as many frames as their bytes need. */
export function* surveyFrames(mailboxes: readonly SurveyedMailbox[]): Generator<SurveyedMailbox[]> {
  let open: SurveyedMailbox[] = [];
  let bytes = 0;
  for (const mailbox of mailboxes) {
    const size = surveyedBytes(mailbox);
    if (open.length > 0 && (bytes + size > FRAME_FILL_BYTES || open.length >= MAX_MAILBOXES_PER_FRAME)) {
      yield open;
      open = [];
      bytes = 0;
    }
    open.push(mailbox);
    bytes += size;
  }
  if (open.length > 0) yield open;
}

function surveyedBytes({ account, entry, changes }: SurveyedMailbox): number {
  const changed = (changes ?? []).reduce((sum, batch) => sum + batch.length + 5, 0);
  return SURVEYED_BYTES + textBytes([account]) + entryTextBytes(entry) + changed;
}

/** About how many bytes a mailbox's entry takes in a frame; never less than it does. */
export function entryBytes(entry: MailboxEntry): number {
  return ENTRY_BYTES + entryTextBytes(entry);
}

function entryTextBytes({ name, aliases, attributes, formerNames }: MailboxEntry): number {
  const texts = [name, ...aliases, ...formerNames.map((former) => former.name)];
  for (const { key, value } of attributes) texts.push(key, value);
  return textBytes(texts);
}

function textBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 16, 0);
}
