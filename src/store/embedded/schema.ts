/**
 * The tables of the index, and what marks a file as ours.
 */

/** "TNDM", in the header of the database file. */
export const APPLICATION_ID = 0x544e444d;
/** Raised when the tables, the segments or the packed records change. Kept in the header of the database file. */
export const STORE_FORMAT = 3;

/**
 * Mail: mailboxes, records, cursors, messages.
 * - mailbox.name is NULL for a deleted mailbox, so that names are unique among the others; `entry` is the whole entry.
 * - live, crc and crc_c, in both tables, are the digest of live records; dead, dead_crc and dead_crc_c that of tombstones.
 * - block: one row per block of 64 UIDs, `id` = mailbox * 2^26 + block number. block_digest holds what a range digest
 *   sums up, so that it need not read the records.
 * - pack: one row per run of up to 128 messages that lie one behind the other, with their GUIDs of 32 bytes and their sizes
 *   of 4. "id" is that of its first message; ids of messages ascend and are never used again.
 * - pack_refs.refs: 4 bytes per message: in how many records it is live, or why in none. Apart, since it is all that changes.
 * - body_prefix: the first 32 bits of GUIDs with the ids of the messages. It is kept by hand, and entered many thousands
 *   at a time: an index that SQLite keeps row by row costs several times as much. Messages are compared by whole GUIDs.
 * - cursor.value is JSON: [latest, agreed], each the numbers of a state, or [latest] where `agreed` is the same. It is written
 *   with each change, so that it is short.
 * - note: what a program keeps for itself under a name of its own choice.
 * - sequence.body is the id of the next message, sequence.indexed the first that is not in body_prefix yet.
 * - segment.reserved is where the next extent starts; a sealed segment takes no more.
 * - meta.commits counts transactions (`lost-commits.ts`); it is in no checksum, since a wrong one does no harm to mail.
 * - sum, entry_sum, state_sum: checksums of the rest of the row (`row-sums.ts`), but for what can be worked out from other
 *   rows: a mailbox's digest, and a block's sums and modseqs. A pack needs none: messages are known by their own hashes.
 */
const INDEX_TABLES = `
CREATE TABLE meta (store_epoch TEXT NOT NULL, sum INTEGER NOT NULL, commits INTEGER NOT NULL) STRICT;
CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, modseq INTEGER NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE mailbox (
  key INTEGER PRIMARY KEY, account INTEGER NOT NULL, mailbox_id TEXT NOT NULL, name TEXT, entry TEXT NOT NULL,
  uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, highest_modseq INTEGER NOT NULL,
  purged_modseq INTEGER NOT NULL, live INTEGER NOT NULL, crc INTEGER NOT NULL, crc_c INTEGER NOT NULL,
  dead INTEGER NOT NULL, dead_crc INTEGER NOT NULL, dead_crc_c INTEGER NOT NULL,
  entry_sum INTEGER NOT NULL, state_sum INTEGER NOT NULL,
  UNIQUE (account, mailbox_id), UNIQUE (account, name)
) STRICT;
CREATE TABLE alias (account INTEGER NOT NULL, alias TEXT NOT NULL, mailbox INTEGER NOT NULL,
  PRIMARY KEY (account, alias, mailbox)) STRICT, WITHOUT ROWID;
CREATE INDEX alias_mailbox ON alias (mailbox);
CREATE TABLE block (
  id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, highest_modseq INTEGER NOT NULL, lowest_tombstone INTEGER,
  live INTEGER NOT NULL, crc INTEGER NOT NULL, crc_c INTEGER NOT NULL,
  dead INTEGER NOT NULL, dead_crc INTEGER NOT NULL, dead_crc_c INTEGER NOT NULL,
  records INTEGER NOT NULL, first_uid INTEGER NOT NULL, last_uid INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE INDEX block_changed ON block (mailbox, highest_modseq);
CREATE INDEX block_tombstone ON block (mailbox, lowest_tombstone) WHERE lowest_tombstone IS NOT NULL;
CREATE INDEX block_digest ON block (id, live, crc, crc_c, dead, dead_crc, dead_crc_c);
CREATE TABLE cursor (peer TEXT NOT NULL, account TEXT NOT NULL, mailbox_id TEXT NOT NULL, value TEXT NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (peer, account, mailbox_id)) STRICT, WITHOUT ROWID;
CREATE INDEX cursor_mailbox ON cursor (account, mailbox_id);
CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, reserved INTEGER NOT NULL, sealed INTEGER NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE sequence (body INTEGER NOT NULL, indexed INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE pack (
  id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, staged_at INTEGER NOT NULL,
  sizes BLOB NOT NULL, guids BLOB NOT NULL
) STRICT;
CREATE INDEX pack_segment ON pack (segment);
CREATE TABLE pack_refs (id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, refs BLOB NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE body_prefix (prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (prefix, id)) STRICT, WITHOUT ROWID;
`;

/**
 * The change log.
 * - channel.peer is the peer's store epoch, NULL until it was first reached.
 * - change_log: one row per mailbox that a channel's peer may not have as it is here; mailbox_id is '' for the tree.
 * - change_log_due is in the order in which entries are tried.
 * - channel_success.at is when an entry of the account was last settled.
 * - log_sequence.last is the number of the newest logged change.
 */
const CHANGE_LOG_TABLES = `
CREATE TABLE channel (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, peer TEXT, note TEXT NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE change_log (
  channel INTEGER NOT NULL, account TEXT NOT NULL, mailbox_id TEXT NOT NULL, seq INTEGER NOT NULL,
  first_seq INTEGER NOT NULL, since INTEGER NOT NULL, failures INTEGER NOT NULL, next_try INTEGER NOT NULL,
  error_code TEXT, error_message TEXT, allowed INTEGER NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (channel, account, mailbox_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_log_due ON change_log (channel, next_try, first_seq);
CREATE TABLE channel_success (channel INTEGER NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (channel, account)) STRICT, WITHOUT ROWID;
CREATE TABLE log_sequence (last INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
`;

export const SCHEMA = INDEX_TABLES + CHANGE_LOG_TABLES;
