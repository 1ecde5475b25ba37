/**
 * Merge rules with one fault each, made from the true one: the model must see every one of them.
 */
import { planMerge } from "../../../src/merge/merge.ts";
import type { MergeInput, MergePlan, SidePlan } from "../../../src/merge/plan.ts";
import { addDigest, digestOf, subtractDigest } from "../../../src/model/digest.ts";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import type { Merge } from "./exchange.ts";
import type { Broken } from "./violation.ts";

export interface Mutant {
  readonly fault: string;
  readonly merge: Merge;
  /** What the model may say of it. */
  readonly breaks: readonly Broken[];
}

/** A record to write instead, or null to leave it out. */
type Change = (put: IndexRecord, input: MergeInput) => IndexRecord | null;

export const MUTANTS: readonly Mutant[] = [
  {
    fault: "a renumbered message is left out",
    merge: changingPuts((put, input) => (isRenumbered(put, input) ? null : put)),
    breaks: ["P6"],
  },
  {
    fault: "a renumbered message loses its flags",
    merge: changingPuts((put, input) =>
      isRenumbered(put, input) ? { ...put, systemFlags: 0, keywords: [], flagStamps: [] } : put,
    ),
    breaks: ["P8"],
  },
  {
    fault: "stamps are forgotten",
    merge: changingPuts((put) => (put.expunged ? put : { ...put, flagStamps: [] })),
    breaks: ["P8", "P9", "P10", "delta"],
  },
  {
    fault: "former UIDs are forgotten",
    merge: changingPuts((put) => (put.expunged ? put : { ...put, formerUids: [] })),
    breaks: ["P6", "P7"],
  },
  {
    fault: "an expunge is taken for a renumbering",
    merge: changingPuts((put) => (put.expunged ? { ...put, graves: [] } : put)),
    breaks: ["P6", "P9", "delta"],
  },
  {
    fault: "changes stand under the highest modseq announced, not above it",
    merge: changingPuts((put, { left, right }) => ({
      ...put,
      modseq: Math.min(put.modseq, Math.max(left.highestModseq, right.highestModseq)),
    })),
    breaks: ["P5", "guard"],
  },
  {
    fault: "a message of the void side stays under its UID",
    merge: changingPuts((put, { pairs }) => pairs.find(({ uid }) => uid === put.uid)?.left ?? put),
    breaks: ["P5", "P9", "P10", "guard"],
  },
  {
    fault: "purged is taken for expunged without a base",
    merge: withBase((input) => input.left),
    breaks: ["P6", "P10"],
  },
  { fault: "the base is forgotten", merge: withBase(() => null), breaks: ["P6"] },
  {
    fault: "uidNext of the other side is not taken over",
    merge: (input) => {
      const { left, right, decisions } = planMerge(input);
      return { left: withUidNext(left, input.left.uidNext), right: withUidNext(right, input.right.uidNext), decisions };
    },
    breaks: ["P3", "P9", "guard"],
  },
];

function isRenumbered(put: IndexRecord, { left, right }: MergeInput): put is LiveRecord {
  return !put.expunged && put.uid >= Math.max(left.uidNext, right.uidNext);
}

function withUidNext(side: SidePlan, uidNext: number): SidePlan {
  return { ...side, after: { ...side.after, uidNext } };
}

/** Only whole lists: what a delta shows does not tell which base it is above. */
function withBase(base: (input: MergeInput) => MergeInput["base"]): Merge {
  return (input) => planMerge(input.delta ? input : { ...input, base: base(input) });
}

/** The true plan with some records changed, and the digest that goes with them. */
function changingPuts(change: Change): Merge {
  return (input) => {
    const { left, right, decisions }: MergePlan = planMerge(input);
    return { left: changed(left, input, change), right: changed(right, input, change), decisions };
  };
}

function changed(side: SidePlan, input: MergeInput, change: Change): SidePlan {
  let digest = side.after.digest;
  const puts: IndexRecord[] = [];
  for (const put of side.puts) {
    const next = change(put, input);
    if (!put.expunged) digest = subtractDigest(digest, digestOf(put));
    if (next?.expunged === false) digest = addDigest(digest, digestOf(next));
    if (next !== null) puts.push(next);
  }
  return { ...side, puts, after: { ...side.after, digest } };
}
