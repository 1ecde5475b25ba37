/**
 * Faults in the merge rule: every row wrong once, and what holds the rows together.
 */
import { faultsIn, type Mutant } from "./mutant.ts";

const RULE = "test/merge/rule.test.ts";
const RANDOM = "test/merge/random.test.ts";
const TREE = "test/merge/tree.test.ts";

const ROWS = faultsIn("src/merge/rows.ts", RULE, [
  [
    "M01",
    "P5",
    "records that differ in their stamps count as equal",
    "sameRecord(left, right) ?",
    "left.systemFlags === right.systemFlags ?",
    "scenario 24: a flag set and cleared at the right, its modseq higher: the left follows",
  ],
  [
    "M03",
    "P2",
    "a grave of the same message counts as another's",
    'return "M03";',
    'return "M06";',
    "scenario 37: the left restored from a backup and delivered to since: it catches up, its mail is kept",
  ],
  [
    "M05",
    "P1",
    "two messages under one UID are merged",
    'if (left.guid !== right.guid) return "M05";',
    'if (left.guid !== right.guid) return "M02";',
    "scenario 11: UID 5 given to E at the left and to F at the right: both renumbered, the lower GUID first",
  ],
  [
    "M07",
    "P9",
    "new mail is renumbered",
    'below: liveAndBelow, above: "M07" },',
    'below: liveAndBelow, above: "M09" },',
    "P10: is symmetric",
  ],
  [
    "M09",
    "P3",
    "mail appears below an announced uidNext",
    '? "M08" : "M09");',
    '? "M08" : "M07");',
    "P6: as scenario 18 without a base: in doubt, keep, under a new UID",
  ],
  [
    "M10",
    "P2",
    "a tombstone is not told to a side that has nothing",
    'below: "M10", above: "M10" }',
    "below: null, above: null }",
    "the table",
  ],
  [
    "M11",
    "P9",
    "a change is not taken over by a side that did not change",
    'tombstone: "M04", unchanged: "M11"',
    'tombstone: "M04", unchanged: null',
    "the table",
  ],
  [
    "purge proof",
    "P6",
    "a message is expunged though its tombstone was purged before the base",
    "other.purgedModseq > base.highestModseq;",
    "other.purgedModseq > 0;",
    "P6: with a base, but the right purged nothing since: in doubt, keep",
  ],
]);

const DECISIONS = faultsIn("src/merge/decide.ts", RULE, [
  [
    "M04",
    "P2",
    "one of two graves is dropped",
    "? a : withGraves(a, b.graves);",
    "? a : a;",
    "scenarios 13 and 23: E expunged at the left, F at the right: both graves, nothing is appended",
  ],
  [
    "M06",
    "P6",
    "the other side's grave is dropped",
    "      return dead as Tombstone;",
    "      return moved(uid);",
    "M06: UID 5 is E at the left, the right expunged F under it: E renumbered, F stays expunged",
  ],
]);

const COMBINE = faultsIn("src/merge/combine.ts", "test/merge/combine.test.ts", [
  [
    "M02",
    "P8",
    "the older change of a flag wins",
    "return stampA > stampB ? a : b;",
    "return stampA < stampB ? a : b;",
    "P10: is commutative and idempotent",
  ],
  [
    "dates",
    "P1",
    "the later internal date wins",
    "internalDate: Math.min(",
    "internalDate: Math.max(",
    "P1: takes the lower date and the lower createdModseq, and all former UIDs",
  ],
]);

const WHO = [
  ...faultsIn("src/merge/rows.ts", "test/merge/merge.property.test.ts", [
    [
      "M08",
      "P6",
      "the base's uidNext does not count as a bound of the proof",
      "uid < base.uidNext && other.purgedModseq",
      "other.purgedModseq",
      "each mail once: exactly what nobody expunged is there, once, if the base is known",
    ],
  ]),
  ...faultsIn("src/merge/reunite.ts", RULE, [
    [
      "pairing",
      "P7",
      "the same mail on both sides is not paired",
      "of sameGuid([...open.values()])) {",
      "of sameGuid([])) {",
      "P7: two messages swapped between two UIDs: each paired with itself under a new UID, none doubled",
    ],
  ]),
  ...faultsIn("src/merge/identity.ts", RANDOM, [
    [
      "former UIDs",
      "P6",
      "former UIDs are ignored",
      "  const differing = pairs",
      "  if (pairs.length > 0) return [];\n  const differing = pairs",
      "P1-P10 hold in random histories",
    ],
  ]),
  ...faultsIn("src/merge/walk.ts", "test/merge/walk.test.ts", [
    [
      "walker",
      "P9",
      "the walker advances past a record it did not match",
      "if (theirs !== null) this.#right.at++;",
      "if (right !== null) this.#right.at++;",
      "finds what a naive comparison finds, in UID order, cut anywhere",
    ],
  ]),
];

const COUNTERS = [
  ...faultsIn("src/merge/merge.ts", RULE, [
    [
      "new modseq",
      "P5",
      "the merge writes under the highest announced modseq",
      "input.right.highestModseq) + 1;",
      "input.right.highestModseq);",
      "scenario 28: flag set at the right, the left's modseq higher: both get a new modseq, the stamp stays",
    ],
    [
      "uidNext",
      "P3",
      "uidNext does not rise with the UIDs given out",
      "newModseq, firstNew + moved.length)",
      "newModseq, firstNew)",
      "scenario 11: UID 5 given to E at the left and to F at the right: both renumbered, the lower GUID first",
    ],
  ]),
  ...faultsIn("src/merge/settle.ts", "test/merge/settle.test.ts", [
    [
      "taken modseq",
      "P5",
      "a side takes a record under a modseq it announced before",
      "if (source.modseq <= taker.highestModseq) return",
      "if (source.modseq < 0) return",
      "P5: both write under a new one, if the taker announced that modseq already",
    ],
    [
      "unconfirmed purge",
      "P5",
      "what one side purged is never told to clients that come from there",
      "return isNews(left, input) || isNews(right, input) ? bothWrite",
      "return isNews(left, input) && isNews(right, input) ? bothWrite",
      "P5: both write a tombstone that falls to a purge, under a new modseq, if the side that purged may not have had it",
    ],
  ]),
  ...faultsIn("src/merge/base.ts", "test/merge/base.test.ts", [
    [
      "delta below a purge",
      "P6",
      "a delta is used although tombstones above the base were purged",
      "states.every((state) => state.purgedModseq <= base.highestModseq)",
      "states.length > 0",
      "scenario 7: is refused if either side purged a tombstone above the base",
    ],
    [
      "unproven base",
      "P6",
      "what both saved counts as a base though neither knows that the other got there",
      "(sameAgreed(left.agreed, left.latest) || sameAgreed(right.agreed, right.latest))",
      "left.latest !== null",
      "is not what both saved alike if neither knows that the other was there: tombstones are not in the digest",
    ],
    [
      "base of one side",
      "P6",
      "a side's own knowledge is a base though the other has moved on",
      "|| !sameState(cursor.latest, other)) return null;",
      ") return null;",
      "is null without a cursor on both sides, so that a store made anew has none (scenario 38)",
    ],
  ]),
];

const TREE_ROWS = [
  ...faultsIn("src/merge/tree.ts", "test/simulation/simulation.test.ts", [
    [
      "order of twins",
      "P10",
      "mailboxes made on both sides are written in an order that hangs on the role",
      ".sort((a, b) => compareText(lowerIdOf(a), lowerIdOf(b)));",
      ";",
      "P10: two mailboxes made on both sides get other entry modseqs if the other side is master",
    ],
  ]),
  ...faultsIn("src/merge/tree.ts", TREE, [
    [
      "T03",
      "P6",
      "a deletion on one side takes effect without looking at the messages",
      "isHalfDeleted(left, right) || left.entry",
      "left.entry",
      "T03, scenario 43: deleted at the left, unchanged at the right: deleted on both",
    ],
    [
      "T06",
      "P9",
      "two mailboxes keep one name",
      "return isTaken && !one.together;",
      "return false;",
      "T06: renamed to the name of a new one at the right: the one named later gets a free name, nothing is mixed",
    ],
    [
      "name's uidValidity",
      "P4",
      "a mailbox comes to a name under a uidValidity shown there before",
      "if (floor >= one.uidValidity) one.uidValidity = floor + 1;",
      "",
      "P4: a mailbox that comes to a name shows a higher uidValidity than any before it there",
    ],
  ]),
  ...faultsIn("src/merge/entry.ts", TREE, [
    [
      "T05",
      "P4",
      "the identity with the lower uidValidity stays",
      "right.state.uidValidity - left.state.uidValidity;",
      "left.state.uidValidity - right.state.uidValidity;",
      "T05, scenario 34: one name made on both: the higher uidValidity stays, the other id becomes an alias",
    ],
    [
      "T07",
      "P10",
      "the older name wins",
      "return order >= 0 ? a : b;",
      "return order >= 0 ? b : a;",
      "T06, scenario 42: renamed at the left, a new one with its old name at the right: both exist on both",
    ],
  ]),
];

export const RULE_MUTANTS: readonly Mutant[] = [...ROWS, ...DECISIONS, ...COMBINE, ...WHO, ...COUNTERS, ...TREE_ROWS];
