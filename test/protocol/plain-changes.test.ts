/** Many small changes in one `bin`: what is written is read again, and nothing else is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_CHANGES_PER_FRAME } from "../../protocol/limits.ts";
import {
  joinChanges,
  joinResults,
  type PlainChange,
  type PlainResult,
  splitChanges,
  splitResults,
} from "../../protocol/plain-changes.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { SAMPLES } from "./samples.ts";

const CHANGES = SAMPLES.changes.flatMap(({ items }) => items);
const RESULTS = SAMPLES.changed.flatMap(({ results }) => results);
const [CHANGE] = CHANGES as [PlainChange];

/** The code of the error, "" if there is none. */
function refusal(action: () => unknown): string {
  try {
    action();
    return "";
  } catch (error) {
    if (isTandemError(error)) return error.code;
    throw error;
  }
}

describe("changes and results", () => {
  it("are read as they were written", () => {
    expect(splitChanges(joinChanges(CHANGES))).toEqual(CHANGES);
    expect(splitResults(joinResults(RESULTS))).toEqual(RESULTS);
  });

  it("P12: cut anywhere, the last of them is refused", () => {
    for (const [bytes, split] of [
      [joinChanges([CHANGE]), splitChanges],
      [joinResults(RESULTS.slice(2, 3)), splitResults],
    ] as const)
      for (let length = 1; length < bytes.length; length++)
        expect(refusal(() => split(bytes.subarray(0, length)))).toBe("bad-frame");
  });

  it("P12: two changes of one mailbox are refused", () => {
    expect(refusal(() => splitChanges(joinChanges([CHANGE, CHANGE])))).toBe("bad-frame");
  });

  it("P12: more than the limit are refused by both sides", () => {
    const many = Array.from({ length: MAX_CHANGES_PER_FRAME + 1 }, (_, i) => ({ ...CHANGE, mailboxId: `box${i}` }));
    const results: PlainResult[] = many.map(() => ({ kind: "applied" }));
    expect(refusal(() => joinChanges(many))).toBe("limit");
    expect(refusal(() => joinResults(results))).toBe("limit");
    expect(refusal(() => splitChanges(Buffer.concat(many.map((one) => joinChanges([one])))))).toBe("limit");
    expect(refusal(() => splitResults(Buffer.alloc(many.length, 1)))).toBe("limit");
  });

  it.each<[string, Partial<PlainChange>]>([
    ["an account without a name", { account: "" }],
    ["an id that is none", { mailboxId: "a b" }],
    ["uidValidity 0", { before: { ...CHANGE.before, uidValidity: 0 } }],
    ["uidNext above 2^32", { after: { ...CHANGE.after, uidNext: 2 ** 32 + 1 } }],
    ["modseq 0", { after: { ...CHANGE.before, highestModseq: 0 } }],
    ["a count above 2^32-1", { after: { ...CHANGE.after, digest: { ...CHANGE.after.digest, count: 2 ** 32 } } }],
  ])("P12: %s is refused", (_, wrong) => {
    expect(refusal(() => splitChanges(joinChanges([{ ...CHANGE, ...wrong }])))).toBe("bad-frame");
  });

  it("P12: random bytes, and written ones with some bytes changed, are refused or read and written again", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.boolean(), (changes, isChange) => {
        const bytes = Buffer.from(isChange ? joinChanges(CHANGES) : joinResults(RESULTS));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const again = () => Buffer.from(isChange ? joinChanges(splitChanges(bytes)) : joinResults(splitResults(bytes)));
        if (refusal(again) === "") expect(again()).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});
