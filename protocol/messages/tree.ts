/**
 * `tree`: the master creates and changes entries in the tree of an account, all in one transaction, so that names may
 * be swapped. Answer: `applied`, `conflict` or `failed`.
 */
import { z } from "zod";
import { list, modseqOrZero, name, requestNumber, uidValidity } from "../fields.ts";
import { MAX_MAILBOXES_PER_FRAME } from "../limits.ts";
import { entryShape } from "../shapes.ts";

export const treeSchema = z.object({
  t: z.literal("tree"),
  q: requestNumber,
  account: name,
  /** Tree modseq the change was planned on; 0 creates the account. */
  before: modseqOrZero,
  /** Tree modseq it leads to. */
  after: modseqOrZero,
  /** Entries, each with the uidValidity of its mailbox. */
  puts: list(z.object({ entry: entryShape, uidValidity }), MAX_MAILBOXES_PER_FRAME),
});

export type Tree = z.output<typeof treeSchema>;
