/**
 * Who writes what under which modseq: a side takes the other's record where it can, else both write under a new one.
 */
import { describe, expect, it } from "vitest";
import type { MergeInput } from "../../src/merge/plan.ts";
import { settle, type Wish } from "../../src/merge/settle.ts";
import { type Box, box, digestOfAll, record, showRecord } from "./boxes.ts";

const EMPTY = box("9@20 |");

function inputOf(left: Box, right: Box, extra: Partial<MergeInput> = {}): MergeInput {
  return { left: left.state, right: right.state, base: null, delta: false, pairs: [], ...extra };
}

function wish(left: string | null, right: string | null, want: string): Wish {
  const read = (text: string | null) => (text === null ? null : record(text));
  const wanted = record(want);
  return { uid: wanted.uid, left: read(left), right: read(right), want: wanted };
}

/** What each side writes for one wish, the highest modseqs being 20 and `rightHighest`. */
function written(one: Wish, rightHighest = 20, purged = 0, baseModseq: number | null = null): [string, string] {
  const at = (highestModseq: number, side: Box["records"][number] | null): Box => ({
    state: { ...EMPTY.state, highestModseq, purgedModseq: purged, digest: digestOfAll(side === null ? [] : [side]) },
    records: [],
  });
  const newModseq = Math.max(20, rightHighest) + 1;
  const base = baseModseq === null ? null : { ...EMPTY.state, entryModseq: 1, highestModseq: baseModseq };
  const input = { ...inputOf(at(20, one.left), at(rightHighest, one.right)), base };
  const plan = settle(input, [one], newModseq, 9);
  return [plan.left.puts.map(showRecord).join(), plan.right.puts.map(showRecord).join()];
}

describe("modseqs", () => {
  it("a side takes the other's record with its modseq, if that is above its own highest", () => {
    expect(written(wish("5:E@18/5+S", "5:E@5", "5:E@18/5+S"), 17)).toEqual(["", "5:E@18/5+S"]);
  });

  it("P5: both write under a new one, if the taker announced that modseq already", () => {
    expect(written(wish("5:E@18/5+S", "5:E@5", "5:E@18/5+S"), 18)).toEqual(["5:E@21/5+S", "5:E@21/5+S"]);
  });

  it("P5: both write under a new one, if neither has what is wanted", () => {
    expect(written(wish("5:E@18/5+S", "5:E@17/5+F", "5:E@18/5+S,F"), 2)).toEqual(["5:E@21/5+F,S", "5:E@21/5+F,S"]);
  });

  it("P9: nobody writes where both have it under one modseq", () => {
    expect(written(wish("5:E@18", "5:E@18", "5:E@18"))).toEqual(["", ""]);
  });

  it("P9: equal content under two modseqs gets the higher one", () => {
    expect(written(wish("5:E@18/5", "5:E@16/5", "5:E@16/5"), 17)).toEqual(["", "5:E@18/5"]);
  });

  it("M10: what the purge takes away on both is not written", () => {
    expect(written(wish("-5:E@18", null, "-5:E@18"), 20, 18, 18)).toEqual(["", ""]);
    expect(written(wish("-5:E@18", null, "-5:E@18"), 17, 17)).toEqual(["", "-5:E@18"]);
  });

  it("P5: both write a tombstone that falls to a purge, under a new modseq, if the side that purged may not have had it", () => {
    expect(written(wish("-5:E@18", null, "-5:E@18"), 20, 18, 17)).toEqual(["-5:E@21", "-5:E@21"]);
    expect(written(wish("-5:E@18", null, "-5:E@18"), 20, 18, null)).toEqual(["-5:E@21", "-5:E@21"]);
  });

  it("P6: a live record is written as expunged even if its modseq is below the purge", () => {
    expect(written(wish("5:E@3", null, "-5:E@3"), 20, 18)).toEqual(["-5:E@21", "-5:E@21"]);
  });
});

describe("counters and digests", () => {
  const [left, right] = [box("8@20-3 | 5:E@20/4+S"), box("9@18-2 | 5:E@4 8:G@17")];
  const wishes = [wish("5:E@20/4+S", "5:E@4", "5:E@20/4+S"), wish(null, "8:G@17", "8:G@17")];

  it("P4: both get the maxima, and the new modseq only if it is used", () => {
    const plan = settle(inputOf(left, right), wishes, 21, 9);
    const counters = { uidValidity: 1, uidNext: 9, highestModseq: 21, purgedModseq: 3 };
    const digest = digestOfAll(["5:E@20/4+S", "8:G@21/17"].map(record));
    expect(plan.left.after).toEqual({ ...counters, digest });
    expect(plan.right.after).toEqual({ ...counters, digest });
    const unused = settle(inputOf(left, right), wishes.slice(0, 1), 21, 9);
    expect(unused.left.after.highestModseq).toBe(20);
  });

  it("a delta's digest comes from the side whose records it shows", () => {
    const base = box("9@10 |").state;
    const [mine, theirs] = [box("9@12 | 5:E@12/4+S"), box("9@10 | 5:E@4")];
    const plan = settle(inputOf(mine, theirs, { base, delta: true }), [wish("5:E@12/4+S", null, "5:E@12/4+S")], 13, 9);
    expect(plan.right.puts.map(showRecord)).toEqual(["5:E@12/4+S"]);
    expect(plan.right.after).toEqual(mine.state);
  });
});
