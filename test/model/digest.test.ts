/**
 * The digest sees symmetric changes, for which an XOR of plain CRCs is blind, and is kept up to date by sums.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDigest, canonicalBytes, digestOf, subtractDigest } from "../../src/model/digest.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import { EMPTY_DIGEST, formatDigest, type MailboxDigest, sameDigest } from "../../src/model/state.ts";
import { liveRecords } from "./arbitraries.ts";

const RUNS = { numRuns: 2000 };
const pair = fc.tuple(liveRecords(fc.constant(1)), liveRecords(fc.constant(2)));
const triple = fc.tuple(liveRecords(fc.constant(1)), liveRecords(fc.constant(2)), liveRecords(fc.constant(3)));

function digestOfAll(records: readonly LiveRecord[]): MailboxDigest {
  return records.reduce((sum, record) => addDigest(sum, digestOf(record)), EMPTY_DIGEST);
}

/** Both lanes, each on its own, must tell the lists apart. */
function expectSeen(before: readonly LiveRecord[], after: readonly LiveRecord[]): void {
  const [a, b] = [digestOfAll(before), digestOfAll(after)];
  expect(a.count).toBe(b.count);
  expect([a.crc === b.crc, a.crcC === b.crcC]).toEqual([false, false]);
}

const withStamps = (record: LiveRecord, modseq: number): LiveRecord => ({
  ...record,
  flagStamps: [{ flag: "\\seen", modseq }],
});

describe("symmetric changes are seen by both lanes", () => {
  it("two messages swapped between two UIDs", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        fc.pre(JSON.stringify({ ...a, uid: 0 }) !== JSON.stringify({ ...b, uid: 0 }));
        expectSeen(
          [a, b],
          [
            { ...a, uid: b.uid },
            { ...b, uid: a.uid },
          ],
        );
      }),
      RUNS,
    );
  });

  it("three messages rotated among three UIDs", () => {
    fc.assert(
      fc.property(triple, ([a, b, c]) => {
        fc.pre(new Set([a.guid, b.guid, c.guid]).size === 3);
        expectSeen(
          [a, b, c],
          [
            { ...a, uid: 2 },
            { ...b, uid: 3 },
            { ...c, uid: 1 },
          ],
        );
      }),
      RUNS,
    );
  });

  it("the same flag set or cleared in two messages", () => {
    fc.assert(
      fc.property(pair, fc.integer({ min: 0, max: 4 }), ([a, b], bit) => {
        const flip = (record: LiveRecord) => ({ ...record, systemFlags: record.systemFlags ^ (1 << bit) });
        expectSeen([a, b], [flip(a), flip(b)]);
      }),
      RUNS,
    );
  });

  it("a flag set in one message and cleared in another", () => {
    fc.assert(
      fc.property(pair, fc.integer({ min: 0, max: 4 }), ([a, b], bit) => {
        const [has, lacks] = [a.systemFlags | (1 << bit), b.systemFlags & ~(1 << bit)];
        const before = [
          { ...a, systemFlags: has },
          { ...b, systemFlags: lacks },
        ];
        expectSeen(before, [
          { ...a, systemFlags: has ^ (1 << bit) },
          { ...b, systemFlags: lacks ^ (1 << bit) },
        ]);
      }),
      RUNS,
    );
  });

  it("GUIDs swapped", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        fc.pre(a.guid !== b.guid);
        expectSeen(
          [a, b],
          [
            { ...a, guid: b.guid },
            { ...b, guid: a.guid },
          ],
        );
      }),
      RUNS,
    );
  });

  it("modseqs, dates or stamps swapped", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        fc.pre(a.modseq !== b.modseq && a.internalDate !== b.internalDate);
        expectSeen(
          [a, b],
          [
            { ...a, modseq: b.modseq },
            { ...b, modseq: a.modseq },
          ],
        );
        expectSeen(
          [a, b],
          [
            { ...a, internalDate: b.internalDate },
            { ...b, internalDate: a.internalDate },
          ],
        );
        const stamped = [withStamps(a, 7), withStamps(b, 8)];
        expectSeen(stamped, [withStamps(a, 8), withStamps(b, 7)]);
      }),
      RUNS,
    );
  });

  it("two flags swapped between two messages, for every pair of flags", () => {
    const [a, b] = fc.sample(pair, { numRuns: 1, seed: 1 })[0] ?? [];
    if (a === undefined || b === undefined) throw new Error("no sample");
    for (let first = 0; first < 5; first++)
      for (let second = 0; second < 5; second++) {
        if (first === second) continue;
        const before = [
          { ...a, systemFlags: 1 << first },
          { ...b, systemFlags: 1 << second },
        ];
        expectSeen(before, [
          { ...a, systemFlags: 1 << second },
          { ...b, systemFlags: 1 << first },
        ]);
      }
  });

  it("the same flag changed in any two of 2,000 messages, each lane for itself", () => {
    const records = fc
      .sample(liveRecords(), { numRuns: 2000, seed: 7 })
      .map((record, i) => ({ ...record, uid: i + 1 }));
    for (let bit = 0; bit < 5; bit++) {
      for (const lane of ["crc", "crcC"] as const) {
        const steps = records.map((record) =>
          step(record, { ...record, systemFlags: record.systemFlags ^ (1 << bit) }, lane),
        );
        const undone = new Set(steps.map((one) => -one >>> 0));
        expect(steps.filter((one) => undone.has(one))).toEqual([]);
      }
    }
  });
});

/** What a change of one record adds to a lane of the sum. Two changes cancel out if these are each other's negative. */
function step(before: LiveRecord, after: LiveRecord, lane: "crc" | "crcC"): number {
  return (digestOf(after)[lane] - digestOf(before)[lane]) >>> 0;
}

describe("every field is in the digest", () => {
  const changes: Record<Exclude<keyof LiveRecord, "expunged">, Partial<LiveRecord>> = {
    uid: { uid: 9 },
    modseq: { modseq: 9 },
    createdModseq: { createdModseq: 7 },
    guid: { guid: "b".repeat(64) },
    size: { size: 1 },
    internalDate: { internalDate: -1 },
    systemFlags: { systemFlags: 1 },
    keywords: { keywords: ["Work"] },
    flagStamps: { flagStamps: [{ flag: "work", modseq: 8 }] },
    formerUids: { formerUids: [3] },
  };
  const record: LiveRecord = {
    expunged: false,
    uid: 5,
    modseq: 8,
    createdModseq: 8,
    guid: "a".repeat(64),
    size: 0,
    internalDate: 0,
    systemFlags: 0,
    keywords: [],
    flagStamps: [],
    formerUids: [],
  };

  it.each(Object.entries(changes))("%s", (_field, change) => {
    expectSeen([record], [{ ...record, ...change }]);
  });

  it("the spelling of a keyword, too", () => {
    expectSeen([{ ...record, keywords: ["Work"] }], [{ ...record, keywords: ["work"] }]);
  });

  it("records that differ have different canonical bytes", () => {
    fc.assert(
      fc.property(liveRecords(), liveRecords(), (a, b) => {
        const bytes = Buffer.from(canonicalBytes(a)).toString("hex");
        const equal = bytes === Buffer.from(canonicalBytes(b)).toString("hex");
        expect(equal).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

describe("sums", () => {
  it("P9: kept by adding and subtracting, in any order, is what all records give", () => {
    const puts = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), liveRecords(), fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(puts, (list) => {
        const byUid = new Map<number, LiveRecord>();
        let kept = EMPTY_DIGEST;
        for (const [uid, record, remove] of list) {
          const old = byUid.get(uid);
          if (old !== undefined) kept = subtractDigest(kept, digestOf(old));
          byUid.delete(uid);
          if (remove) continue;
          byUid.set(uid, { ...record, uid });
          kept = addDigest(kept, digestOf({ ...record, uid }));
        }
        expect(kept).toEqual(digestOfAll([...byUid.values()].reverse()));
      }),
    );
  });

  it("an empty mailbox has a digest of its own, and nothing is a wildcard", () => {
    const [record] = fc.sample(liveRecords(), { numRuns: 1, seed: 3 });
    if (record === undefined) throw new Error("no sample");
    expect(sameDigest(EMPTY_DIGEST, digestOf(record))).toBe(false);
    expect(subtractDigest(digestOf(record), digestOf(record))).toEqual(EMPTY_DIGEST);
    expect(formatDigest(EMPTY_DIGEST)).toBe("0000000000000000");
  });
});

const SMALL: LiveRecord = {
  expunged: false,
  uid: 1,
  modseq: 2,
  createdModseq: 2,
  guid: "ab".repeat(32),
  size: 3,
  internalDate: 4,
  systemFlags: 0,
  keywords: [],
  flagStamps: [],
  formerUids: [],
};

it("a record larger than any before has the same digest the first time as ever after", () => {
  const keywords = Array.from({ length: 1000 }, (_, i) => `k${String(i).padStart(4, "0")}`.padEnd(200, "x"));
  for (const count of [10, 40, 200, 1000]) {
    const record = {
      ...SMALL,
      keywords: keywords.slice(0, count),
      formerUids: Array.from({ length: count }, (_, i) => i + 1),
    };
    expect(digestOf(record)).toEqual(digestOf(record));
  }
});
