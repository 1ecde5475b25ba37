/**
 * The tree rule as cases: both trees before, the rows that decide, and the tree both have after one exchange. Written as
 * in `trees.ts`; every case runs in both roles.
 */
export interface TreeCase {
  readonly name: string;
  readonly left: string;
  readonly right: string;
  /** `T06 b`: what the first plan says about mailbox b. */
  readonly rows: readonly string[];
  readonly both: string;
}

export const TREE_CASES: readonly TreeCase[] = [
  {
    name: "T01: equal trees",
    left: "5 | a=INBOX@2 b=Work@5/3+subscribed:1~5",
    right: "5 | a=INBOX@2 b=Work@5/3+subscribed:1~5",
    rows: [],
    both: "5 | a=INBOX@2 b=Work@5/3+subscribed:1~5",
  },
  {
    name: "T01: an attribute set at the left: the right takes it with its modseq",
    left: "5 | b=Work@5/3+subscribed:1~5",
    right: "4 | b=Work@3",
    rows: ["T01 b"],
    both: "5 | b=Work@5/3+subscribed:1~5",
  },
  {
    name: "T01: an attribute each, the right's tree modseq higher: both stay, under a new modseq",
    left: "5 | b=Work@5/3+subscribed:1~5",
    right: "7 | b=Work@7/3+special:junk~7",
    rows: ["T01 b"],
    both: "8 | b=Work@8/3+special:junk~7+subscribed:1~5",
  },
  {
    name: "T01: the same attribute set on both: the newer wins",
    left: "5 | b=Work@5/3+subscribed:1~5",
    right: "7 | b=Work@7/3+subscribed:0~7",
    rows: ["T01 b"],
    both: "7 | b=Work@7/3+subscribed:0~7",
  },
  {
    name: "T01: only the tree modseqs differ: both have the higher one, no entry is written",
    left: "5 | b=Work@3",
    right: "9 | b=Work@3",
    rows: [],
    both: "9 | b=Work@3",
  },
  {
    name: "T02, scenario 46: at the left only, unknown at the right: brought there with id and uidValidity, never deleted",
    left: "5 | a=INBOX@2 b=Work@5v7",
    right: "2 | a=INBOX@2",
    rows: ["T02 b"],
    both: "5 | a=INBOX@2 b=Work@5v7",
  },
  {
    name: "T02: new mailboxes on both sides under one modseq: one of each",
    left: "3 | a=INBOX@2 b=Work@3",
    right: "3 | a=INBOX@2 c=Play@3",
    rows: ["T02 b", "T02 c"],
    both: "4 | a=INBOX@2 b=Work@4/3 c=Play@4/3",
  },
  {
    name: "T02: a mailbox made and deleted at the left: the right learns of the tombstone",
    left: "6 | a=INBOX@2 !b=Work@6/5v7",
    right: "2 | a=INBOX@2",
    rows: ["T02 b"],
    both: "6 | a=INBOX@2 !b=Work@6/5v7",
  },
  {
    name: "T03, scenario 43: deleted at the left, unchanged at the right: deleted on both",
    left: "6 | !b=Work@6/3",
    right: "3 | b=Work@3",
    rows: ["T03 b"],
    both: "6 | !b=Work@6/3",
  },
  {
    name: "T04, scenario 44: deleted at the left, new mail in it at the right: it stays on both",
    left: "6 | !b=Work@6/3",
    right: "3 | b=Work@3*1",
    rows: ["T03 b"],
    both: "7 | b=Work@7/3",
  },
  {
    name: "T03, scenario 45: deleted and made anew under its name at the left: the new one survives, with that name",
    left: "7 | !b=Work@6/3v4 c=Work@7v5",
    right: "3 | b=Work@3v4",
    rows: ["T03 b", "T02 c"],
    both: "7 | !b=Work@6/3v4 c=Work@7v5",
  },
  {
    name: "T04, scenarios 44 and 45: made anew at the left, new mail in the old one at the right: the old gets a free name",
    left: "7 | !b=Work@6/3v4 c=Work@7v5",
    right: "3 | b=Work@3v4*1",
    rows: ["T03 b", "T02 c"],
    both: "9 | b=Work_(2)@8/3~8v4 c=Work@9/7v5",
  },
  {
    name: "T05, scenario 34: one name made on both: the higher uidValidity stays, the other id becomes an alias",
    left: "2 | a=INBOX@2v9",
    right: "2 | z=INBOX@2v4",
    rows: ["T05 a"],
    both: "3 | a=INBOX@3/2v9=z",
  },
  {
    name: "T05, scenario 35: one uidValidity: the lower id stays",
    left: "2 | z=INBOX@2v4*3",
    right: "2 | a=INBOX@2v4*2",
    rows: ["T05 a"],
    both: "3 | a=INBOX@3/2v4=z",
  },
  {
    name: "T05: known by its alias: matched, attributes merged, no second identity",
    left: "5 | a=INBOX@3/2v9=z",
    right: "6 | z=INBOX@6/2v4+subscribed:1~6",
    rows: ["T05 a"],
    both: "7 | a=INBOX@7/2v9+subscribed:1~6=z",
  },
  {
    name: "T06, scenario 42: renamed at the left, a new one with its old name at the right: both exist on both",
    left: "5 | b=Jobs@5/3~5<Work:1>",
    right: "6 | b=Work@3 c=Work2@6",
    rows: ["T07 b", "T02 c"],
    both: "7 | b=Jobs@7/3~5<Work:1> c=Work2@6",
  },
  {
    name: "T06: renamed to the name of a new one at the right: the one named later gets a free name, nothing is mixed",
    left: "5 | b=Jobs@5/3~5v2<Work:2>",
    right: "4 | b=Work@3v2 c=Jobs@4v3",
    rows: ["T06 b", "T02 c"],
    both: "6 | b=Jobs_(2)@6/3~6v2<Jobs:2><Work:2> c=Jobs@6/4v3",
  },
  {
    name: "T07, scenario 39: renamed at the left: same id at the right under the new name",
    left: "5 | b=Jobs@5/3~5<Work:1>",
    right: "3 | b=Work@3",
    rows: ["T07 b"],
    both: "5 | b=Jobs@5/3~5<Work:1>",
  },
  {
    name: "T07, scenario 40: renamed on both: the newer name wins, both old names are remembered",
    left: "5 | b=Jobs@5/3~5<Work:1>",
    right: "6 | b=Tasks@6/3~6<Work:1>",
    rows: ["T07 b"],
    both: "7 | b=Tasks@7/3~6<Jobs:1><Work:1>",
  },
  {
    name: "T07: renamed on both under one modseq: the lower name wins, whoever starts",
    left: "5 | b=Tasks@5/3~5<Work:1>",
    right: "5 | b=Jobs@5/3~5<Work:1>",
    rows: ["T07 b"],
    both: "6 | b=Jobs@6/3~5<Tasks:1><Work:1>",
  },
  {
    name: "T07, scenario 41: a chain of renames at the left: all names move at once",
    left: "8 | a=B@8/1~8v4<A:1> b=C@7/2~7v5<B:2> c=D@6/3~6v3<C:3>",
    right: "3 | a=A@1 b=B@2v2 c=C@3v3",
    rows: ["T07 a", "T07 b", "T07 c"],
    both: "8 | a=B@8/1~8v4<A:1> b=C@7/2~7v5<B:2> c=D@6/3~6v3<C:3>",
  },
  {
    name: "T07, scenario 41: A to B, B to C, C to A at the left: all names move at once",
    left: "8 | a=B@8/1~8v5<A:1> b=C@7/2~7v4<B:2><T:2> c=A@6/3~6v6<C:3>",
    right: "3 | a=A@1 b=B@2v2 c=C@3v3",
    rows: ["T07 a", "T07 b", "T07 c"],
    both: "8 | a=B@8/1~8v5<A:1> b=C@7/2~7v4<B:2><T:2> c=A@6/3~6v6<C:3>",
  },
];
