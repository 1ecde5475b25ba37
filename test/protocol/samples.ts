/**
 * One or more messages of every type: the sources of the golden vectors and of what the property tests mutate.
 */
import type { Message, MessageName, MessageOf } from "../../protocol/messages/index.ts";
import type { Statement } from "../../protocol/trust.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
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

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const NONCES = { challenge: new Uint8Array(32).fill(7), nonce: new Uint8Array(32).fill(8), epoch: EPOCH };

/** What is proven, and with which secret. */
export const STATEMENTS: readonly (readonly [string, Uint8Array, Statement])[] = [
  ["master, to a node it knows", SECRET, { role: "master", ...NONCES, node: "mx1", peer: "mx2" }],
  ["master, to any node", SECRET, { role: "master", ...NONCES, node: "mx1", peer: "" }],
  ["replica", SECRET, { role: "replica", ...NONCES, node: "mx2", peer: "mx1" }],
  [
    "names beyond ASCII",
    Buffer.from("a secret of text"),
    { role: "replica", ...NONCES, node: "ärger", peer: "\u{1f4e7}" },
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
const BURIED = { count: 7, crc: 0xffff_ffff, crcC: 1 };
const SURVEYED = {
  account: "ann@example.org",
  entry: RICH,
  state: LARGE,
  tombstones: BURIED,
  cursor: { latest: AGREED, agreed: null },
};
const TOLD = { account: "bob", entry: PLAIN, state: SMALL, tombstones: null } as const;

const GREETING = { t: "hello", v: 3, epoch: EPOCH, nonce: new Uint8Array(32).fill(8) } as const;

const ANSWERED = {
  t: "surveyed",
  baseAgrees: false,
  list: null,
  sums: new Uint32Array(),
  differ: new Uint8Array(),
  trees: [],
  mailboxes: [],
  more: false,
} as const;

type Samples = { readonly [Name in MessageName]: readonly MessageOf<Name>[] };

export const SAMPLES: Samples = {
  challenge: [{ t: "challenge", v: 3, nonce: new Uint8Array(32).fill(7) }],
  hello: [
    {
      ...GREETING,
      node: "mx1",
      proof: new Uint8Array(32).fill(9),
      recent: Uint8Array.of(1, 2, 3, 4, 250, 251, 252, 253),
      many: false,
    },
    { ...GREETING, node: "", proof: new Uint8Array(), recent: new Uint8Array(), many: true },
  ],
  survey: [
    { t: "survey", q: 1, account: null, mailboxId: null, base: new Uint8Array(16), list: null, complete: false },
    {
      t: "survey",
      q: MAX_MODSEQ,
      account: "ann@example.org",
      mailboxId: "b0x_1",
      base: new Uint8Array(16).fill(255),
      list: new Uint8Array(16).fill(1),
      complete: true,
    },
  ],
  surveyed: [
    { ...ANSWERED, q: 1, baseAgrees: true },
    { ...ANSWERED, q: 1, list: new Uint8Array(16).fill(2), sums: Uint32Array.from({ length: 256 }, (_, i) => i) },
    { ...ANSWERED, q: 1, list: new Uint8Array(16), differ: Uint8Array.of(1, 0, 128) },
    {
      ...ANSWERED,
      q: 200,
      trees: [{ account: "ann@example.org", modseq: 300 }],
      mailboxes: [
        { ...SURVEYED, changes: BATCHES },
        { ...TOLD, cursor: null, changes: null },
        { ...TOLD, cursor: { latest: AGREED, agreed: AGREED }, changes: [] },
      ],
      more: true,
    },
  ],
  sift: [{ t: "sift", q: 1, buckets: Uint8Array.of(0, 2), sums: Uint32Array.from({ length: 16 }, (_, i) => 2 ** i) }],
  pull: [
    { t: "pull", q: 2, account: "bob", mailboxId: "m1", sinceModseq: null },
    { t: "pull", q: 3, account: "bob", mailboxId: "m1", sinceModseq: 0 },
  ],
  records: [
    { t: "records", q: 2, mailbox: { entry: PLAIN, state: SMALL }, batches: BATCHES, more: true },
    { t: "records", q: 2, mailbox: null, batches: [], more: false },
  ],
  compare: [
    {
      t: "compare",
      q: 11,
      account: "bob",
      mailboxId: "m1",
      bits: 14,
      runs: [0, 3],
      sums: Uint32Array.of(0xffff_ffff, 0, 1),
    },
    { t: "compare", q: 12, account: "bob", mailboxId: "m1", bits: 6, runs: [], sums: new Uint32Array() },
  ],
  split: [
    { t: "split", q: 11, bits: 0, runs: [7, 1, MAX_UID - 8, 1], sums: Uint32Array.of(2, 3) },
    { t: "split", q: 11, bits: 30, runs: [0, 4], sums: new Uint32Array() },
  ],
  compared: [
    {
      t: "compared",
      q: 11,
      mailbox: { entry: PLAIN, state: LARGE, tombstones: BURIED },
      differ: Uint8Array.of(0b101),
      empty: Uint8Array.of(0b100),
      sums: Uint32Array.from({ length: 16 }, (_, i) => i),
      batches: [],
    },
    {
      t: "compared",
      q: 11,
      mailbox: null,
      differ: Uint8Array.of(0b11),
      empty: new Uint8Array(),
      sums: new Uint32Array(),
      batches: BATCHES,
    },
  ],
  take: [{ t: "take", q: 11, bits: 3, runs: [0, 1, 200, 2] }],
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
  changes: [
    {
      t: "changes",
      q: 11,
      items: [
        {
          account: "bob",
          mailboxId: "m1",
          before: SMALL,
          after: LARGE,
          entryModseq: 3,
          base: null,
          yields: true,
          batches: BATCHES,
        },
        {
          account: "ann@example.org",
          mailboxId: "Zx_-9",
          before: LARGE,
          after: LARGE,
          entryModseq: 0,
          base: AGREED,
          yields: false,
          batches: [],
        },
      ],
      sizes: [2, 0],
      data: Uint8Array.of(13, 10),
    },
    { t: "changes", q: 12, items: [], sizes: [], data: new Uint8Array() },
  ],
  changed: [
    {
      t: "changed",
      q: 11,
      results: [
        { kind: "applied" },
        { kind: "not-done" },
        {
          kind: "conflict",
          there: { state: LARGE, entryModseq: 300, cursor: { latest: AGREED, agreed: AGREED }, changes: BATCHES },
        },
        { kind: "conflict", there: { state: SMALL, entryModseq: 0, cursor: null, changes: null } },
        {
          kind: "conflict",
          there: { state: SMALL, entryModseq: 1, cursor: { latest: AGREED, agreed: null }, changes: [] },
        },
      ],
    },
    { t: "changed", q: 12, results: [] },
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
  agree: [
    { t: "agree", q: 9, rows: [{ account: "bob", mailboxId: "m1", latest: AGREED }], survey: null },
    { t: "agree", q: 9, rows: [], survey: 1 },
  ],
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
