/**
 * Local mail operations: what an IMAP server or a delivery agent does to a store. All go through the same door as
 * replication, `apply` and `applyTree`.
 */
export { absorbMailbox } from "./absorb.ts";
export { type Appended, appendMessages, type NewMessage } from "./append.ts";
export { type Copied, type CopiedUid, copyMessages, moveMessages } from "./copy.ts";
export { expungeMessages } from "./expunge.ts";
export { type FlagEdit, type StoredFlags, storeFlags } from "./flags.ts";
export {
  type CreateOptions,
  createMailbox,
  deleteMailbox,
  randomMailboxId,
  renameMailbox,
  setMailboxAttribute,
} from "./mailboxes.ts";
export { forgetPeer, type PurgeOptions, type PurgeResult, purgeAccount, purgeTombstones } from "./purge.ts";
export { parseUidSet, resolveUidSet, type UidBound, type UidSet, uidSetOf } from "./uid-set.ts";
