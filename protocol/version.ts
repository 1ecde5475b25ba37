/**
 * The version of the protocol: both sides must speak the same one.
 *
 * History, one line for each version:
 * 1  the first
 * 2  both sides can prove a shared secret: `challenge`, and `nonce` and `proof` in `hello`; `recent` is shorter;
 *    `survey` of a single mailbox
 * 3  small changes of many mailboxes in one frame: `changes` and `changed`; full resync by ranges of UIDs, survey by parts of
 *    the list of mailboxes; digest of a mailbox's tombstones
 */
export const PROTOCOL_VERSION = 3;
