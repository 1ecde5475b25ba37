/**
 * `surveyed`: the replica's answer to `survey`. Several frames while `more` is true; each account and mailbox is in one
 * of them, and where the answer is cut means nothing.
 */
import { z } from "zod";
import { bin, bytes, flag, list, modseqOrZero, name, orNull, rangeSums, requestNumber } from "../fields.ts";
import { MAX_ACCOUNTS_PER_FRAME, MAX_MAILBOXES_PER_FRAME } from "../limits.ts";
import { BUCKET_PARTS, LIST_BUCKETS } from "../mailbox-list.ts";
import { surveyedShape } from "../shapes.ts";

/** The tree modseq of an account. */
export interface AccountModseq {
  readonly account: string;
  readonly modseq: number;
}

const accountModseq = z.codec(z.tuple([name, modseqOrZero]), z.custom<AccountModseq>(), {
  decode: ([account, modseq]) => ({ account, modseq }),
  encode: ({ account, modseq }) => [account, modseq] as [string, number],
});

export const surveyedSchema = z.object({
  t: z.literal("surveyed"),
  q: requestNumber,
  /** True if the replica's cursors give the `base` of the survey. If not, every mailbox is told. */
  baseAgrees: flag,
  /** Digest of the replica's list of mailboxes, if the master gave its own. Where both are the same, that was all. */
  list: orNull(bin("a digest of mailboxes", 16, 16)),
  /** The sums of the list's buckets: both differ, and nothing is told before the `sift` that must follow. */
  sums: rangeSums(LIST_BUCKETS),
  /** After `sift`: a bit for each part that was asked about, in order, lowest bit first: it differs, and is told. */
  differ: bytes("a bit set", (LIST_BUCKETS * BUCKET_PARTS) / 8),
  /** Tree modseqs of the accounts surveyed; none where only what changed is told. */
  trees: list(accountModseq, MAX_ACCOUNTS_PER_FRAME),
  mailboxes: list(surveyedShape, MAX_MAILBOXES_PER_FRAME),
  /** Another `surveyed` with this `q` follows. */
  more: flag,
});

export type Surveyed = z.output<typeof surveyedSchema>;
