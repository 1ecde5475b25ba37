/**
 * The one error class of Tandem and its codes: codes are promised, texts are not.
 *
 * Every code stands in `protocol/errors.md` with what it means and what to do; a test keeps both lists equal.
 */
export const ERROR_CODES = [
  /** A frame or a value in it is malformed. The connection is closed, nothing was changed. */
  "bad-frame",
  /** A well-formed message that is not allowed at this point. */
  "bad-message",
  /** The peer speaks another version of the protocol. */
  "version",
  /** A limit of `protocol/limits.ts` was exceeded. */
  "limit",
  /** The mailbox or the account's tree was changed since the state the change was planned on: plan anew. */
  "conflict",
  /** The change would break a promise (UIDs, modseqs, counters), or its digest is not the one it claims. */
  "invalid-change",
  /** A record names a message whose bytes are not in the store. */
  "body-missing",
  /** The bytes of a message cannot be read, or do not fit its GUID. */
  "body-unreadable",
  /** An account, a mailbox or a message that does not exist was named. */
  "not-found",
  /** A name is taken. */
  "exists",
  /** A value given by a caller or a user is not valid. */
  "invalid-argument",
  /** A directory is not a store, or is one of a newer format. */
  "not-a-store",
  /** No space left, or the disk failed. */
  "io",
  /** The peer cannot be reached, or went away. */
  "disconnected",
  /** The peer took longer than the limit. */
  "timeout",
  /** The plan would expunge more than the mass-deletion brake allows. */
  "brake",
  /** In a one-way sync the target has something of its own, which would be lost. */
  "refused",
  /** The other side is not trusted: its secret or certificate does not hold, or it asked for more than it is allowed. */
  "denied",
  /** A stored digest or checksum does not fit what it is of. */
  "digest-fault",
  /** An assumption inside Tandem does not hold. */
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error with a stable `code`, one clear sentence, and what to do about it. */
export class TandemError extends Error {
  override readonly name = "TandemError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** True if `error` is a TandemError, with this code if one is given. */
export function isTandemError(error: unknown, code?: ErrorCode): error is TandemError {
  return error instanceof TandemError && (code === undefined || error.code === code);
}
