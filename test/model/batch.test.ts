/**
 * The batch codec: every record comes back, one encoding each, and nothing hostile gets further than `bad-frame`.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_BATCH_RECORDS } from "../../src/model/batch.ts";
import { decodeBodies, decodeGuids } from "../../src/model/batch-bodies.ts";
import { batchOf, decodeBatch, decodeColumns } from "../../src/model/decode-batch.ts";
import { canonicalBytes } from "../../src/model/digest.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { isTandemError } from "../../src/model/errors.ts";
import type { IndexRecord, LiveRecord } from "../../src/model/record.ts";
import { ByteWriter } from "../../src/model/varint.ts";
import { recordLists } from "./arbitraries.ts";

const PLAIN: LiveRecord = {
  expunged: false,
  uid: 1,
  modseq: 10,
  createdModseq: 10,
  guid: "a".repeat(64),
  size: 19,
  internalDate: 0,
  systemFlags: 0,
  keywords: [],
  flagStamps: [],
  formerUids: [],
};

/** What bytes decode to; null for `bad-frame`, the only error they may give. */
function decoded(bytes: Uint8Array): IndexRecord[] | null {
  try {
    return decodeBatch(bytes);
  } catch (error) {
    if (!isTandemError(error, "bad-frame")) throw error;
    return null;
  }
}

/** P12: refused, or the one encoding of records that can be worked with. */
function expectHarmless(bytes: Uint8Array): void {
  const records = decoded(bytes);
  if (records === null) return;
  if (!Buffer.from(encodeBatch(records).bytes).equals(bytes)) expect.fail("Two encodings of the same records.");
  for (const record of records) if (!record.expunged) canonicalBytes(record);
}

/** A batch of one record with a hand-written extra part. */
function withExtra(write: (out: ByteWriter) => void): Uint8Array {
  const { bytes } = encodeBatch([PLAIN]);
  const out = new ByteWriter();
  out.bytes(bytes);
  write(out);
  const forged = Uint8Array.from(out.finish());
  forged[2] = 0x40;
  return forged;
}

describe("round trip", () => {
  it("all records come back, with range and count, and the bytes are canonical", () => {
    fc.assert(
      fc.property(recordLists(30), (records) => {
        const batch = encodeBatch(records);
        expect(decodeBatch(batch.bytes)).toEqual(records);
        expect(encodeBatch(decodeBatch(batch.bytes))).toEqual(batch);
        const isWanted = (uid: number, modseq: number) => (uid + modseq) % 3 === 0;
        const wanted = records.filter(({ uid, modseq }) => isWanted(uid, modseq));
        expect(decodeBatch(batch.bytes, isWanted)).toEqual(wanted);
        expect(batchOf(batch.bytes)).toEqual(batch);
      }),
      { numRuns: 500 },
    );
  });

  it("columns and GUIDs are those of the records", () => {
    fc.assert(
      fc.property(recordLists(30), (records) => {
        const { bytes } = encodeBatch(records);
        const { count, uid, modseq } = decodeColumns(bytes);
        expect([count, [...uid], [...modseq]]).toEqual([
          records.length,
          records.map((record) => record.uid),
          records.map((record) => record.modseq),
        ]);
        const live = records.filter((record): record is LiveRecord => !record.expunged);
        expect(decodeGuids(bytes)).toEqual(live.map(({ guid }) => guid));
        expect(decodeBodies(bytes)).toEqual(live.map(({ uid: of, guid, size }) => ({ uid: of, guid, size })));
      }),
    );
  });

  it("a view into a larger buffer reads the same", () => {
    const { bytes } = encodeBatch([PLAIN]);
    const larger = Buffer.concat([Buffer.from("xyz"), bytes, Buffer.from("xyz")]);
    expect(decodeBatch(larger.subarray(3, 3 + bytes.length))).toEqual([PLAIN]);
  });

  it("a full batch comes back, one record more is refused", () => {
    const many = Array.from({ length: MAX_BATCH_RECORDS }, (_, i) => ({ ...PLAIN, uid: 2 * i + 1 }));
    expect(decodeBatch(encodeBatch(many).bytes)).toEqual(many);
    expect(() => encodeBatch([...many, { ...PLAIN, uid: 9000 }])).toThrow(/holds 1 to 4096 records/);
  });

  it("no record, and records out of order, are refused", () => {
    expect(() => encodeBatch([])).toThrow(/holds 1 to 4096 records/);
    expect(() => encodeBatch([PLAIN, PLAIN])).toThrow(/not in UID order/);
  });
});

describe("P12: hostile bytes", () => {
  it("batches of plain records survive any change of any one byte", () => {
    const { bytes } = encodeBatch([PLAIN, { ...PLAIN, uid: 70, keywords: ["Work"], formerUids: [4] }]);
    for (let at = 0; at < bytes.length; at++)
      for (let value = 0; value < 256; value++) expectHarmless(Uint8Array.from(bytes).fill(value, at, at + 1));
    expect(decoded(bytes)).toHaveLength(2);
  });

  it("any single byte changed is refused or means other records", () => {
    fc.assert(
      fc.property(recordLists(5), fc.integer({ min: 1, max: 255 }), (records, flip) => {
        const { bytes } = encodeBatch(records);
        for (let at = 0; at < bytes.length; at++) {
          const changed = Uint8Array.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ flip;
          expectHarmless(changed);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("any bytes cut off the end, or added, are refused", () => {
    fc.assert(
      fc.property(recordLists(5), (records) => {
        const { bytes } = encodeBatch(records);
        for (let length = 0; length < bytes.length; length++) expect(decoded(bytes.subarray(0, length))).toBeNull();
        expect(decoded(Buffer.concat([bytes, Buffer.of(0)]))).toBeNull();
      }),
      { numRuns: 50 },
    );
  });

  it("any bytes at all are harmless", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectHarmless), { numRuns: 2000 });
  });

  it.each([0, 4097, 2 ** 31, 2 ** 32, 2 ** 53 - 1])("a count of %d is refused", (count) => {
    const out = new ByteWriter();
    out.varint(count);
    out.bytes(new Uint8Array(100));
    expect(decoded(out.finish())).toBeNull();
  });

  it.each([1, 2, 3])("claimed counts in list %d of the extra part allocate nothing large", (list) => {
    const before = process.memoryUsage().rss;
    for (const count of [100, 2 ** 20, 2 ** 31, 2 ** 40, 2 ** 53 - 1]) {
      const forged = withExtra((out) => {
        for (let i = 1; i < list; i++) out.varint(0);
        out.varint(count);
        out.bytes(new Uint8Array(50));
      });
      expect(decoded(forged)).toBeNull();
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it("more flag stamps, longer names or more former UIDs than a digest can hold are refused", () => {
    const stamps = withExtra((out) => {
      out.varint(0);
      out.varint(65_536);
      for (let i = 0; i < 65_536; i++) {
        out.text(i.toString(36).padStart(4, "0"));
        out.varint(1);
      }
      out.varint(0);
    });
    const name = withExtra((out) => {
      out.varint(0);
      out.varint(1);
      out.text("x".repeat(65_536));
      out.varint(1);
      out.varint(0);
    });
    const former = withExtra((out) => {
      out.varint(0);
      out.varint(0);
      out.varint(65_536);
      for (let uid = 1; uid <= 65_536; uid++) out.varint(uid);
    });
    for (const forged of [stamps, name, former]) expect(decoded(forged)).toBeNull();
  });

  it.each<[string, (out: ByteWriter) => void]>([
    ["an empty extra part", (out) => ["", "", ""].forEach(() => void out.varint(0))],
    ["keywords out of order", (out) => writeLists(out, ["b", "a"], [])],
    ["one keyword in two spellings", (out) => writeLists(out, ["a", "A"], [])],
    ["a system flag as a keyword", (out) => writeLists(out, ["\\seen"], [])],
    ["a stamp above the modseq", (out) => writeLists(out, [], [["a", 11]])],
    ["a stamp of 0", (out) => writeLists(out, [], [["a", 0]])],
    ["a stamp in capitals", (out) => writeLists(out, [], [["A", 1]])],
    [
      "stamps out of order",
      (out) =>
        writeLists(
          out,
          [],
          [
            ["b", 1],
            ["a", 1],
          ],
        ),
    ],
    ["a former UID of 0", (out) => writeLists(out, [], [], [0])],
    ["former UIDs out of order", (out) => writeLists(out, [], [], [4, 3])],
    ["a former UID twice", (out) => writeLists(out, [], [], [4, 4])],
  ])("%s is refused", (_what, write) => {
    expect(decoded(withExtra(write))).toBeNull();
  });
});

function writeLists(
  out: ByteWriter,
  keywords: readonly string[],
  stamps: readonly (readonly [string, number])[],
  uids: readonly number[] = [],
): void {
  out.varint(keywords.length);
  for (const keyword of keywords) out.text(keyword);
  out.varint(stamps.length);
  for (const [flag, modseq] of stamps) {
    out.text(flag);
    out.varint(modseq);
  }
  out.varint(uids.length);
  for (const uid of uids) out.varint(uid);
}
