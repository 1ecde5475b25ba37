/**
 * Tandem inside a server: a program that keeps mail in a store, delivers and marks it, and replicates it to a partner.
 *
 *   node dist/examples/embed/main.js STORE PORT [PARTNER]
 *
 * It answers the partner's exchanges on PORT (loopback; 0 takes a free one), delivers a message every second, and starts an
 * exchange with PARTNER (ws://host:port) after each, until Ctrl-C. Run it twice, each as the other's partner, and both stores
 * stay identical. Whatever changes INBOX, it tells its clients, as an IMAP server does in IDLE: here, standard output. Exit status: 0 if it was ended, 1 if it could not begin, 2 for a wrong command line.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  appendMessages,
  connectWebSocket,
  createMailbox,
  DEFAULT_SYNC_OPTIONS,
  isTandemError,
  listenWebSocket,
  type MailboxStore,
  openEmbeddedStore,
  serveReplica,
  storeFlags,
  syncOver,
  uidSetOf,
} from "../../src/index.ts";

const ACCOUNT = "default";
const USAGE = "usage: node dist/examples/embed/main.js STORE PORT [ws://PARTNER]";

interface Settings {
  readonly directory: string;
  readonly port: number;
  readonly partner: string | undefined;
}

/** @returns what is wrong, if anything is: before a store is made. */
function readArguments([directory, port, partner, ...rest]: readonly string[]): Settings | string {
  if (!directory || port === undefined || rest.length > 0) return USAGE;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return `${JSON.stringify(port)} is not a port; give a number from 0 to 65535.`;
  if (partner !== undefined && !/^wss?:\/\/[^/]/.test(partner))
    return `${JSON.stringify(partner)} is not a partner; give an address such as ws://127.0.0.1:4190.`;
  return { directory, port: Number(port), partner };
}

/** Serves and delivers until `signal` is aborted. @throws TandemError if the store or the port cannot be had. */
async function run({ directory, port, partner }: Settings, signal: AbortSignal): Promise<void> {
  const store = await openEmbeddedStore(directory, { create: true });
  try {
    const listener = await listenWebSocket({
      host: "127.0.0.1",
      port,
      // One broken connection concerns no other: the partner will come again.
      onConnection: (connection) => void serveReplica(store, connection, { node: directory }).catch(report),
    });
    print(`${directory} answers on ${listener.address}`);
    store.watch(clientsOf(store));
    try {
      while (!signal.aborted) {
        await deliver(store, directory).catch(report);
        if (partner !== undefined) await sync(store, directory, partner).catch(report);
        await sleep(1000, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await listener.close();
    }
  } finally {
    await store.close();
  }
}

/** A message arrives, and somebody reads it, unless somebody else changed it first. */
async function deliver(store: MailboxStore, node: string): Promise<void> {
  await ensureInbox(store);
  const now = new Date();
  const text = `From: ${node}\r\nDate: ${now.toUTCString()}\r\nSubject: hello\r\n\r\nIt is ${now.toISOString()}.\r\n`;
  const message = { bytes: Buffer.from(text), flags: [], internalDate: now.getTime() };
  const { uidValidity, uids } = await appendMessages(store, ACCOUNT, "INBOX", [message]);
  // What an IMAP server answers: APPENDUID 1700000000 17.
  print(`delivered: uidValidity ${uidValidity}, UID ${uids.join()}`);
  const { changed, modseq } = await storeFlags(store, ACCOUNT, "INBOX", uidSetOf(uids), { add: ["\\Seen"] });
  if (changed > 0) print(`read: modseq ${modseq}`);
}

async function sync(store: MailboxStore, node: string, partner: string): Promise<void> {
  const connection = await connectWebSocket(partner);
  const { recordsSent, recordsReceived, renumbered, issues } = await syncOver(
    store,
    connection,
    DEFAULT_SYNC_OPTIONS,
    node,
  );
  print(`synced: ${recordsSent} there, ${recordsReceived} back, ${renumbered} renumbered`);
  for (const { mailbox, message } of issues) process.stderr.write(`${mailbox}: ${message}\n`);
}

/** What to call when a mailbox may have changed: tells of INBOX if it did. */
function clientsOf(store: MailboxStore): () => void {
  let told = 0;
  const look = async () => {
    const inbox = await store.mailboxNamed(ACCOUNT, "INBOX");
    if (inbox === null || inbox.state.highestModseq === told) return;
    told = inbox.state.highestModseq;
    print(`* ${inbox.state.digest.count} EXISTS`);
  };
  return () => void look().catch(report);
}

async function ensureInbox(store: MailboxStore): Promise<void> {
  if ((await store.mailboxNamed(ACCOUNT, "INBOX")) !== null) return;
  await createMailbox(store, ACCOUNT, "INBOX").catch((error: unknown) => {
    if (!isTandemError(error, "exists")) throw error;
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Errors of Tandem are sentences for people; any other is a fault of this program, and its stack is of use. */
function report(error: unknown): void {
  process.stderr.write(`${isTandemError(error) ? error.message : ((error as Error).stack ?? error)}\n`);
}

const settings = readArguments(process.argv.slice(2));
if (typeof settings === "string") {
  process.stderr.write(`${settings}\n`);
  process.exitCode = 2;
} else {
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end.abort());
  await run(settings, end.signal).catch((error: unknown) => {
    report(error);
    process.exitCode = 1;
  });
}
