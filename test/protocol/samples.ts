/**
 * One or more messages of every type: the sources of the golden vectors and of what the property tests mutate.
 */
import type { Message, MessageName, MessageOf } from "../../protocol/messages/index.ts";
import { encodeBatch } from "../../src/model/batch.ts";
import type { MailboxEntry } from "../../src/model/mailbox.ts";
import { type IndexRecord, MAX_DATE, MAX_MODSEQ, MAX_SIZE, MAX_UID, MIN_DATE } from "../../src/model/record.ts";
import type { AgreedState, MailboxState } from "../../src/model/state.ts";

const GUID_A = "a1".repeat(32);
const GUID_B = "b2".repeat(32);
const EPOCH = "0123456789abcdef0123456789abcdef";

const SMALL: MailboxState = {
  uidValidity: 1,
  uidNext: 1,
  highestModseq: 1,
  purgedModseq: 0,
  digest: { count: 0, crc: 0, crcC: 0 },
};
const LARGE: MailboxState = {
  uidValidity: 0xffff_ffff,
  uidNext: 2 ** 32,
  highestModseq: MAX_MODSEQ,
  purgedModseq: MAX_MODSEQ - 1,
  digest: { count: 100_000, crc: 0x8000_0000, crcC: 0xdead_beef },
};
const AGREED: AgreedState = { ...LARGE, entryModseq: 70_000 };

const PLAIN: MailboxEntry = {
  mailboxId: "m1",
  name: "INBOX",
  nameStamp: 1,
  createdStamp: 1,
  modseq: 1,
  deleted: false,
  attributes: [],
  aliases: [],
  formerNames: [],
};
const RICH: MailboxEntry = {
  mailboxId: "Zx_-9",
  name: 'Ärger/"50 %" *\u{1f4e7}',
  nameStamp: 40,
  createdStamp: 3,
  modseq: 300,
  deleted: true,
  attributes: [
    { key: "acl", value: "ann lrs", stamp: 9 },
    { key: "subscribed", value: "", stamp: 300 },
  ],
  aliases: ["m2", "m3"],
  formerNames: [
    { name: "Old", uidValidity: 7 },
    { name: "Older", uidValidity: 6 },
  ],
};

/** Records that use every part of a batch. */
export const RECORDS: readonly (readonly [string, readonly IndexRecord[]])[] = [
  [
    "one plain message",
    [live({ uid: 1, modseq: 2, createdModseq: 2, size: 19, internalDate: 1_700_000_000_000, systemFlags: 1 })],
  ],
  [
    "keywords, stamps and former UIDs",
    [
      live({
        uid: 7,
        modseq: 300,
        createdModseq: 5,
        keywords: ["$Forwarded", "ärger"],
        flagStamps: [
          { flag: "$forwarded", modseq: 300 },
          { flag: "\\seen", modseq: 12 },
        ],
        formerUids: [3, 5],
      }),
    ],
  ],
  [
    "tombstones: expunged, moved, two graves, former UIDs",
    [
      { expunged: true, uid: 4, modseq: 9, graves: [{ guid: GUID_A, formerUids: [] }] },
      { expunged: true, uid: 5, modseq: 8, graves: [] },
      {
        expunged: true,
        uid: 64,
        modseq: 10,
        graves: [
          { guid: GUID_A, formerUids: [] },
          { guid: GUID_B, formerUids: [2, 70_000] },
        ],
      },
    ],
  ],
  [
    "both ends of every range",
    [
      live({ uid: 1, modseq: 1, createdModseq: 1, size: 0, internalDate: MIN_DATE }),
      live({
        uid: MAX_UID,
        modseq: MAX_MODSEQ,
        createdModseq: 1,
        size: MAX_SIZE,
        internalDate: MAX_DATE,
        systemFlags: 31,
      }),
    ],
  ],
];

function live(part: Partial<IndexRecord>): IndexRecord {
  const plain = {
    expunged: false,
    uid: 1,
    modseq: 1,
    createdModseq: 1,
    guid: GUID_A,
    size: 1,
    internalDate: 0,
  } as const;
  return { ...plain, systemFlags: 0, keywords: [], flagStamps: [], formerUids: [], ...part } as IndexRecord;
}

const BATCHES = RECORDS.slice(0, 2).map(([, records]) => encodeBatch(records).bytes);
const SURVEYED = { account: "ann@example.org", entry: RICH, state: LARGE, cursor: { latest: AGREED, agreed: null } };

type Samples = { readonly [Name in MessageName]: readonly MessageOf<Name>[] };

export const SAMPLES: Samples = {
  hello: [
    { t: "hello", v: 1, epoch: EPOCH, node: "mx1", recent: Uint8Array.of(1, 2, 3, 4, 250, 251, 252, 253), many: false },
    { t: "hello", v: 1, epoch: EPOCH, node: "", recent: new Uint8Array(), many: true },
  ],
  survey: [
    { t: "survey", q: 1, account: null, base: new Uint8Array(16), complete: false },
    { t: "survey", q: MAX_MODSEQ, account: "ann@example.org", base: new Uint8Array(16).fill(255), complete: true },
  ],
  surveyed: [
    { t: "surveyed", q: 1, baseAgrees: true, trees: [], mailboxes: [], more: false },
    {
      t: "surveyed",
      q: 200,
      baseAgrees: false,
      trees: [{ account: "ann@example.org", modseq: 300 }],
      mailboxes: [
        { ...SURVEYED, changes: BATCHES },
        { account: "bob", entry: PLAIN, state: SMALL, cursor: null, changes: null },
        { account: "bob", entry: PLAIN, state: SMALL, cursor: { latest: AGREED, agreed: AGREED }, changes: [] },
      ],
      more: true,
    },
  ],
  pull: [
    { t: "pull", q: 2, account: "bob", mailboxId: "m1", sinceModseq: null },
    { t: "pull", q: 3, account: "bob", mailboxId: "m1", sinceModseq: 0 },
  ],
  records: [
    { t: "records", q: 2, mailbox: { entry: PLAIN, state: SMALL }, batches: BATCHES, more: true },
    { t: "records", q: 2, mailbox: null, batches: [], more: false },
  ],
  more: [{ t: "more", q: 2 }],
  drop: [{ t: "drop", q: 2 }],
  change: [
    {
      t: "change",
      q: 4,
      account: "bob",
      mailboxId: "m1",
      before: SMALL,
      after: LARGE,
      reset: true,
      overrule: true,
      entry: { value: RICH, treeBefore: 299, treeAfter: 300 },
      cursor: { latest: AGREED, agreed: AGREED },
      batches: BATCHES,
      commit: true,
    },
    {
      t: "change",
      q: 5,
      account: "bob",
      mailboxId: "m1",
      before: SMALL,
      after: SMALL,
      reset: false,
      overrule: false,
      entry: null,
      cursor: null,
      batches: [],
      commit: false,
    },
    {
      t: "change",
      q: 6,
      account: "bob",
      mailboxId: "m1",
      before: SMALL,
      after: LARGE,
      reset: false,
      overrule: false,
      entry: null,
      cursor: { latest: AGREED, agreed: { ...SMALL, entryModseq: 3 } },
      batches: [],
      commit: true,
    },
  ],
  part: [{ t: "part", q: 5, batches: BATCHES }],
  commit: [{ t: "commit", q: 5 }],
  need: [
    { t: "need", q: 5, missing: null },
    { t: "need", q: 5, missing: new Uint8Array() },
    { t: "need", q: 5, missing: Uint8Array.of(0b101, 0, 1) },
  ],
  applied: [{ t: "applied", q: 5 }],
  conflict: [
    { t: "conflict", q: 5, mailbox: null },
    { t: "conflict", q: 5, mailbox: { ...SURVEYED, changes: null } },
  ],
  failed: [{ t: "failed", q: 5, code: "io", message: "No space is left on the disk." }],
  bodies: [
    { t: "bodies", q: 6, sizes: [3, 0, 200], data: new Uint8Array(203).fill(65) },
    { t: "bodies", q: 6, sizes: [], data: new Uint8Array() },
  ],
  bodyPart: [{ t: "bodyPart", q: 7, guid: GUID_A, size: 300_000, offset: 262_144, data: Uint8Array.of(13, 10) }],
  fetch: [{ t: "fetch", q: 6, guids: [GUID_A, GUID_B] }],
  fetched: [
    { t: "fetched", q: 6, missing: [] },
    { t: "fetched", q: 6, missing: [0, 300] },
  ],
  tree: [
    {
      t: "tree",
      q: 8,
      account: "bob",
      before: 0,
      after: 2,
      puts: [
        { entry: PLAIN, uidValidity: 1 },
        { entry: RICH, uidValidity: 0xffff_ffff },
      ],
    },
  ],
  agree: [{ t: "agree", q: 9, rows: [{ account: "bob", mailboxId: "m1", latest: AGREED }] }],
  agreed: [{ t: "agreed", q: 9, saved: 1 }],
  audit: [{ t: "audit", q: 10, account: "bob", mailboxId: "m1" }],
  audited: [
    { t: "audited", q: 10, state: LARGE, digest: SMALL.digest, unreadable: [], unreadableCount: 0 },
    { t: "audited", q: 10, state: LARGE, digest: LARGE.digest, unreadable: [GUID_B], unreadableCount: 20_000 },
  ],
  error: [{ t: "error", code: "bad-message", message: "There is no open pull 3." }],
};

/** All samples, each with a name. */
export function allSamples(): { name: string; message: Message }[] {
  return Object.entries(SAMPLES).flatMap(([type, messages]) =>
    messages.map((message, i) => ({ name: messages.length === 1 ? type : `${type} ${i + 1}`, message })),
  );
}
