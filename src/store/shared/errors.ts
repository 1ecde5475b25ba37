/**
 * The errors that all stores throw in the same words.
 */
import { TandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import { blockBounds } from "./blocks.ts";

export function mailboxNotFound(account: string, mailboxId: string): TandemError {
  return new TandemError(
    "not-found",
    `Account ${JSON.stringify(account)} has no mailbox with id ${JSON.stringify(mailboxId)}; list its mailboxes first.`,
  );
}

export function bodyMissing(guid: Guid): TandemError {
  return new TandemError("body-missing", `The bytes of message ${guid} are not in this store; stage them first.`);
}

/** The records of one block are not as they were written. */
export function damagedBlock(account: string, mailboxId: string, no: number): TandemError {
  const { firstUid, lastUid } = blockBounds(no);
  const where = `UIDs ${Math.max(1, firstUid)} to ${lastUid} of mailbox ${mailboxId} of account ${JSON.stringify(account)}`;
  return new TandemError(
    "digest-fault",
    `The records of ${where} are damaged in this store; verify it with --deep --repair and a node that has them.`,
  );
}
