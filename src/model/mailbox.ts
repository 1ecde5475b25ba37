/**
 * A mailbox's entry in the tree of its account: everything about it but its messages.
 */
import { TandemError } from "./errors.ts";

/** A mailbox attribute other than the name, such as `subscribed`, `specialUse`, `acl`, `quotaRoot` or an annotation. */
export interface MailboxAttribute {
  readonly key: string;
  readonly value: string;
  /** Tree modseq of its last change. */
  readonly stamp: number;
}

/**
 * The entry of one mailbox. Stamps are tree modseqs: one counter per account, raised with each change of the tree and
 * merged to the maximum in an exchange, so that the newest change of an attribute wins without a wall clock.
 */
export interface MailboxEntry {
  /** Identity that survives renames (RFC 8474 MAILBOXID): 1 to 255 of A-Z a-z 0-9 _ -. */
  readonly mailboxId: string;
  readonly name: string;
  /** Tree modseq of the last rename; equal to `createdStamp` if it was never renamed. */
  readonly nameStamp: number;
  readonly createdStamp: number;
  /** Tree modseq of the last change of anything in this entry. */
  readonly modseq: number;
  /** A mailbox tombstone: the name is free, the record tombstones stay until they are purged. */
  readonly deleted: boolean;
  /** Sorted by key. */
  readonly attributes: readonly MailboxAttribute[];
  /** Other identities under which this same mailbox was made independently (T05), sorted. */
  readonly aliases: readonly string[];
  /** Names this mailbox had before, with the uidValidity it showed under each, sorted by name (P4). */
  readonly formerNames: readonly FormerName[];
}

export interface FormerName {
  readonly name: string;
  readonly uidValidity: number;
}

/** Longest mailbox or account name, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 1000;

/** Why `name` cannot be the name of a mailbox or account, or null. Everything but NUL, the empty name and broken Unicode is allowed. */
export function nameFault(name: string): string | null {
  if (name === "") return "is empty";
  if (name.includes("\0")) return "has a NUL character";
  if (!name.isWellFormed()) return "is not well-formed Unicode";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  return null;
}

/**
 * The name as it is stored: INBOX in any case is INBOX (RFC 9051 section 5.1), all others as they are.
 * @throws TandemError `invalid-argument`.
 */
export function checkedName(name: string, what: "mailbox" | "account" = "mailbox"): string {
  const fault = nameFault(name);
  if (fault !== null)
    throw new TandemError("invalid-argument", `The ${what} name ${JSON.stringify(name)} ${fault}; choose another.`);
  return what === "mailbox" && name.toUpperCase() === "INBOX" ? "INBOX" : name;
}

/** A mailbox as far as names and their uidValidities are concerned. */
interface NamedMailbox {
  readonly entry: MailboxEntry;
  readonly state: { readonly uidValidity: number };
}

/** Highest uidValidity that was ever shown under `name` by any of `mailboxes` but `except`, 0 if none (P4). */
export function uidValidityFloor(mailboxes: Iterable<NamedMailbox>, name: string, except: string | null): number {
  return uidValidityFloors(mailboxes)(name, except);
}

/** As `uidValidityFloor`, for many names: the mailboxes are looked through once. */
export function uidValidityFloors(mailboxes: Iterable<NamedMailbox>): (name: string, except: string | null) => number {
  const shown = new Map<string, { readonly mailboxId: string; readonly uidValidity: number }[]>();
  const add = (name: string, mailboxId: string, uidValidity: number) => {
    const known = shown.get(name);
    if (known === undefined) shown.set(name, [{ mailboxId, uidValidity }]);
    else known.push({ mailboxId, uidValidity });
  };
  for (const { entry, state } of mailboxes) {
    add(entry.name, entry.mailboxId, state.uidValidity);
    for (const former of entry.formerNames) add(former.name, entry.mailboxId, former.uidValidity);
  }
  return (name, except) =>
    (shown.get(name) ?? []).reduce(
      (floor, one) => (one.mailboxId === except ? floor : Math.max(floor, one.uidValidity)),
      0,
    );
}
