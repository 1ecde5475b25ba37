/**
 * The shapes that several messages share: a mailbox's state, the cursor, a mailbox's entry, a surveyed mailbox.
 */
import { z } from "zod";
import type { FormerName, MailboxAttribute, MailboxEntry } from "../src/model/mailbox.ts";
import type { AgreedState, Cursor, MailboxDigest, MailboxState } from "../src/model/state.ts";
import {
  batchesOrNull,
  flag,
  list,
  mailboxId,
  modseq,
  modseqOrZero,
  name,
  orNull,
  rangeBits,
  rangeRuns,
  rangeSums,
  shortText,
  uidNext,
  uidValidity,
  uint32,
} from "./fields.ts";
import { MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_ENTRY_ITEMS, MAX_RANGES_PER_FRAME } from "./limits.ts";

const stateItems = [uidValidity, uidNext, modseq, modseqOrZero, uint32, uint32, uint32] as const;

/** A digest: [count, crc, crcC]. */
export const digestShape = z.codec(z.tuple([uint32, uint32, uint32]), z.custom<MailboxDigest>(), {
  decode: ([count, crc, crcC]) => ({ count, crc, crcC }),
  encode: ({ count, crc, crcC }) => [count, crc, crcC] as [number, number, number],
});

/** A mailbox's state: [uidValidity, uidNext, highestModseq, purgedModseq, count, crc, crcC]. */
export const stateShape = z.codec(z.tuple(stateItems), z.custom<MailboxState>(), {
  decode: readState,
  encode: (state) => writeState(state),
});

/** A state two nodes agreed on: the items of a state, then the modseq of the mailbox's entry. */
export const agreedShape = z.codec(z.tuple([...stateItems, modseqOrZero]), z.custom<AgreedState>(), {
  decode: ([u, n, h, p, c, a, b, entryModseq]) => ({ ...readState([u, n, h, p, c, a, b]), entryModseq }),
  encode: (state) => [...writeState(state), state.entryModseq] as [...StateItems, number],
});

/** A cursor: [latest], or [latest, agreed]. */
export const cursorShape = z.codec(z.array(agreedShape).min(1).max(2), z.custom<Cursor>(), {
  decode: ([latest, agreed]) => ({ latest: latest as AgreedState, agreed: agreed ?? null }),
  encode: ({ latest, agreed }) => (agreed === null ? [latest] : [latest, agreed]),
});

const attribute = z.codec(
  z.tuple([shortText(MAX_ATTRIBUTE_KEY_BYTES), shortText(MAX_ATTRIBUTE_VALUE_BYTES), modseqOrZero]),
  z.custom<MailboxAttribute>(),
  {
    decode: ([key, value, stamp]) => ({ key, value, stamp }),
    encode: ({ key, value, stamp }) => [key, value, stamp] as [string, string, number],
  },
);

const formerName = z.codec(z.tuple([name, uidValidity]), z.custom<FormerName>(), {
  decode: ([former, validity]) => ({ name: former, uidValidity: validity }),
  encode: (former) => [former.name, former.uidValidity] as [string, number],
});

const entryFields = z.object({
  id: mailboxId,
  name,
  named: modseqOrZero,
  created: modseqOrZero,
  modseq: modseqOrZero,
  deleted: flag,
  attributes: list(attribute, MAX_ENTRY_ITEMS).refine((all) => ascends(all.map((one) => one.key)), "not in order"),
  aliases: list(mailboxId, MAX_ENTRY_ITEMS).refine(ascends, "not in order"),
  former: list(formerName, MAX_ENTRY_ITEMS).refine((all) => ascends(all.map((one) => one.name)), "not in order"),
});

/** A mailbox's entry in the tree of its account. */
export const entryShape = z.codec(entryFields, z.custom<MailboxEntry>(), {
  decode: (wire) => ({
    mailboxId: wire.id,
    name: wire.name,
    nameStamp: wire.named,
    createdStamp: wire.created,
    modseq: wire.modseq,
    deleted: wire.deleted,
    attributes: wire.attributes,
    aliases: wire.aliases,
    formerNames: wire.former,
  }),
  encode: (entry) => ({
    id: entry.mailboxId,
    name: entry.name,
    named: entry.nameStamp,
    created: entry.createdStamp,
    modseq: entry.modseq,
    deleted: entry.deleted,
    attributes: entry.attributes,
    aliases: entry.aliases,
    former: entry.formerNames,
  }),
});

/** A changed entry, with the account's tree modseq before and after. */
export const entryChangeShape = z.object({
  value: entryShape,
  treeBefore: modseqOrZero,
  treeAfter: modseqOrZero,
});

/** Ranges of one size that are compared. */
export const rangesFields = {
  bits: rangeBits,
  runs: rangeRuns,
  /** The master's sum of each; none: the replica tells its own. */
  sums: rangeSums(MAX_RANGES_PER_FRAME),
};

/** A mailbox as one side tells the other about it: `surveyed` and `conflict`. */
export const surveyedShape = z.object({
  account: name,
  entry: entryShape,
  state: stateShape,
  /** Digest of its tombstones; null where it is not known. */
  tombstones: orNull(digestShape),
  /** What the sender holds for the receiver. */
  cursor: orNull(cursorShape),
  /** Records changed since `cursor.latest`; null if they are not included. */
  changes: batchesOrNull,
});

export type SurveyedMailbox = z.output<typeof surveyedShape>;

type StateItems = [number, number, number, number, number, number, number];

function readState([validity, next, highestModseq, purgedModseq, count, crc, crcC]: StateItems): MailboxState {
  return { uidValidity: validity, uidNext: next, highestModseq, purgedModseq, digest: { count, crc, crcC } };
}

function writeState({ uidValidity: validity, uidNext: next, highestModseq, purgedModseq, digest }: MailboxState) {
  return [validity, next, highestModseq, purgedModseq, digest.count, digest.crc, digest.crcC] as StateItems;
}

function ascends(texts: readonly string[]): boolean {
  return texts.every((text, i) => i === 0 || (texts[i - 1] as string) < text);
}
