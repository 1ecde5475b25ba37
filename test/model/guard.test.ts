/**
 * The guard at the store's door: each promise, what breaks it, and what excuses from it.
 */
import { describe, expect, it } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import { type Excuse, guardCounters, guardRecord } from "../../src/model/guard.ts";
import type { IndexRecord, LiveRecord, Tombstone } from "../../src/model/record.ts";
import { EMPTY_DIGEST, type MailboxState } from "../../src/model/state.ts";

const NONE: Excuse = { reset: false, overrule: false };
const RESET: Excuse = { reset: true, overrule: false };
const OVERRULE: Excuse = { reset: false, overrule: true };
const BEFORE: MailboxState = {
  uidValidity: 7,
  uidNext: 10,
  highestModseq: 20,
  purgedModseq: 5,
  digest: EMPTY_DIGEST,
};
const AFTER: MailboxState = { ...BEFORE, uidNext: 12, highestModseq: 22 };

function live(uid: number, modseq: number, guid = "a"): LiveRecord {
  const rest = { size: 1, internalDate: 0, systemFlags: 0, keywords: [], flagStamps: [], formerUids: [] };
  return { expunged: false, uid, modseq, createdModseq: modseq, guid: guid.repeat(64), ...rest };
}

function dead(uid: number, modseq: number): Tombstone {
  return { expunged: true, uid, modseq, graves: [] };
}

/** The promise that a refusal names, or "allowed". */
function verdict(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (!isTandemError(error, "invalid-change")) throw error;
    return /\((P\d+)\)/.exec(error.message)?.[1] ?? error.message;
  }
  return "allowed";
}

const counters = (change: Partial<MailboxState>, excuse = NONE) =>
  verdict(() => guardCounters(BEFORE, { ...BEFORE, ...change }, excuse));
const write = (old: IndexRecord | null, next: IndexRecord, excuse = NONE, after = AFTER) =>
  verdict(() => guardRecord(old, next, BEFORE, after, excuse));

describe("counters", () => {
  it.each(["uidValidity", "uidNext", "highestModseq", "purgedModseq"] as const)("P4: %s never falls", (name) => {
    expect(counters({ [name]: BEFORE[name] })).toBe("allowed");
    expect(counters({ [name]: BEFORE[name] + 1 })).toBe("allowed");
    expect(counters({ [name]: BEFORE[name] - 1 })).toBe("P4");
  });

  it("P4: a new numbering starts anew, under a higher uidValidity only", () => {
    const anew = { uidNext: 1, purgedModseq: 0 };
    expect(counters({ ...anew, uidValidity: 8 }, RESET)).toBe("allowed");
    expect(counters({ ...anew, uidValidity: 8 })).toBe("P4");
    expect(counters({}, RESET)).toBe("P4");
    expect(counters({ ...anew, uidValidity: 8, highestModseq: 19 }, RESET)).toBe("P4");
  });

  it("P4: holds against an overrule too", () => {
    expect(counters({ uidNext: 9 }, OVERRULE)).toBe("P4");
    expect(counters({}, { reset: true, overrule: true })).toBe("allowed");
  });
});

describe("records", () => {
  it("P1: a UID never names another message", () => {
    expect(write(live(3, 20), live(3, 21))).toBe("allowed");
    expect(write(live(3, 20), live(3, 21, "b"))).toBe("P1");
    expect(write(live(3, 20), { ...live(3, 21), size: 2 })).toBe("P1");
  });

  it("P2: an expunged UID never comes back", () => {
    expect(write(live(3, 20), dead(3, 21))).toBe("allowed");
    expect(write(dead(3, 20), dead(3, 21))).toBe("allowed");
    expect(write(dead(3, 20), live(3, 21))).toBe("P2");
  });

  it("P2: no tombstone below the purge", () => {
    const after = { ...AFTER, purgedModseq: 21 };
    expect(write(null, dead(3, 22), NONE, after)).toBe("allowed");
    for (const excuse of [NONE, RESET, OVERRULE]) expect(write(null, dead(3, 21), excuse, after)).toBe("P2");
  });

  it("P3: no insert below the announced uidNext, and none at or above the new one", () => {
    expect(write(null, live(9, 21))).toBe("P3");
    expect(write(null, dead(9, 21))).toBe("allowed");
    expect(write(null, live(10, 21))).toBe("allowed");
    expect(write(null, live(11, 21))).toBe("allowed");
    for (const excuse of [NONE, RESET, OVERRULE]) expect(write(null, live(12, 21), excuse)).toBe("P3");
  });

  it("P5: every change is above the announced highestModseq, and not above the new one", () => {
    expect(write(live(3, 4), live(3, 20))).toBe("P5");
    expect(write(live(3, 4), dead(3, 20))).toBe("P5");
    expect(write(live(3, 4), live(3, 22))).toBe("allowed");
    for (const excuse of [NONE, RESET, OVERRULE]) expect(write(null, live(11, 23), excuse)).toBe("P5");
  });

  it.each([
    ["a reset", RESET],
    ["--mirror", OVERRULE],
  ])("%s excuses from P1, P2, P3 and P5", (_what, excuse) => {
    expect(write(live(3, 20), live(3, 4, "b"), excuse)).toBe("allowed");
    expect(write(dead(3, 20), live(3, 4), excuse)).toBe("allowed");
    expect(write(null, live(9, 4), excuse)).toBe("allowed");
  });
});
