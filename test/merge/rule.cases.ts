/**
 * The merge rule as a complete table of cases: for every pair of holdings what stands on both sides before, which rows
 * decide, and what stands on both sides afterwards. A missing cell does not compile.
 *
 * Boxes are written as in `boxes.ts`. `M05 5>7`: decided by M05, the message of UID 5 has UID 7 afterwards. `base` is a
 * state both sides are known to have been in; `delta`: only what changed since is compared. Every case runs in both roles.
 */
import type { Holding } from "../../src/merge/rows.ts";
import { type Case, cases } from "./rule.case.ts";

/** Nothing is held on either side. */
const nothing: readonly Case[] = [];

export const RULE_CASES: Record<Holding, Record<Holding, readonly Case[]>> = {
  live: {
    live: cases(`
      M01: equal in every field
        left   6@5 | 5:E@5
        right  6@5 | 5:E@5
        uid 5  rows none  writes neither
        both   6@5 | 5:E@5

      scenario 24: a flag set and cleared at the right, left records: equal records, only the counter rises
        left   6@5 | 5:E@5
        right  6@9 | 5:E@5
        uid 5  rows none  writes neither
        both   6@9 | 5:E@5

      scenario 24: a flag set and cleared at the right, its modseq higher: the left follows
        left   6@5 | 5:E@5
        right  6@9 | 5:E@9/5~S:9
        uid 5  rows M02 5  writes left
        both   6@9 | 5:E@9/5~S:9

      scenario 25: the right has a higher uidNext with nothing there: the left must not use it either
        left   6@5 | 5:E@5
        right  9@5 | 5:E@5
        uid 5  rows none  writes neither
        both   9@5 | 5:E@5

      scenario 27: flag set at the left, its modseq higher: the right takes record and modseq
        left   6@7 | 5:E@7/5+S~S:7
        right  6@5 | 5:E@5
        uid 5  rows M02 5  writes right
        both   6@7 | 5:E@7/5+S~S:7

      scenario 28: flag set at the right, the left's modseq higher: both get a new modseq, the stamp stays
        left   6@9 | 5:E@5
        right  6@8 | 5:E@8/5+S~S:8
        uid 5  rows M02 5  writes both
        both   6@10 | 5:E@10/5+S~S:8

      scenario 29: same flag set at the left, set and cleared later at the right: the newer stamp wins
        left   6@7 | 5:E@7/5+S~S:7
        right  6@8 | 5:E@8/5~S:8
        uid 5  rows M02 5  writes left
        both   6@8 | 5:E@8/5~S:8

      P8: same flag changed on both under one modseq: set wins
        left   6@7 | 5:E@7/5~S:7
        right  6@7 | 5:E@7/5+S~S:7
        uid 5  rows M02 5  writes both
        both   6@8 | 5:E@8/5+S~S:7

      P8: a flag it was delivered with, cleared at the left: clearing is a change, delivery is none
        left   6@7 | 5:E@7/5~S:7
        right  6@5 | 5:E@5+S
        uid 5  rows M02 5  writes right
        both   6@7 | 5:E@7/5~S:7

      P8: one flag set at the left, another at the right: both stay
        left   6@7 | 5:E@7/5+S~S:7
        right  6@8 | 5:E@8/5+F~F:8
        uid 5  rows M02 5  writes both
        both   6@9 | 5:E@9/5+F,S~F:8,S:7

      scenario 30: keyword in two spellings, the right's newer: one keyword, as spelled there
        left   6@7 | 5:E@7/5+Work~work:7
        right  6@8 | 5:E@8/5+work~work:8
        uid 5  rows M02 5  writes left
        both   6@8 | 5:E@8/5+work~work:8

      scenario 30: keyword in two spellings with one stamp: one of them on both, whoever starts
        left   6@7 | 5:E@7/5+work~work:7
        right  6@7 | 5:E@7/5+Work~work:7
        uid 5  rows M02 5  writes both
        both   6@8 | 5:E@8/5+Work~work:7

      scenario 26: one mail delivered to both under one UID: the lower date and createdModseq
        left   6@5 | 5:E@5#30
        right  6@6 | 5:E@6#20
        uid 5  rows M02 5  writes both
        both   6@7 | 5:E@7/5#20

      M02: former UIDs known at one end each: both keep all
        left   6@7 | 5:E@7^2
        right  6@8 | 5:E@8/7^3
        uid 5  rows M02 5  writes both
        both   6@9 | 5:E@9/7^2,3

      M02: only the modseqs differ, neither side's above the other's highest: both get a new one
        left   6@9 | 5:E@8/5
        right  6@9 | 5:E@7/5
        uid 5  rows M02 5  writes both
        both   6@10 | 5:E@10/5

      scenario 11: UID 5 given to E at the left and to F at the right: both renumbered, the lower GUID first
        left   6@5 | 5:E@5
        right  6@5 | 5:F@5
        uid 5  rows M05 5>6, M05 5>7  writes both
        both   8@6 | -5@6 6:E@6^5 7:F@6^5

      M05: three UIDs used twice, the left's uidNext higher: new UIDs by old UID, then GUID
        left   6@5 | 3:X@3 4:B@4 5:C@5
        right  5@4 | 3:D@3 4:A@4
        uid 3  rows M05 3>7, M05 3>6, M05 4>9, M05 4>8, M07 5  writes both
        both   10@6 | -3@6 -4@6 5:C@5 6:D@6^3 7:X@6^3 8:A@6^4 9:B@6^4

      P10: two UIDs used twice, one message older than its UID: new UIDs by the oldest UID a message ever had
        left   6@6 | -1@5 3:A@3 5:E@5^1
        right  6@7 | 3:B@3 5:F@7
        uid 5  rows M10 1, M05 3>7, M05 3>8, M05 5>6, M05 5>9  writes both
        both   10@8 | -1@8 -3@8 -5@8 6:E@8^1,5 7:A@8^3 8:B@8^3 9:F@8^5

      P8: as scenario 11, with a flag set at the left: it stays on the message, the stamp too
        left   6@8 | 5:E@8/5+S~S:8
        right  6@5 | 5:F@5
        uid 5  rows M05 5>6, M05 5>7  writes both
        both   8@9 | -5@9 6:E@9+S~S:8^5 7:F@9^5

      P7: two messages swapped between two UIDs: each paired with itself under a new UID, none doubled
        left   3@3 | 1:E@2 2:F@3
        right  3@3 | 1:F@2 2:E@3
        uid 1  rows M05 1>3, M05 1>4, M05 2>4, M05 2>3  writes both
        both   5@4 | -1@4 -2@4 3:E@4^1,2 4:F@4^1,2

      P6: UID 5 is the message of UID 1 at the left, a copy of it at the right: two messages, both stay
        left   6@9 | -1@8 5:E@8^1
        right  6@9 | 1:E@2 -3@7 5:E@7^3
        uid 5  rows M06 1>6, M10 3, M05 5>6, M05 5>7  writes both
        both   8@10 | -1@10 -3@10 -5@10 6:E@10^1,5 7:E@10^3,5

      scenario 36: both restored from one old backup, then one mail to each: the old ones untouched
        left   4@4 | 1:A@2 2:B@3 3:E@4
        right  4@4 | 1:A@2 2:B@3 3:F@4
        uid 3  rows M05 3>4, M05 3>5  writes both
        both   6@5 | 1:A@2 2:B@3 -3@5 4:E@5^3 5:F@5^3

      scenario 37: the left restored from a backup and delivered to since: it catches up, its mail is kept
        base   3@3
        left   4@4 | 1:A@2 2:B@3 3:X@4
        right  5@7 | 1:A@2 -2:B@7 3:F@5 4:G@6
        uid 3  rows M03 2, M05 3>6, M05 3>5, M07 4  writes both
        both   7@8 | 1:A@2 -2:B@7 -3@8 4:G@6 5:F@8^3 6:X@8^3
    `),
    tombstone: cases(`
      scenario 31: expunged at the right, flagged later at the left, the left's modseq higher: stays expunged
        left   6@9 | 5:E@9/5+S~S:9
        right  6@7 | -5:E@7
        uid 5  rows M03 5  writes both
        both   6@10 | -5:E@10

      M03: the live one knows a former UID: the grave keeps it
        left   6@8 | 5:E@8^3
        right  6@7 | -5:E@7
        uid 5  rows M03 5  writes both
        both   6@9 | -5:E^3@9

      M03: a tombstone with two graves names the live one: expunge wins, the other grave stays
        left   6@5 | 5:E@5
        right  6@8 | -5:E,F@8
        uid 5  rows M03 5  writes left
        both   6@8 | -5:E,F@8

      M06: UID 5 is E at the left, the right expunged F under it: E renumbered, F stays expunged
        left   6@5 | 5:E@5
        right  6@6 | -5:F@6
        uid 5  rows M06 5>6  writes both
        both   7@7 | -5:F@6 6:E@7^5

      P7: a renumbering applied at the right only, repeated: the left takes it, nothing is renumbered twice
        left   6@5 | 5:E@5
        right  8@6 | -5@6 6:E@6^5 7:F@6^5
        uid 5  rows M06 5>6, M07 6, M07 7  writes left
        both   8@6 | -5@6 6:E@6^5 7:F@6^5

      P8: as before, and a flag set at the left meanwhile: it is on the message under its new UID
        left   6@9 | 5:E@9/5+S~S:9
        right  7@6 | -5@6 6:E@6^5
        uid 5  rows M06 5>6, M07 6  writes both
        both   7@10 | -5@10 6:E@10/6+S~S:9^5

      P6: renumbered at the right and expunged there under the new UID: expunge wins, also under the old UID
        left   6@5 | 5:E@5
        right  7@8 | -5@6 -6:E^5@8
        uid 5  rows M06 5, M10 6  writes left
        both   7@8 | -5@6 -6:E^5@8

      P6: the UID was used up by an unknown message that was renumbered: the live one is kept, renumbered
        left   6@5 | 5:E@5
        right  7@8 | -5@6 6:F@8^5
        uid 5  rows M06 5>7, M07 6  writes both
        both   8@9 | -5@6 6:F@8^5 7:E@9^5

      P6: expunged and purged at the right since the base, the UID moved by a third node: removed, not resurrected
        base   6@5
        left   6@5 | 5:E@5
        right  6@9-6 | -5@9
        uid 5  rows M08 5  writes both
        both   6@10-6 | -5:E@10
    `),
    unchanged: cases(`
      scenario 27: delta, flag set at the left only: the right takes it
        base   6@5 delta
        left   6@7 | 5:E@7/5+S~S:7
        right  6@5 | 5:E@5
        uid 5  rows M11 5  writes right
        both   6@7 | 5:E@7/5+S~S:7

      P8: delta, flags set on one message each, the left's modseq higher: both stay
        base   6@5 delta
        left   6@7 | 4:F@4 5:E@7/5+S~S:7
        right  6@6 | 4:F@6/4+F~F:6 5:E@5
        uid 5  rows M02 4, M11 5  writes both
        both   6@8 | 4:F@8/4+F~F:6 5:E@7/5+S~S:7
    `),
    below: cases(`
      scenario 18: expunged and purged at the right since the base: removed, not resurrected
        base   6@5
        left   6@5 | 5:E@5
        right  6@7-6 |
        uid 5  rows M08 5  writes both
        both   6@8-6 | -5:E@8

      scenario 7: some expunged and purged at the right, the left offline since before: the deletions arrive
        base   6@6
        left   6@6 | 3:C@4 4:D@5 5:E@6
        right  6@9-8 | 4:D@9/5+S~S:9
        uid 3  rows M08 3, M02 4, M08 5  writes both
        both   6@10-8 | -3:C@10 4:D@9/5+S~S:9 -5:E@10

      P6: as scenario 18 without a base: in doubt, keep, under a new UID
        left   6@5 | 5:E@5
        right  6@7-6 |
        uid 5  rows M09 5>6  writes both
        both   7@8-6 | -5@8 6:E@8^5

      P6: with a base, but the right purged nothing since: in doubt, keep
        base   6@5
        left   6@5 | 5:E@5
        right  6@7-4 |
        uid 5  rows M09 5>6  writes both
        both   7@8-4 | -5@8 6:E@8^5

      scenario 16: a mail in the middle that the right never had: the highest UID on both, others untouched
        base   5@4
        left   6@5 | 4:A@4 5:E@5
        right  8@9 | 4:A@4 6:F@8 7:G@9
        uid 5  rows M09 5>8, M07 6, M07 7  writes both
        both   9@10 | 4:A@4 -5@10 6:F@8 7:G@9 8:E@10^5

      P6: not expunged but renumbered at the right, the tombstone purged: found again by its former UID
        base   6@5
        left   6@5 | 5:E@5
        right  7@9-8 | 6:E@8^5
        uid 5  rows M09 5>6, M07 6  writes both
        both   7@10-8 | -5@10 6:E@8^5

      scenario 26: one mail delivered to both under different UIDs: once on both, under the higher UID
        left   6@5 | 5:E@5
        right  8@9 | 7:E@9
        uid 5  rows M09 5>7, M07 7  writes both
        both   8@10 | -5@10 7:E@10/9^5

      P7: a mail twice at the left, once at the right, all delivered apart: twice on both
        left   7@6 | 5:E@5 6:E@6
        right  9@9 | 8:E@9
        uid 5  rows M09 5>8, M09 6>9, M07 8  writes both
        both   10@10 | -5@10 -6@10 8:E@10/9^5 9:E@10^6
    `),
    above: cases(`
      scenario 14: new mail at the left, above the right's last: same UID, same modseq
        left   6@5 | 4:D@4 5:E@5
        right  5@4 | 4:D@4
        uid 5  rows M07 5  writes right
        both   6@5 | 4:D@4 5:E@5

      scenario 17: UID 10 at the left alone, its modseq below the right's highest: UID kept, modseq raised
        left   11@6 | 3:C@5 10:E@6
        right  10@9 | 3:C@9/5+S~S:9
        uid 10  rows M02 3, M07 10  writes both
        both   11@10 | 3:C@9/5+S~S:9 10:E@10/6

      scenario 38: the right wiped and made anew: it is filled again, nothing is deleted
        left   6@9-3 | 2:B@2 -4:D@9 5:E@5
        right  1@1 |
        uid 2  rows M07 2, M10 4, M07 5  writes right
        both   6@9-3 | 2:B@2 -4:D@9 5:E@5

      P6: renumbered at the left, expunged at the right under its old UID: expunge wins
        left   7@8 | -5@8 6:E@8^5
        right  6@9 | -5:E@9
        uid 6  rows M04 5, M07 6  writes both
        both   7@10 | -5:E^6@10 -6@10
    `),
  },
  tombstone: {
    live: cases(`
      scenario 6: expunged at the left, its modseq higher: tombstone at the right with the same modseq
        left   6@6 | -5:E@6
        right  6@5 | 5:E@5
        uid 5  rows M03 5  writes right
        both   6@6 | -5:E@6

      scenario 12: UID 5 was E at the left, expunged there, and is F at the right: only F, renumbered
        left   6@6 | -5:E@6
        right  6@5 | 5:F@5
        uid 5  rows M06 5>6  writes both
        both   7@7 | -5:E@6 6:F@7^5
    `),
    tombstone: cases(`
      M04: equal tombstones
        left   6@6 | -5:E@6
        right  6@6 | -5:E@6
        uid 5  rows none  writes neither
        both   6@6 | -5:E@6

      scenario 32: expunged on both, the right's modseq higher: the left takes it
        left   6@6 | -5:E@6
        right  6@7 | -5:E@7
        uid 5  rows M04 5  writes left
        both   6@7 | -5:E@7

      scenarios 13 and 23: E expunged at the left, F at the right: both graves, nothing is appended
        left   6@6 | -5:E@6
        right  6@6 | -5:F@6
        uid 5  rows M04 5  writes both
        both   6@7 | -5:E,F@7

      M04: moved at the left, expunged at the right: the grave stays
        left   6@7 | -5@7
        right  6@6 | -5:E@6
        uid 5  rows M04 5  writes both
        both   6@8 | -5:E@8

      M04: the left's is below what the right purged: its grave is kept beside the other
        left   6@9 | -5:E@6
        right  6@9-7 | -5:F@8
        uid 5  rows M04 5  writes both
        both   6@10-7 | -5:E,F@10

      M04: only the graves' former UIDs differ: both keep all
        left   6@6 | -5:E^2@6
        right  6@6 | -5:E^3@6
        uid 5  rows M04 5  writes both
        both   6@7 | -5:E^2,3@7
    `),
    unchanged: cases(`
      scenario 6: delta, expunged at the left only: the right takes the tombstone
        base   6@5 delta
        left   6@6 | -5:E@6
        right  6@5 | 5:E@5
        uid 5  rows M11 5  writes right
        both   6@6 | -5:E@6
    `),
    below: cases(`
      M10: a tombstone the right lacks, its modseq above the right's highest: taken over
        left   6@6 | -5:E@6
        right  6@5 |
        uid 5  rows M10 5  writes right
        both   6@6 | -5:E@6

      M10: a tombstone the right lacks, its modseq below the right's highest: both under a new modseq
        left   6@8 | -5:E@8
        right  6@9-3 |
        uid 5  rows M10 5  writes both
        both   6@10-3 | -5:E@10

      M10: a tombstone both had, and the right purged: the left drops it too
        base   6@6
        left   6@6 | -5:E@6
        right  6@7-6 |
        uid 5  rows M10 5  writes neither
        both   6@7-6 |

      P5: a tombstone the right may have purged before anybody had it: it is told anew, for clients that come from there
        left   6@6 | -5:E@6
        right  6@7-6 |
        uid 5  rows M10 5  writes both
        both   6@8-6 | -5:E@8
    `),
    above: cases(`
      P2: delivered and expunged at the left before the right heard of it: the right never uses that UID
        left   6@6 | -5:E@6
        right  5@4 |
        uid 5  rows M10 5  writes right
        both   6@6 | -5:E@6

      P5: as before, and the right purged beyond it: both have it anew
        left   6@6 | -5:E@6
        right  5@7-6 |
        uid 5  rows M10 5  writes both
        both   6@8-6 | -5:E@8
    `),
  },
  unchanged: {
    live: cases(`
      scenario 28: delta, flag set at the right only: the left takes it, nothing is reverted
        base   6@5 delta
        left   6@5 | 5:E@5
        right  6@8 | 5:E@8/5+S~S:8
        uid 5  rows M11 5  writes left
        both   6@8 | 5:E@8/5+S~S:8

      P5: delta, flag set at the right, the left's highest above it by a new mail: both get a new modseq
        base   6@5 delta
        left   7@6 | 5:E@5 6:F@6
        right  6@6 | 5:E@6/5+S~S:6
        uid 5  rows M11 5, M07 6  writes both
        both   7@7 | 5:E@7/5+S~S:6 6:F@7/6
    `),
    tombstone: cases(`
      delta, expunged at the right only, a new mail at each end: the tombstone is taken, no mail is lost
        base   6@5 delta
        left   7@6 | 5:E@5 6:F@6
        right  7@7 | -5:E@6 6:G@7
        uid 5  rows M11 5, M05 6>7, M05 6>8  writes both
        both   9@8 | -5:E@8 -6@8 7:F@8^6 8:G@8^6
    `),
    unchanged: nothing,
    below: nothing,
    above: nothing,
  },
  below: {
    live: cases(`
      P3: a mail at the right that the left announced to be nothing: renumbered
        left   5@4 | 4:D@4
        right  5@4 | 3:C@3 4:D@4
        uid 3  rows M09 3>5  writes both
        both   6@5 | -3@5 4:D@4 5:C@5^3
    `),
    tombstone: cases(`
      M10: a moved tombstone at the right that the left lacks: taken over
        left   5@4 | 4:D@4
        right  5@6 | -3@6 4:D@4
        uid 3  rows M10 3  writes left
        both   5@6 | -3@6 4:D@4
    `),
    unchanged: nothing,
    below: nothing,
    above: nothing,
  },
  above: {
    live: cases(`
      scenario 15: mails 5, 6, 7 at the right only: same UIDs at the left, in order, in one merge
        left   5@4 | 4:D@4
        right  8@7 | 4:D@4 5:E@5 6:F@6 7:G@7
        uid 5  rows M07 5, M07 6, M07 7  writes left
        both   8@7 | 4:D@4 5:E@5 6:F@6 7:G@7
    `),
    tombstone: cases(`
      M10: a tombstone at the right above the left's last, its modseq below the left's highest
        left   5@9 | 4:D@4
        right  6@6 | 4:D@4 -5:E@6
        uid 5  rows M10 5  writes both
        both   6@10 | 4:D@4 -5:E@10
    `),
    unchanged: nothing,
    below: nothing,
    above: nothing,
  },
};
