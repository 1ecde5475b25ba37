/**
 * How two records of one message become one: whatever the order, and whoever asks.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graveOf, joinGraves, mergeLive, mergeUids, withGraves } from "../../src/merge/combine.ts";
import { sameContent, sameRecord } from "../../src/merge/equal.ts";
import { flagsByName, stampOf } from "../../src/model/flags.ts";
import type { LiveRecord, Tombstone } from "../../src/model/record.ts";
import { liveRecords, tombstones } from "../model/arbitraries.ts";
import { record, showRecord } from "./boxes.ts";

/** One message in several states, as different nodes may hold it. */
const states = fc.tuple(liveRecords(), liveRecords(), liveRecords()).map(([first, ...others]) => {
  const { uid, guid, size, modseq } = first;
  return [first, ...others.map((one) => ({ ...one, uid, guid, size, modseq }))] as [LiveRecord, LiveRecord, LiveRecord];
});

const live = (text: string) => record(text) as LiveRecord;
const dead = (text: string) => record(text) as Tombstone;

describe("mergeLive", () => {
  it("P10: is commutative and idempotent", () => {
    fc.assert(
      fc.property(states, ([a, b]) => {
        expect(mergeLive(b, a)).toEqual(mergeLive(a, b));
        expect(mergeLive(a, a)).toEqual(a);
        expect(mergeLive(mergeLive(a, b), b)).toEqual(mergeLive(a, b));
      }),
    );
  });

  it("P10: is associative, so the order of exchanges does not matter", () => {
    fc.assert(
      fc.property(states, ([a, b, c]) => {
        expect(mergeLive(mergeLive(a, b), c)).toEqual(mergeLive(a, mergeLive(b, c)));
      }),
    );
  });

  it("P8: each flag is as the higher stamp says, set where the stamps are equal", () => {
    fc.assert(
      fc.property(states, ([a, b]) => {
        const merged = mergeLive(a, b);
        const [flagsA, flagsB, flags] = [flagsByName(a), flagsByName(b), flagsByName(merged)];
        const names = [...flagsA.keys(), ...flagsB.keys(), ...a.flagStamps.map(({ flag }) => flag)];
        for (const name of names) {
          const [stampA, stampB] = [stampOf(a.flagStamps, name), stampOf(b.flagStamps, name)];
          const wanted = stampA === stampB ? flagsA.has(name) || flagsB.has(name) : undefined;
          expect(flags.has(name)).toBe(wanted ?? (stampA > stampB ? flagsA : flagsB).has(name));
          expect(stampOf(merged.flagStamps, name)).toBe(Math.max(stampA, stampB));
        }
      }),
    );
  });

  it("P1: takes the lower date and the lower createdModseq, and all former UIDs", () => {
    const merged = mergeLive(live("5:E@9/4^2#30"), live("5:E@9/7^3#20"));
    expect(showRecord(merged)).toBe("5:E@9/4^2,3#20");
  });

  it("keeps UID and modseq of the first", () => {
    expect(showRecord(mergeLive(live("6:E@9/4"), live("5:E@7/4+S")))).toBe("6:E@9/4+S");
  });
});

describe("graves", () => {
  const lists = fc.tuple(tombstones(), tombstones(), tombstones());

  it("P10: joining is commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(lists, ([{ graves: a }, { graves: b }, { graves: c }]) => {
        expect(joinGraves(a, b)).toEqual(joinGraves(b, a));
        expect(joinGraves(joinGraves(a, b), c)).toEqual(joinGraves(a, joinGraves(b, c)));
        expect(joinGraves(a, a)).toEqual(a);
      }),
    );
  });

  it("one per GUID with the former UIDs of both, sorted by GUID", () => {
    expect(showRecord(withGraves(dead("-5:F^2@9"), dead("-5:E,F^1@3").graves))).toBe("-5:E,F^1,2@9");
  });

  it("an expunge leaves the message's GUID and former UIDs", () => {
    expect(graveOf(live("5:E@9+S^3"))).toEqual({ guid: live("5:E@9").guid, formerUids: [3] });
  });

  it("mergeUids gives an ascending union", () => {
    expect(mergeUids([3, 9], [1, 9])).toEqual([1, 3, 9]);
    expect(mergeUids([], [])).toEqual([]);
  });
});

describe("equal", () => {
  const variants = [
    "5:E@9/4",
    "6:E@9/4",
    "5:F@9/4",
    "5:E@9/3",
    "5:E@9/4+S",
    "5:E@9/4+work",
    "5:E@9/4+Work",
    "5:E@9/4~S:8",
    "5:E@9/4~S:7",
    "5:E@9/4~F:8",
    "5:E@9/4^1",
    "5:E@9/4^2",
    "5:E@9/4#1",
    "-5@9",
    "-5:E@9",
    "-5:F@9",
    "-5:E,F@9",
    "-5:E^1@9",
  ];

  it("M01: records are equal only if every field is", () => {
    for (const a of variants)
      for (const b of variants) {
        expect(sameRecord(record(a), record(b))).toBe(a === b);
        expect(sameContent(record(a), record(b))).toBe(a === b);
      }
  });

  it("the modseq counts for the record, not for its content", () => {
    for (const [a, b] of [
      ["5:E@9/4", "5:E@8/4"],
      ["-5:E@9", "-5:E@8"],
    ] as const) {
      expect(sameRecord(record(a), record(b))).toBe(false);
      expect(sameContent(record(a), record(b))).toBe(true);
    }
  });
});
