/**
 * What `--help` teaches: for each command what it is for, examples, and exit statuses.
 */

import type { CommandHelp } from "./command-help.ts";
import { DAEMON_HELP } from "./help-daemon.ts";

const TRUST = `
A node that knows its peers wants a secret of at least 16 bytes, proven by both
sides and never sent. Make one, for you alone to read, and copy it to the node:
  (umask 077; openssl rand -hex 32 > backup.secret)
Give it as --secret-file, or in the environment as TANDEM_SECRET; never as an
argument, which others on this machine can read. --node is the name under which
the node knows this one. ws:// carries mail in the clear; wss:// encrypts it, and
verifies the node's certificate: by the system's CAs, or by that in --ca-file.`;

const EXIT = `
Exit status: 0 if all is well, 1 if anything went wrong (one sentence on
stderr), 2 for a wrong command line or value in it.`;

export const PROGRAM_HELP = `
A store is a directory that holds accounts, which hold mailboxes. Without
--account, commands that change or copy mail files work on the account "default".

First steps:
  tandem import ./mail ~/Maildir     make a store from a Maildir
  tandem sync ./mail ./copy          make a second store identical, at any time
  tandem verify ./mail ./copy        check that they are
  tandem diff ./mail ./copy          see in what they are not
  tandem serve ./copy --listen 127.0.0.1:4190
  tandem sync ./mail ws://127.0.0.1:4190
  tandem serve ./mail --listen 127.0.0.1:4191 --node a --peer b=ws://127.0.0.1:4190

"tandem help <command>" shows what a command does, with examples.
${EXIT}
verify, diff: 0 equal, 1 different, 2 could not tell. status: 0 well, 1 not, 2 could
not tell.`;

export const COMMAND_HELP: Readonly<Record<string, CommandHelp>> = {
  ...DAEMON_HELP,
  sync: {
    summary: "make two locations identical",
    description:
      "Makes the mailboxes of two locations identical in one exchange. Both may have been written to: changes of " +
      "both are merged, nothing is lost or doubled. An interrupted sync is simply run again.",
    after: `
Examples:
  tandem sync ./mail ./copy                        two-way, between two store directories
  tandem sync ./mail ws://backup.example:4190      with a node that runs "tandem serve"
  tandem sync ./mail ./copy --dry-run              show what would be done, and why; make nothing
  tandem sync ./mail ./copy --one-way              never write ./mail
  tandem sync ./mail ./copy --one-way --mirror     make ./copy exactly ./mail
  tandem sync ./mail wss://backup.example:4190 --secret-file backup.secret --ca-file ca.pem

--one-way refuses a mailbox in which TO has something of its own, and lists it by
TO's UIDs: what --mirror would undo there. Of one made on both sides TO takes
FROM's identity, but its uidValidity never falls, so it may stay above FROM's; a
two-way sync makes them equal.

The mass-deletion brake holds what would take over 100 messages and over half of an
account away because mailboxes were deleted, because expunged messages are purged,
or by --mirror: a wrong or emptied store looks just like that. Messages that
somebody expunged, and of which the tombstones are there, are never held.
${TRUST}
${EXIT}`,
  },
  diff: {
    summary: "show in what two locations differ",
    description:
      "Shows which mailboxes, UIDs and fields differ between two locations, as A | B. Costs little more than what " +
      "differs, however large the mailboxes are. Writes nothing.",
    after: `
One line for each UID that differs, and one for the mailbox itself: its name,
attributes and counters. What clients cannot see is marked: tombstones, the
counters uidNext, highestModseq and purgedModseq, stamps. A sync makes all of it
the same; a purge on one side alone is no fault. Where the uidValidity differs, UIDs
mean different messages, and no records are compared.

With --json, JSON Lines, one for each field that differs, then one for all:
  {"kind":"difference","account","mailbox","uid","field","a","b","visible"}
  {"same","mailboxes","differing","differences","visible"}
"uid" is null for the mailbox itself; "a" or "b" is null where that side has
nothing; "visible" says whether clients see it.

Examples:
  tandem diff ./mail ./copy
  tandem diff ./mail ws://backup.example:4190 --account ann --mailbox INBOX
  tandem diff ./mail ./copy --json | jq 'select(.visible and .uid)'
${TRUST}

Exit status: 0 the same, 1 different (also where clients see nothing of it), 2
could not tell (one sentence on stderr) or wrong command line.`,
  },
  verify: {
    summary: "say whether two locations are identical",
    description:
      "Compares two locations by their digests, mailbox by mailbox, and says what differs, under which UIDs, and what is " +
      "damaged. Writes nothing, but for --repair.",
    after: `
Only what clients see counts; "tandem diff" shows every field.

Examples:
  tandem verify ./mail ./copy
  tandem verify ./mail ws://backup.example:4190 --deep
  tandem verify ./mail ws://backup.example:4190 --repair
  tandem verify ./mail wss://backup.example:4190 --secret-file backup.secret --ca-file ca.pem
${TRUST}

--repair looks through the locations that are store directories. Digests that do
not fit their records are corrected; messages and records that are damaged are
taken anew from the other location, if it has exactly what was there. No UID,
flag or modseq changes. A node repairs itself from its peers. Then all is
compared as without --repair.

Exit status: 0 equal, 1 different, 2 could not tell (one sentence on stderr) or
wrong command line.`,
  },
  import: {
    summary: "bring mail files into a store",
    description:
      "Imports mail: a Maildir (Maildir++ folders or plain directories, flags, keywords), an mbox file, a directory of " +
      ".eml files or single messages. Bytes stay as they are.",
    after: `
A Maildir's own messages and everything else go to INBOX, its folders to
mailboxes of their names; with --mailbox M to M and to "M/folder".
What a mailbox has already, or had and expunged, is not imported again: messages
are told by their bytes, and n copies in the sources stay n copies. So an
interrupted import is simply run again. Internal dates are those of the files;
in an mbox, of its From_ lines. A file that cannot be read is reported, and the
rest is imported.
A directory may have Maildirs and .eml files: both are imported. mbox files in it
and .eml files further below are not, but reported: name them by themselves, with
the mailbox they go to. Files of other kinds are passed over.

Examples:
  tandem import ./mail ~/Maildir --account ann
  tandem import ./mail /var/mail/ann --account ann
  tandem import ./mail ./letters one.eml two.eml --mailbox Archive/2024
${EXIT}`,
  },
  export: {
    summary: "write mail out as a Maildir++ tree",
    description:
      "Exports an account as a Maildir++ tree: INBOX in DEST itself, other mailboxes in folders, flags in file names, " +
      "internal dates as file times. Bytes stay as they are.",
    after: `
Exporting again into the same tree adds what is new and brings flags up to date;
it removes nothing. A Maildir folder holds at most 26 different keywords: more
are left out, and reported.

Examples:
  tandem export ./mail ./maildir --account ann
  tandem export ./mail ./archive --mailbox Archive/2024
${EXIT}`,
  },
  ls: {
    summary: "list accounts and mailboxes",
    description: "Lists accounts and their mailboxes with their counters and digests.",
    after: `
With --json: one line for each mailbox, as in dump.

Examples:
  tandem ls ./mail
  tandem ls ./mail --json
${EXIT}`,
  },
  dump: {
    summary: "print every record",
    description:
      "Prints each mailbox and all its records in UID order, tombstones that are not purged included. Two identical " +
      "mailboxes dump identical lines.",
    after: `
With --json, JSON Lines, for each mailbox one and then one for each record:
  {"kind":"mailbox","account","mailboxId","name","uidValidity","uidNext",
   "highestModseq","purgedModseq","digest","messages"}
  {"kind":"record","uid","modseq","guid","size","internalDate","flags","expunged"}
A tombstone has no size and date; its guid is null if the message lives on under
another UID.

Examples:
  tandem dump ./mail --mailbox INBOX
  diff <(tandem dump ./mail --json) <(tandem dump ./copy --json)
${EXIT}`,
  },
  cat: {
    summary: "print a message",
    description: "Writes the bytes of a message to standard output as they were received, and checks them.",
    after: `
Examples:
  tandem cat ./mail INBOX 17
  tandem cat ./mail INBOX 17 --account ann > message.eml
${EXIT}`,
  },
  append: {
    summary: "add a message",
    description: "Appends a message to a mailbox and prints its UID. Bytes stay as they are.",
    after: `
Examples:
  tandem append ./mail INBOX letter.eml
  tandem append ./mail Sent --flag '\\Seen' --date 2024-05-01T12:00:00Z < letter.eml
${EXIT}`,
  },
  flag: {
    summary: "set and clear flags",
    description:
      "Sets (+) and clears (-) flags and keywords of the messages in UIDSET. UIDs that are not there are passed over.",
    after: `
System flags: \\Seen \\Answered \\Flagged \\Deleted \\Draft; the backslash may be
left out. Any other word is a keyword. Options may stand anywhere.

Examples:
  tandem flag ./mail INBOX 17 +Seen
  tandem flag ./mail INBOX 1:5,9,12:* '+\\Flagged' '-\\Seen' +project-x
${EXIT}`,
  },
  expunge: {
    summary: "remove messages",
    description:
      "Expunges the messages in UIDSET, whether or not they carry \\Deleted. UIDs that are not there are passed over.",
    after: `
Examples:
  tandem expunge ./mail INBOX 17
  tandem expunge ./mail Trash '1:*'
${EXIT}`,
  },
  compact: {
    summary: "give back the disk space of expunged messages",
    description: "Drops the bytes of messages that no mailbox has any more, and gives their disk space back.",
    after: `
Safe at any time, beside a daemon and all other commands. A daemon does it by
itself, slowly, once a day. Files in which at least half is mail stay as they are.
Bytes that were received and never used are kept for a day: an interrupted sync
goes on with them. Tombstones are none of its business: "tandem purge" drops those.

With --json: {"dropped","bytesFreed"}, messages and bytes.

Examples:
  tandem compact ./mail
  tandem compact ./mail --json
${EXIT}`,
  },
  purge: {
    summary: "drop old tombstones",
    description: "Drops the tombstones of expunged messages that every known peer has confirmed.",
    after: `
Peers are the stores that this one was ever synced with. For those that have not
confirmed what was expunged it says who they are, and since when changes wait
for them where a daemon keeps them up to date. Drop one that is gone for good by
"tandem forget".

--all drops all tombstones. A peer that has not heard of an expunge by then
learns of it by a full resync. Tombstones are small: what gives disk space back is
"tandem compact", with or without a purge.

With --json: {"mailboxes":[{"mailbox","mailboxId","deleted","purged","kept",
"purgedModseq"}],"waitsFor":[{"storeEpoch","peer","since","mailboxes"}]}; "peer" is
the name of the channel to it, or null; "since" a time, or null.

Examples:
  tandem purge ./mail
  tandem purge ./mail --mailbox Trash --all
${EXIT}`,
  },
  mailbox: {
    summary: "create, rename and delete mailboxes",
    description: "Creates, renames and deletes mailboxes.",
    after: `
Examples:
  tandem mailbox create ./mail Archive/2024
  tandem mailbox rename ./mail Archive/2024 Archive/old
  tandem mailbox delete ./mail Archive/old
${EXIT}`,
  },
  "mailbox create": {
    summary: "create a mailbox",
    description: "Creates a mailbox, and the store and the account if they are not there.",
    after: `
Example:
  tandem mailbox create ./mail Archive/2024 --account ann
${EXIT}`,
  },
  "mailbox rename": {
    summary: "rename a mailbox",
    description:
      "Renames a mailbox. It stays the same mailbox, with its id, UIDs and messages; others are not touched.",
    after: `
Example:
  tandem mailbox rename ./mail Projects Archive/Projects
${EXIT}`,
  },
  "mailbox delete": {
    summary: "delete a mailbox and its messages",
    description: "Deletes a mailbox with all its messages. The next sync deletes it on the other side, too.",
    after: `
Example:
  tandem mailbox delete ./mail Archive/old
${EXIT}`,
  },
};
