/**
 * The errors that all stores throw in the same words.
 */
import { TandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";

export function mailboxNotFound(account: string, mailboxId: string): TandemError {
  return new TandemError(
    "not-found",
    `Account ${JSON.stringify(account)} has no mailbox with id ${JSON.stringify(mailboxId)}; list its mailboxes first.`,
  );
}

export function bodyMissing(guid: Guid): TandemError {
  return new TandemError("body-missing", `The bytes of message ${guid} are not in this store; stage them first.`);
}
