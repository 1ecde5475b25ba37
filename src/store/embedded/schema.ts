/**
 * The tables of the index, and what marks a file as ours.
 */

/** "TNDM", in the header of the database file. */
export const APPLICATION_ID = 0x544e444d;
/** Raised when the tables, the segments or the packed records change. Kept in the header of the database file. */
export const STORE_FORMAT = 1;

/**
 * - mailbox.name is NULL for a deleted mailbox, so that names are unique among the others; `entry` is the whole entry.
 * - block: one row per block of 64 UIDs, `id` = mailbox * 2^26 + block number. block_digest holds what a range digest
 *   sums up, so that it need not read the records.
 * - body.prefix is the first 48 bits of the GUID: an index of small keys takes new messages, which come in random
 *   order, several times faster than one of whole GUIDs. Rows are found by prefix and compared by GUID.
 * - body_prefix is that index, kept by hand: entered in its own order, many at a time, it costs half of what one that
 *   SQLite keeps row by row does.
 * - sequence.body is the next body.id; ids ascend and are never used again.
 * - segment.reserved is where the next extent starts; a sealed segment takes no more.
 */
export const SCHEMA = `
CREATE TABLE meta (store_epoch TEXT NOT NULL) STRICT;
CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, modseq INTEGER NOT NULL) STRICT;
CREATE TABLE mailbox (
  key INTEGER PRIMARY KEY, account INTEGER NOT NULL, mailbox_id TEXT NOT NULL, name TEXT, entry TEXT NOT NULL,
  uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, highest_modseq INTEGER NOT NULL,
  purged_modseq INTEGER NOT NULL, live INTEGER NOT NULL, crc INTEGER NOT NULL, crc_c INTEGER NOT NULL,
  UNIQUE (account, mailbox_id), UNIQUE (account, name)
) STRICT;
CREATE TABLE alias (account INTEGER NOT NULL, alias TEXT NOT NULL, mailbox INTEGER NOT NULL,
  PRIMARY KEY (account, alias, mailbox)) STRICT, WITHOUT ROWID;
CREATE INDEX alias_mailbox ON alias (mailbox);
CREATE TABLE block (
  id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, highest_modseq INTEGER NOT NULL, lowest_tombstone INTEGER,
  live INTEGER NOT NULL, crc INTEGER NOT NULL, crc_c INTEGER NOT NULL,
  records INTEGER NOT NULL, first_uid INTEGER NOT NULL, last_uid INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE INDEX block_changed ON block (mailbox, highest_modseq);
CREATE INDEX block_tombstone ON block (mailbox, lowest_tombstone) WHERE lowest_tombstone IS NOT NULL;
CREATE INDEX block_digest ON block (id, live, crc, crc_c);
CREATE TABLE cursor (peer TEXT NOT NULL, account TEXT NOT NULL, mailbox_id TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (peer, account, mailbox_id)) STRICT, WITHOUT ROWID;
CREATE INDEX cursor_mailbox ON cursor (account, mailbox_id);
CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, reserved INTEGER NOT NULL, sealed INTEGER NOT NULL) STRICT;
CREATE TABLE sequence (body INTEGER NOT NULL) STRICT;
CREATE TABLE body (
  id INTEGER PRIMARY KEY, prefix INTEGER NOT NULL, guid BLOB NOT NULL, segment INTEGER NOT NULL,
  offset INTEGER NOT NULL, size INTEGER NOT NULL, refs INTEGER NOT NULL, staged_at INTEGER NOT NULL
) STRICT;
CREATE TABLE body_prefix (prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (prefix, id)) STRICT, WITHOUT ROWID;
CREATE TRIGGER body_dropped AFTER DELETE ON body BEGIN
  DELETE FROM body_prefix WHERE prefix = old.prefix AND id = old.id;
END;
`;
