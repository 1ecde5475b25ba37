/**
 * The tree rule: the table of cases in both roles, and random trees that were changed apart.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freeName, planTree } from "../../src/merge/tree.ts";
import { TREE_ROW_IDS, type Tree, type TreePlan } from "../../src/merge/tree-plan.ts";
import { TREE_CASES } from "./tree.cases.ts";
import { applyPuts, create, deliver, exchange, remove, rename, show, subscribe, tree } from "./trees.ts";

const CASES = TREE_CASES.map((one) => [one.name, one] as const);

function rowsOf(plan: TreePlan): string[] {
  return plan.decisions.map(({ row, mailboxId }) => `${row} ${mailboxId}`);
}

/** Nothing is left to do. */
function expectQuiet(left: Tree, right: Tree): void {
  const again = planTree(left, right);
  expect([again.left, again.right, again.decisions, again.modseq]).toEqual([[], [], [], left.modseq]);
}

describe.each(CASES)("%s", (_name, one) => {
  it("is decided by its rows, and both trees are the same afterwards", () => {
    const { left, right, plans } = exchange({ left: tree(one.left), right: tree(one.right) });
    expect(plans[0] && rowsOf(plans[0])).toEqual(one.rows);
    expect([show(left), show(right)]).toEqual([one.both, one.both]);
    expectQuiet(left, right);
  });

  it("P10: gives the mirrored plan with roles swapped", () => {
    const plan = planTree(tree(one.left), tree(one.right));
    const other = planTree(tree(one.right), tree(one.left));
    expect([other.left, other.right, other.modseq]).toEqual([plan.right, plan.left, plan.modseq]);
    expect(rowsOf(other)).toEqual(rowsOf(plan));
    const after = exchange({ left: tree(one.right), right: tree(one.left) });
    expect([show(after.left), show(after.right)]).toEqual([one.both, one.both]);
  });
});

describe("the cases", () => {
  it("show every row", () => {
    const named = new Set(TREE_CASES.map(({ name }) => name.slice(0, 3)));
    expect([...named].sort()).toEqual([...TREE_ROW_IDS]);
  });
});

describe("a mailbox whose id is an alias on the other side, while its own side has both", () => {
  const left = "6 | b=Work@5v3=c d=Play@6";
  const right = "4 | b=Work@3v3 c=Jobs@4/2~4v2";

  it("T05: is left alone and named, with the one it is to become, and all others go on, in both roles", () => {
    const plan = planTree(tree(left), tree(right));
    expect(plan.stranded).toEqual([{ side: "right", mailboxId: "c", name: "Jobs", into: "b" }]);
    expect([...plan.left, ...plan.right].map(({ entry }) => entry.mailboxId)).not.toContain("c");
    expect(plan.right.map(({ entry }) => entry.mailboxId)).toContain("d");
    const other = planTree(tree(right), tree(left));
    expect(other.stranded).toEqual([{ side: "left", mailboxId: "c", name: "Jobs", into: "b" }]);
    expect([other.left, other.right]).toEqual([plan.right, plan.left]);
  });

  it("T06: keeps its name until then, so that no other mailbox is given it", () => {
    const plan = planTree(tree("6 | b=Jobs@5v3=c"), tree("5 | b=Work@3v3 c=Jobs@4/2~4v2"));
    expect(plan.right.map(({ entry }) => [entry.mailboxId, entry.name])).toEqual([["b", "Jobs (2)"]]);
    expect(plan.left.map(({ entry }) => [entry.mailboxId, entry.name])).toEqual([["b", "Jobs (2)"]]);
  });

  it("T05: is not taken for that one, whatever the order of ids, nor the other one for left over", () => {
    const plan = planTree(tree("6 | a=Jobs@4v2 b=Work@5v3=a"), tree("6 | b=Work@5v3=a"));
    expect(plan.stranded).toEqual([{ side: "left", mailboxId: "a", name: "Jobs", into: "b" }]);
    expect([plan.left, plan.right]).toEqual([[], []]);
  });

  it("is not named any more once it is deleted", () => {
    const plan = planTree(tree(left), tree("5 | b=Work@3v3 !c=Jobs@5/2~4v2"));
    expect(plan.stranded).toEqual([]);
    expect([...plan.left, ...plan.right].map(({ entry }) => entry.mailboxId)).not.toContain("c");
  });
});

describe("names", () => {
  it("T06: a free name is the first with a number that nobody has", () => {
    expect(freeName("Work", new Set(["Work"]))).toBe("Work (2)");
    expect(freeName("Work", new Set(["Work", "Work (2)", "Work (4)"]))).toBe("Work (3)");
  });

  it("P4: a mailbox that comes to a name shows a higher uidValidity than any before it there", () => {
    const left = tree("6 | b=Jobs@6/3~6v2<Work:2>");
    const right = tree("5 | b=Work@3v2 !c=Jobs@5/4v8");
    const { left: after } = exchange({ left, right });
    expect(after.mailboxes.find(({ entry }) => entry.name === "Jobs")?.state.uidValidity).toBe(9);
  });

  it("P1: a mailbox with two numberings is not renumbered by its entry alone", () => {
    const plan = planTree(tree("5 | b=Work@5/3v9*2"), tree("4 | b=Work@4/3v4*3"));
    expect(plan.pairs.map(({ together }) => together)).toEqual([true]);
    expect([plan.left, plan.right]).toEqual([[], []]);
  });

  it("scenario 8: names differing only in Unicode form or in case are two", () => {
    const left = tree("4 | a=e\u0301@2 b=Work@4");
    const right = tree("5 | c=\u00e9@3 d=work@5");
    const { left: after } = exchange({ left, right });
    expect(after.mailboxes.map(({ entry }) => entry.mailboxId)).toEqual(["a", "b", "c", "d"]);
  });
});

type Step = (before: Tree, id: string) => Tree;
const NAMES = fc.constantFrom("INBOX", "Work", "Play", "Jobs");
const step: fc.Arbitrary<Step> = fc.oneof(
  NAMES.map(
    (name): Step =>
      (before, id) =>
        create(before, id, name),
  ),
  fc.tuple(fc.nat(5), NAMES).map(
    ([pick, name]): Step =>
      (before) =>
        rename(before, pick, name),
  ),
  fc.nat(5).map(
    (pick): Step =>
      (before) =>
        remove(before, pick),
  ),
  fc.nat(5).map(
    (pick): Step =>
      (before) =>
        deliver(before, pick),
  ),
  fc.tuple(fc.nat(5), fc.constantFrom("0", "1")).map(
    ([pick, value]): Step =>
      (before) =>
        subscribe(before, pick, value),
  ),
);
const steps = fc.array(step, { maxLength: 7 });

function withoutModseqs({ mailboxes }: Tree): unknown {
  return mailboxes.map(({ entry, state }) => [{ ...entry, modseq: 0 }, state.uidValidity]);
}

function run(before: Tree, list: readonly Step[], side: string): Tree {
  return list.reduce((now, one, i) => one(now, `${side}${now.modseq}x${i}`), before);
}

describe("random trees changed apart", () => {
  const EMPTY: Tree = { modseq: 1, mailboxes: [] };

  it("P9: become the same in one exchange, and a second one has nothing to do", () => {
    fc.assert(
      fc.property(steps, steps, steps, steps, steps, (past, left1, right1, left2, right2) => {
        const shared = run(EMPTY, past, "p");
        const first = exchange({ left: run(shared, left1, "l"), right: run(shared, right1, "r") });
        expect(show(first.left)).toBe(show(first.right));
        const second = exchange({ left: run(first.left, left2, "m"), right: run(first.right, right2, "s") });
        expect(show(second.left)).toBe(show(second.right));
        expectQuiet(second.left, second.right);
      }),
      { numRuns: 1000 },
    );
  });

  it("P10: the plan is the mirrored one with roles swapped", () => {
    fc.assert(
      fc.property(steps, steps, steps, (past, mine, theirs) => {
        const shared = run(EMPTY, past, "p");
        const [left, right] = [run(shared, mine, "l"), run(shared, theirs, "r")];
        const [plan, other] = [planTree(left, right), planTree(right, left)];
        expect([other.left, other.right, other.modseq]).toEqual([plan.right, plan.left, plan.modseq]);
        expect(rowsOf(other).sort()).toEqual(rowsOf(plan).sort());
      }),
      { numRuns: 1000 },
    );
  });

  it("P11: applied on one side only and repeated, it gives the same", () => {
    fc.assert(
      fc.property(steps, steps, steps, (past, mine, theirs) => {
        const shared = run(EMPTY, past, "p");
        const [left, right] = [run(shared, mine, "l"), run(shared, theirs, "r")];
        const plan = planTree(left, right);
        fc.pre(plan.pairs.every((pair) => !pair.together));
        const whole = exchange({ left, right });
        const again = exchange({ left, right: applyPuts(right, plan.right, plan.modseq) });
        expect(show(again.left)).toBe(show(again.right));
        expect(withoutModseqs(again.left)).toEqual(withoutModseqs(whole.left));
      }),
      { numRuns: 500 },
    );
  });

  it("P6: a mailbox with new messages is there afterwards, whoever deleted it", () => {
    fc.assert(
      fc.property(steps, steps, steps, (past, mine, theirs) => {
        const shared = run(EMPTY, past, "p");
        const [left, right] = [run(shared, mine, "l"), run(shared, theirs, "r")];
        const after = exchange({ left, right }).left;
        for (const { entry, state } of [...left.mailboxes, ...right.mailboxes]) {
          if (entry.deleted || state.digest.count === 0) continue;
          const kept = after.mailboxes.find((one) =>
            [one.entry.mailboxId, ...one.entry.aliases].includes(entry.mailboxId),
          );
          expect(kept?.entry.deleted).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
