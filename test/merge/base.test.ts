/**
 * The base that two cursors prove, and when a delta above it shows everything.
 */
import { describe, expect, it } from "vitest";
import { baseOf, cursorAt, deltaAllowed } from "../../src/merge/base.ts";
import type { AgreedState, Cursor } from "../../src/model/state.ts";
import { box } from "./boxes.ts";

const state = (text: string, uidValidity = 1): AgreedState => ({ ...box(text, uidValidity).state, entryModseq: 1 });
const cursor = (latest: string, agreed: string | null): Cursor => ({
  latest: state(latest),
  agreed: agreed === null ? null : state(agreed),
});

const NOW = [state("9@20 |"), state("9@20 |")] as const;
const OLD = "5@5 | 1:A@5";
const NEW = "6@9 | 1:A@5 5:E@9";

describe("baseOf", () => {
  it("is what both sides last saved, if that is the same", () => {
    expect(baseOf(cursor(NEW, OLD), cursor(NEW, NEW), NOW)).toEqual(state(NEW));
  });

  it("is not what both saved alike if neither knows that the other was there: tombstones are not in the digest", () => {
    expect(baseOf(cursor(NEW, OLD), cursor(NEW, OLD), NOW)).toEqual(state(OLD));
    expect(baseOf(cursor(NEW, NEW), cursor(NEW, OLD), NOW)).toEqual(state(NEW));
  });

  it("is null without a cursor on both sides, so that a store made anew has none (scenario 38)", () => {
    expect(baseOf(null, cursor(NEW, NEW), NOW)).toBeNull();
    expect(baseOf(cursor(NEW, NEW), null, NOW)).toBeNull();
  });

  it("P10: is what one side knows that both reached, if the other still is there, whatever that one remembers", () => {
    const sides = [state("9@20 |"), state(NEW)] as const;
    expect(baseOf(cursor(NEW, NEW), null, sides)).toEqual(state(NEW));
    expect(baseOf(null, cursor(NEW, NEW), [sides[1], sides[0]])).toEqual(state(NEW));
    expect(baseOf(cursor(NEW, OLD), null, sides)).toBeNull();
    expect(baseOf(cursor(OLD, OLD), null, sides)).toBeNull();
  });

  it("is what both last reached, if only one side saved the last exchange", () => {
    expect(baseOf(cursor(NEW, OLD), cursor(OLD, OLD), NOW)).toEqual(state(OLD));
  });

  it("is null if nothing was ever reached by both", () => {
    expect(baseOf(cursor(NEW, null), cursor(OLD, OLD), NOW)).toBeNull();
  });

  it("is never a state that only one side reached: both started at once, each saved what the other never got", () => {
    const [left, right] = [cursor("6@9 | 5:E@9", OLD), cursor("6@9 | 5:F@9", OLD)];
    expect(baseOf(left, right, NOW)).toEqual(state(OLD));
  });

  it("is the lower state if a side was restored (scenario 37), whichever side that is", () => {
    const [restored, other] = [cursor(OLD, OLD), cursor(NEW, NEW)];
    const states = [state("6@6 | 1:A@5"), state("9@20 |")] as const;
    expect(baseOf(restored, other, states)).toEqual(state(OLD));
    expect(baseOf(other, restored, [states[1], states[0]])).toEqual(state(OLD));
  });

  it.each([
    ["another uidValidity", state("9@20 |", 2)],
    ["a lower highestModseq", state("9@8 |")],
    ["a lower uidNext", state("5@20 |")],
  ])("is null if a side cannot come from it: %s", (_what, odd) => {
    const both = cursor(NEW, NEW);
    expect(baseOf(both, both, [odd, state("9@20 |")])).toBeNull();
    expect(baseOf(both, both, [state("9@20 |"), odd])).toBeNull();
  });

  it("differs by the digest alone, and by the entry alone", () => {
    expect(baseOf(cursor("6@9 | 5:E@9", OLD), cursor("6@9 | 5:F@9", OLD), NOW)).toEqual(state(OLD));
    const renamed = { latest: { ...state(NEW), entryModseq: 2 }, agreed: state(OLD) };
    expect(baseOf(cursor(NEW, OLD), renamed, NOW)).toEqual(state(OLD));
  });
});

describe("deltaAllowed", () => {
  const base = state("6@9 |");

  it("needs a base", () => {
    expect(deltaAllowed(null, NOW)).toBe(false);
    expect(deltaAllowed(base, NOW)).toBe(true);
  });

  it("scenario 7: is refused if either side purged a tombstone above the base", () => {
    expect(deltaAllowed(base, [state("9@20-9 |"), NOW[1]])).toBe(true);
    expect(deltaAllowed(base, [state("9@20-10 |"), NOW[1]])).toBe(false);
    expect(deltaAllowed(base, [NOW[0], state("9@20-10 |")])).toBe(false);
  });
});

describe("cursorAt", () => {
  it("the side that knows both got there agrees on it, the other keeps the base", () => {
    expect(cursorAt(state(NEW), state(OLD), true)).toEqual(cursor(NEW, NEW));
    expect(cursorAt(state(NEW), state(OLD), false)).toEqual(cursor(NEW, OLD));
    expect(cursorAt(state(NEW), null, false)).toEqual(cursor(NEW, null));
  });
});
