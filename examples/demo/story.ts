/**
 * What happens in the demo: the same mailboxes are written to on two servers that do not see each other.
 */
import {
  appendMessages,
  copyMessages,
  createMailbox,
  expungeMessages,
  type MailboxStore,
  parseUidSet,
  renameMailbox,
  storeFlags,
} from "../../src/index.ts";
import type { DemoMail } from "./mail.ts";
import { guidsOf } from "./view.ts";

const ACCOUNT = "ann@example.org";
const INBOX_SHARE = 0.8;

/** Delivers mail into a few mailboxes, some of it read already. */
export async function deliverAll(store: MailboxStore, mail: readonly DemoMail[]): Promise<void> {
  for (const name of ["INBOX", "Archive/2023", "Søknader"]) await createMailbox(store, ACCOUNT, name);
  const inbox = Math.floor(mail.length * INBOX_SHARE);
  await deliver(store, "INBOX", mail.slice(0, inbox));
  await deliver(store, "Archive/2023", mail.slice(inbox));
  await storeFlags(store, ACCOUNT, "INBOX", parseUidSet(`1:${Math.floor(inbox / 2)}`), { add: ["\\Seen"] });
  await copyMessages(store, ACCOUNT, "INBOX", parseUidSet("10:14"), "Søknader");
}

/**
 * Uses both servers while they are apart, telling what is done; returns the GUIDs of all messages that must be there
 * in the end, sorted.
 */
export async function driveApart(
  here: MailboxStore,
  there: MailboxStore,
  mail: readonly DemoMail[],
  say: (text: string) => void,
): Promise<string[]> {
  const expected = await guidsOf(here);
  const [atHere, atThere, atBoth] = [mail.slice(0, 3), mail.slice(3, 6), mail.slice(6)];

  say("  both: different mail is delivered, under the same UIDs; and one list mail to both");
  await deliver(here, "INBOX", atHere);
  await deliver(there, "INBOX", atThere);
  const [both] = [await deliver(here, "INBOX", atBoth), await deliver(there, "INBOX", atBoth)];
  expected.push(...(await guidsUnder(here, "INBOX", `${uidOf(both) - 3}:${uidOf(both) + atBoth.length - 1}`)));
  expected.push(...(await guidsUnder(there, "INBOX", `${uidOf(both) - 3}:${uidOf(both) - 1}`)));

  say("  here: message 300 is read; there: the same message is flagged and gets a keyword");
  await storeFlags(here, ACCOUNT, "INBOX", parseUidSet("300"), { add: ["\\Seen"] });
  await storeFlags(there, ACCOUNT, "INBOX", parseUidSet("300"), { add: ["\\Flagged", "$Important"] });

  say("  here: messages 5 to 7 are expunged; there: message 6 is answered meanwhile");
  const gone = await guidsUnder(here, "INBOX", "5:7");
  await expungeMessages(here, ACCOUNT, "INBOX", parseUidSet("5:7"));
  await storeFlags(there, ACCOUNT, "INBOX", parseUidSet("6"), { add: ["\\Answered"] });
  for (const guid of gone) expected.splice(expected.indexOf(guid), 1);

  say('  there: "Archive/2023" is renamed to "Archive/Old"; here: "Projects" is made');
  await renameMailbox(there, ACCOUNT, "Archive/2023", "Archive/Old");
  await createMailbox(here, ACCOUNT, "Projects");
  return expected.sort();
}

async function deliver(store: MailboxStore, mailbox: string, mail: readonly DemoMail[]): Promise<readonly number[]> {
  const messages = mail.map(({ bytes, internalDate }) => ({ bytes, internalDate, flags: [] }));
  return (await appendMessages(store, ACCOUNT, mailbox, messages)).uids;
}

function uidOf(uids: readonly number[]): number {
  return uids[0] ?? 0;
}

function guidsUnder(store: MailboxStore, mailbox: string, uids: string): Promise<string[]> {
  const [fromUid = 0, toUid = fromUid] = uids.split(":").map(Number);
  return guidsOf(store, mailbox, { fromUid, toUid });
}
