/**
 * Flags by name: parsing, comparing, and changing them with a stamp for each flag that really changed.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import {
  changeFlags,
  flagNames,
  flagsByName,
  keywordFault,
  MAX_KEYWORD_BYTES,
  MAX_KEYWORDS,
  parseFlags,
  SYSTEM_FLAGS,
  stampOf,
  systemBit,
} from "../../src/model/flags.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import { liveRecords } from "./arbitraries.ts";

const NONE = parseFlags([]);
const RECORD: LiveRecord = {
  expunged: false,
  uid: 1,
  modseq: 5,
  createdModseq: 5,
  guid: "a".repeat(64),
  size: 0,
  internalDate: 0,
  systemFlags: 0,
  keywords: [],
  flagStamps: [],
  formerUids: [],
};

/** The message of the `invalid-argument` that `action` throws. */
function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isTandemError(error, "invalid-argument")) return error.message;
    throw error;
  }
  return "not refused";
}

describe("parseFlags", () => {
  it("takes system flags in any case as bits, and keeps keywords as spelled, sorted without regard to case", () => {
    const flags = parseFlags(["work", "\\SEEN", "$Forwarded", "\\draft", "Blue"]);
    expect(flags).toEqual({ systemFlags: 0b10001, keywords: ["$Forwarded", "Blue", "work"] });
    expect(flagNames(flags)).toEqual(["$Forwarded", "Blue", "\\Draft", "\\Seen", "work"]);
  });

  it("scenario 30: takes keywords differing only in case as one, the first spelling", () => {
    expect(parseFlags(["Work", "work", "WORK"]).keywords).toEqual(["Work"]);
  });

  it.each(SYSTEM_FLAGS)("knows %s", (flag) => {
    expect(systemBit(flag.toUpperCase())).toBe(1 << SYSTEM_FLAGS.indexOf(flag));
  });

  it.each([
    ["", /is empty/],
    ["a b", /does not allow/],
    ["a(", /does not allow/],
    ["\\Recent", /the system flags are \\Seen/],
    ["x".repeat(MAX_KEYWORD_BYTES + 1), /longer than 255 bytes/],
    ["\ud800", /not well-formed/],
  ])("refuses %j", (name, why) => {
    expect(refusal(() => parseFlags([name]))).toMatch(why);
  });

  it("refuses more keywords than a message may have", () => {
    const names = Array.from({ length: MAX_KEYWORDS + 1 }, (_, i) => `k${i}`);
    expect(parseFlags(names.slice(1)).keywords).toHaveLength(MAX_KEYWORDS);
    expect(refusal(() => parseFlags(names))).toMatch(/More than 1000 keywords/);
  });

  it("lets 8-bit keywords through, as found in real mail", () => {
    expect(keywordFault("größe")).toBeNull();
  });
});

describe("changeFlags", () => {
  it("P8: stamps exactly the flags that really change, those cleared too", () => {
    const start = { ...RECORD, ...parseFlags(["\\Seen", "work"]) };
    const changed = changeFlags(start, parseFlags(["\\Flagged", "\\Seen"]), parseFlags(["WORK", "none"]), 9);
    expect(flagNames(changed)).toEqual(["\\Flagged", "\\Seen"]);
    expect(changed.flagStamps).toEqual([
      { flag: "\\flagged", modseq: 9 },
      { flag: "work", modseq: 9 },
    ]);
    expect([changed.modseq, changed.createdModseq]).toEqual([9, 5]);
  });

  it("P5: gives the same object if nothing changes, so that no modseq is used up", () => {
    const start = { ...RECORD, ...parseFlags(["\\Seen", "Work"]) };
    expect(changeFlags(start, parseFlags(["\\seen", "work"]), parseFlags(["other"]), 9)).toBe(start);
  });

  it("P8: sets what is to be set, clears the rest, keeps older stamps", () => {
    fc.assert(
      fc.property(liveRecords(), liveRecords(), liveRecords(), (record, set, clear) => {
        const changed = changeFlags(record, set, clear, record.modseq + 1);
        const [before, after] = [flagsByName(record), flagsByName(changed)];
        for (const name of new Set([...before.keys(), ...flagsByName(set).keys()])) {
          const wanted = !flagsByName(clear).has(name);
          expect(after.has(name)).toBe(wanted);
        }
        for (const { flag, modseq } of record.flagStamps)
          expect(stampOf(changed.flagStamps, flag)).toBe(
            before.has(flag) === after.has(flag) && stampOf(changed.flagStamps, flag) !== record.modseq + 1
              ? modseq
              : record.modseq + 1,
          );
      }),
    );
  });

  it("a flag never changed has stamp 0", () => {
    expect(stampOf(changeFlags(RECORD, parseFlags(["a"]), NONE, 6).flagStamps, "b")).toBe(0);
  });
});
