/**
 * `surveyed`: the replica's answer to `survey`. Several frames while `more` is true; each account and mailbox is in one
 * of them, and where the answer is cut means nothing.
 */
import { z } from "zod";
import { flag, list, modseqOrZero, name, requestNumber } from "../fields.ts";
import { MAX_ACCOUNTS_PER_FRAME, MAX_MAILBOXES_PER_FRAME } from "../limits.ts";
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
  /** Tree modseqs of the accounts surveyed. */
  trees: list(accountModseq, MAX_ACCOUNTS_PER_FRAME),
  mailboxes: list(surveyedShape, MAX_MAILBOXES_PER_FRAME),
  /** Another `surveyed` with this `q` follows. */
  more: flag,
});

export type Surveyed = z.output<typeof surveyedSchema>;
