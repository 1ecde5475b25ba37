/**
 * Two mailboxes of different uidValidity: the higher one keeps its UIDs, the other's messages are matched by GUID.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRenumbering, type RenumberingInput } from "../../src/merge/renumbering.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { type LiveRecord, MAX_UID } from "../../src/model/record.ts";
import { recordLists } from "../model/arbitraries.ts";
import { applyBoth, type Box, box, digestOfAll, guidOf, show } from "./boxes.ts";

function inputOf(left: Box, right: Box, held?: ReadonlySet<string>): RenumberingInput {
  const records = { leftRecords: left.records, rightRecords: right.records };
  return { left: left.state, right: right.state, ...records, ...(held ? { held } : {}) };
}

/** Merges in both roles, checks that both sides are the same, and gives what they are. */
function merged(left: Box, right: Box): { box: Box; rows: string[] } {
  const plan = planRenumbering(inputOf(left, right));
  const mirrored = planRenumbering(inputOf(right, left));
  expect([mirrored.left, mirrored.right]).toEqual([plan.right, plan.left]);
  const after = applyBoth(left, right, plan);
  expect(show(after.left)).toBe(show(after.right));
  expect(after.left).toEqual(after.right);
  const rows = plan.decisions.map(({ row, uid, newUid }) => `${row} ${uid}${newUid === undefined ? "" : `>${newUid}`}`);
  return { box: after.left, rows };
}

const CASES: readonly (readonly [name: string, higher: string, lower: string, rows: string[], both: string])[] = [
  [
    "scenario 33: the same mails on both: all under the higher uidValidity, UIDs kept",
    "4@4 | 1:A@2 2:B@3 3:C@4",
    "4@6 | 1:A@2 2:B@3 3:C@6/4+S~S:6",
    ["M02 1", "M02 2", "M02 3"],
    "4@7 | 1:A@2 2:B@3 3:C@7/4+S~S:6",
  ],
  [
    "scenario 34: the other was never used: it takes everything as it is",
    "3@4 | 1:A@2 -2:B@4",
    "1@1 |",
    [],
    "3@4 | 1:A@2 -2:B@4",
  ],
  [
    "scenario 35: mail in both: all of it in one, each once",
    "3@3 | 1:A@2 2:B@3",
    "4@9 | 1:X@2 2:B@3+S 3:Y@9",
    ["M02 2", "M09 1>3", "M09 3>4"],
    "5@10 | 1:A@2 2:B@10/3+S 3:X@10 4:Y@10",
  ],
  [
    "P6: GUIDs are multisets: two of one mail and one of it are two",
    "2@2 | 1:A@2",
    "4@5 | 2:A@2 3:A@5",
    ["M02 1", "M09 3>2"],
    "3@6 | 1:A@2 2:A@6",
  ],
  [
    "P6: what the higher expunged is not there, but the other's copy is kept: its tombstones are void too",
    "3@5 | 1:A@2 -2:B@5",
    "3@9 | -1:A@9 2:B@3",
    ["M09 2>3"],
    "4@10 | 1:A@2 -2:B@5 3:B@10",
  ],
  [
    "former UIDs of the void numbering are forgotten",
    "2@2 | 1:A@2",
    "9@9 | 5:A@5^3 8:B@9^4",
    ["M02 1", "M09 8>2"],
    "3@10 | 1:A@2 2:B@10",
  ],
];

describe("planRenumbering", () => {
  it.each(CASES)("%s", (_name, higher, lower, rows, both) => {
    const result = merged(box(higher, 9), box(lower, 4));
    expect([show(result.box), result.rows]).toEqual([both, rows]);
    expect(result.box.state.uidValidity).toBe(9);
  });

  it("P1, P3: the higher side's UIDs stay, new ones go above its uidNext", () => {
    const left = box("9@9-3 | 4:D@4 -5:E@9", 9);
    const plan = planRenumbering(inputOf(left, box("3@3 | 1:A@2 2:B@3", 4)));
    expect(plan.left.puts.map(({ uid }) => uid)).toEqual([9, 10]);
    expect([plan.left.reset, plan.right.reset]).toEqual([false, true]);
    expect(plan.right.after).toEqual(plan.left.after);
  });

  it("scenario 22: is refused if a message would be lost whose bytes cannot be had", () => {
    const [left, right] = [box("2@2 | 1:A@2", 9), box("3@3 | 1:A@2 2:B@3", 4)];
    const refused = () => planRenumbering(inputOf(left, right, new Set([guidOf("B")])));
    expect(refused).toThrow(/the bytes of UID 2 cannot be read/);
    const harmless = planRenumbering(inputOf(left, right, new Set([guidOf("A")])));
    expect(harmless.right.puts).toHaveLength(2);
  });

  it("says so if the UIDs are used up", () => {
    const full = box(`${MAX_UID + 1}@5 | ${MAX_UID}:E@5`, 9);
    const error = (() => {
      try {
        return planRenumbering(inputOf(full, box("2@2 | 1:A@2", 4)));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isTandemError(error, "limit")).toBe(true);
  });

  it("P6, P7: every GUID is there as often as on the side that has more of it", () => {
    fc.assert(
      fc.property(recordLists(12), recordLists(12), (mine, theirs) => {
        const [left, right] = [boxOf(mine, 9), boxOf(theirs, 4)];
        const plan = planRenumbering(inputOf(left, right));
        expect(plan.left.after.digest).toEqual(plan.right.after.digest);
        expect(digestOfAll(plan.right.puts)).toEqual(plan.right.after.digest);
        const [a, b, both] = [counts(left.records), counts(right.records), counts(plan.right.puts)];
        for (const guid of new Set([...a.keys(), ...b.keys(), ...both.keys()]))
          expect(both.get(guid)).toBe(Math.max(a.get(guid) ?? 0, b.get(guid) ?? 0) || undefined);
      }),
    );
  });
});

function boxOf(records: Box["records"], uidValidity: number): Box {
  const live = records.filter((one) => one.uid < 2 ** 31 && one.modseq < 2 ** 52);
  const uidNext = Math.max(0, ...live.map(({ uid }) => uid)) + 1;
  const highestModseq = Math.max(1, ...live.map(({ modseq }) => modseq));
  return { state: { uidValidity, uidNext, highestModseq, purgedModseq: 0, digest: digestOfAll(live) }, records: live };
}

function counts(records: Box["records"]): Map<string, number> {
  const live = records.filter((one): one is LiveRecord => !one.expunged);
  const all = new Map<string, number>();
  for (const { guid } of live) all.set(guid, (all.get(guid) ?? 0) + 1);
  return all;
}
