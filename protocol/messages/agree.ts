/**
 * `agree`: the master found mailboxes equal on both sides, or applied its part, and asks the replica to save the cursor
 * of each. The replica saves a row if its mailbox is in that state or has gone on from it. Answer: `agreed`, or `failed`.
 */
import { z } from "zod";
import type { AgreedState } from "../../src/model/state.ts";
import { list, mailboxId, name, orNull, requestNumber } from "../fields.ts";
import { MAX_MAILBOXES_PER_FRAME } from "../limits.ts";
import { agreedShape } from "../shapes.ts";

/** The state that one mailbox is to have on both sides. */
export interface AgreeRow {
  readonly account: string;
  readonly mailboxId: string;
  readonly latest: AgreedState;
}

const row = z.codec(z.tuple([name, mailboxId, agreedShape]), z.custom<AgreeRow>(), {
  decode: ([account, id, latest]) => ({ account, mailboxId: id, latest }),
  encode: ({ account, mailboxId: id, latest }) => [account, id, latest] as [string, string, AgreedState],
});

export const agreeSchema = z.object({
  t: z.literal("agree"),
  q: requestNumber,
  rows: list(row, MAX_MAILBOXES_PER_FRAME),
  /**
   * Number of the last survey of everything, or of the last one of an account: also the mailboxes that it found to be the same
   * on both sides; null: only `rows`.
   */
  survey: orNull(requestNumber),
});

export type Agree = z.output<typeof agreeSchema>;
