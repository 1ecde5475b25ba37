/**
 * `survey`: the master asks what the replica has: at the start of an exchange of everything, of one account, of one mailbox.
 *
 * Answer: `surveyed`, once or more. It changes nothing and may come at any time after `hello`.
 */
import { z } from "zod";
import { bin, flag, mailboxId, name, orNull, requestNumber } from "../fields.ts";

const DIGEST_BYTES = 16;

export const surveySchema = z.object({
  t: z.literal("survey"),
  q: requestNumber,
  /** Only this account; null: all. */
  account: orNull(name),
  /** Only the mailbox of this id or alias in that account, told without trees; null: all. */
  mailboxId: orNull(mailboxId),
  /** Digest of the cursors the master holds for the replica (`cursor-digest.ts`), or zeros if it has none. */
  base: bin("a digest of cursors", DIGEST_BYTES, DIGEST_BYTES),
  /** Digest of the list of mailboxes the master has (`mailbox-list.ts`): where every mailbox is to be told, only those in which it differs are. */
  list: orNull(bin("a digest of mailboxes", DIGEST_BYTES, DIGEST_BYTES)),
  /** Tell about every mailbox, not only about those that changed since their cursor. */
  complete: flag,
});

export type Survey = z.output<typeof surveySchema>;
