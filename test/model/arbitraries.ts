/**
 * Random index records for property tests: every field over its whole range, edges more often than chance.
 */
import fc from "fast-check";
import { compareKeywords, keywordFault, SYSTEM_FLAGS } from "../../src/model/flags.ts";
import {
  type Grave,
  type IndexRecord,
  type LiveRecord,
  MAX_DATE,
  MAX_SIZE,
  MAX_UID,
  MIN_DATE,
  type Tombstone,
} from "../../src/model/record.ts";

/** Few, so that equal ones are frequent. */
export const guids: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("00", "0f", "a1", "ff").map((byte) => byte.repeat(32)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
);

const uids = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: MAX_UID }));
const modseqs = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeInteger().map((n) => Math.abs(n) || 1),
);
const dates = fc.oneof(fc.constantFrom(MIN_DATE, -1, 0, MAX_DATE), fc.integer({ min: MIN_DATE, max: MAX_DATE }));

const keyword = fc
  .oneof(fc.constantFrom("$Forwarded", "work", "Work", "ä"), fc.string({ minLength: 1, maxLength: 12, unit: "binary" }))
  .filter((name) => keywordFault(name) === null);
const keywordLists = fc
  .uniqueArray(keyword, { maxLength: 4, selector: (name) => name.toLowerCase() })
  .map((names) => names.sort(compareKeywords));

/** Sorted UIDs, mostly none. */
const formerUidLists = fc.oneof(
  { weight: 3, arbitrary: fc.constant([] as number[]) },
  { weight: 1, arbitrary: fc.uniqueArray(uids, { maxLength: 3 }).map((list) => list.sort((a, b) => a - b)) },
);

const stampNames = fc.oneof(
  fc.constantFrom(...SYSTEM_FLAGS).map((flag) => flag.toLowerCase()),
  keyword.map((name) => name.toLowerCase()),
);

/** Stamps not above `modseq`, in the order a record holds them. */
function stampLists(modseq: number) {
  const stamp = fc.record({ flag: stampNames, modseq: fc.integer({ min: 1, max: modseq }) });
  return fc
    .uniqueArray(stamp, { maxLength: 3, selector: ({ flag }) => flag })
    .map((list) => list.sort((a, b) => (a.flag < b.flag ? -1 : 1)));
}

/** A live record under `uid`, or under any. */
export function liveRecords(uid: fc.Arbitrary<number> = uids): fc.Arbitrary<LiveRecord> {
  return modseqs.chain((modseq) =>
    fc.record({
      expunged: fc.constant(false as const),
      uid,
      modseq: fc.constant(modseq),
      createdModseq: fc.oneof(fc.constant(modseq), fc.integer({ min: 1, max: modseq })),
      guid: guids,
      size: fc.oneof(fc.constantFrom(0, MAX_SIZE), fc.integer({ min: 0, max: MAX_SIZE })),
      internalDate: dates,
      systemFlags: fc.integer({ min: 0, max: 31 }),
      keywords: keywordLists,
      flagStamps: stampLists(modseq),
      formerUids: formerUidLists,
    }),
  );
}

/** A tombstone under `uid`, or under any; moved ones included. */
export function tombstones(uid: fc.Arbitrary<number> = uids): fc.Arbitrary<Tombstone> {
  const grave: fc.Arbitrary<Grave> = fc.record({ guid: guids, formerUids: formerUidLists });
  const graves = fc
    .uniqueArray(grave, { maxLength: 3, selector: ({ guid }) => guid })
    .map((list) => list.sort((a, b) => (a.guid < b.guid ? -1 : 1)));
  return fc.record({ expunged: fc.constant(true as const), uid, modseq: modseqs, graves });
}

/** 1 to `most` records in UID order, each UID once. */
export function recordLists(most: number): fc.Arbitrary<IndexRecord[]> {
  const live: fc.Arbitrary<IndexRecord> = liveRecords();
  const record = fc.oneof({ weight: 3, arbitrary: live }, { weight: 1, arbitrary: tombstones() });
  return fc
    .uniqueArray(record, { minLength: 1, maxLength: most, selector: ({ uid }) => uid })
    .map((list) => list.sort((a, b) => a.uid - b.uid));
}
