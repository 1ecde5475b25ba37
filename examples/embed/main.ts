/**
 * Tandem inside a server: a program that keeps mail in a store, delivers and marks it, and replicates it to a partner.
 *
 *   node dist/examples/embed/main.js STORE PORT [PARTNER]
 *
 * It answers the partner's exchanges on PORT (loopback), delivers a message every second, and starts an exchange with
 * PARTNER (ws://host:port) after each. Run it twice, each as the other's partner, and both stores stay identical.
 */
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
  syncOver,
} from "../../src/index.ts";

const ACCOUNT = "default";

async function main(directory: string, port: number, partner: string | undefined): Promise<void> {
  const store = await openEmbeddedStore(directory, { create: true });
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port,
    // One broken connection concerns no other: the partner will come again.
    onConnection: (connection) => void serveReplica(store, connection, { node: directory }).catch(report),
  });
  process.stdout.write(`${directory} answers on ${listener.address}\n`);
  const timer = setInterval(() => void deliverAndSync(store, directory, partner).catch(report), 1000);
  process.once("SIGINT", () => {
    clearInterval(timer);
    void listener.close().then(() => store.close());
  });
}

async function deliverAndSync(store: MailboxStore, node: string, partner: string | undefined): Promise<void> {
  await ensureInbox(store);
  const now = new Date();
  const bytes = Buffer.from(
    `From: ${node}\r\nDate: ${now.toUTCString()}\r\nSubject: hello\r\n\r\nIt is ${now.toISOString()}.\r\n`,
  );
  const message = { bytes, flags: [], internalDate: now.getTime() };
  const { uidValidity, uids } = await appendMessages(store, ACCOUNT, "INBOX", [message]);
  // What an IMAP server answers: APPENDUID 1700000000 17.
  process.stdout.write(`delivered: uidValidity ${uidValidity}, UID ${uids.join()}\n`);
  if (partner === undefined) return;
  const { recordsSent, recordsReceived, renumbered } = await syncOver(
    store,
    await connectWebSocket(partner),
    DEFAULT_SYNC_OPTIONS,
    node,
  );
  process.stdout.write(`synced: ${recordsSent} there, ${recordsReceived} back, ${renumbered} renumbered\n`);
}

async function ensureInbox(store: MailboxStore): Promise<void> {
  if ((await store.mailboxNamed(ACCOUNT, "INBOX")) !== null) return;
  await createMailbox(store, ACCOUNT, "INBOX").catch((error: unknown) => {
    if (!isTandemError(error, "exists")) throw error;
  });
}

function report(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

const [directory, port, partner] = process.argv.slice(2);
if (directory === undefined || port === undefined)
  process.stderr.write("usage: node dist/examples/embed/main.js STORE PORT [ws://PARTNER]\n");
else await main(directory, Number(port), partner);
