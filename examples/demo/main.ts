/**
 * The demo: two servers' mail stores made identical, driven apart, and made identical again.
 *
 * Makes its own mail, runs the other server as a process of its own on loopback, and ends with status 0 only if both
 * stores are identical and no message is missing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { openProgress } from "../../src/cli/progress.ts";
import {
  connectWebSocket,
  DEFAULT_SYNC_OPTIONS,
  type MailboxStore,
  openEmbeddedStore,
  syncOver,
} from "../../src/index.ts";
import { makeMail } from "./mail.ts";
import { deliverAll, driveApart } from "./story.ts";
import { guidsOf, identical, printSide } from "./view.ts";

const MESSAGES = 400;
const USAGE = 2;
const TANDEM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

async function main({ keep }: { readonly keep?: true }): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "tandem-demo-"));
  const paths = { here: join(directory, "here"), there: join(directory, "there") };
  try {
    return await play(paths);
  } finally {
    if (keep) say(`The stores are kept: try "npx tandem ls ${paths.here}" and "npx tandem dump ${paths.there}".`);
    else rmSync(directory, { recursive: true });
    if (!keep) say('Run "npm run demo -- --keep" to look around in the stores afterwards.');
  }
}

async function play({ here, there }: { here: string; there: string }): Promise<number> {
  const store = await openEmbeddedStore(here, { create: true });
  try {
    title("1. Mail arrives on this server");
    const mail = await makeMail(7, MESSAGES + 8);
    const [first, later] = [mail.slice(0, MESSAGES), mail.slice(MESSAGES)];
    await deliverAll(store, first);
    await printSide("here", store);

    title("2. First sync to a second server, which is empty");
    await syncWith(store, there, false);

    title("3. The line is cut, and both servers are used");
    const expected = await apart(store, there, later);

    title("4. The line is back: one sync merges what happened on both");
    await syncWith(store, there, true);
    return await judge(store, there, expected);
  } finally {
    await store.close();
  }
}

/** Writes to both stores and returns the messages that both must have in the end. */
async function apart(here: MailboxStore, path: string, mail: Awaited<ReturnType<typeof makeMail>>): Promise<string[]> {
  const there = await openEmbeddedStore(path);
  try {
    const expected = await driveApart(here, there, mail, say);
    await printSide("here", here);
    await printSide("there", there);
    return expected;
  } finally {
    await there.close();
  }
}

async function judge(here: MailboxStore, path: string, expected: readonly string[]): Promise<number> {
  const there = await openEmbeddedStore(path);
  try {
    title("5. Both servers now");
    await printSide("here", here);
    await printSide("there", there);
    const isSame = await identical(here, there);
    const isWhole = JSON.stringify(await guidsOf(here)) === JSON.stringify([...expected].sort());
    say(
      isSame
        ? "Identical: every UID, flag, modseq and tombstone."
        : "NOT IDENTICAL: this is a fault, please report it.",
    );
    say(
      isWhole ? `Nothing is missing: all ${expected.length} messages are there, each once.` : "MESSAGES ARE MISSING.",
    );
    return isSame && isWhole ? 0 : 1;
  } finally {
    await there.close();
  }
}

/** Runs the other server for one sync with it; `explain` prints each decision. */
async function syncWith(store: MailboxStore, path: string, explain: boolean): Promise<void> {
  const node = await startNode(path);
  const progress = await openProgress("messages");
  try {
    let done = 0;
    const result = await syncOver(store, await connectWebSocket(node.url), {
      ...DEFAULT_SYNC_OPTIONS,
      onProgress: ({ records }) => {
        progress.tick(records - done);
        done = records;
      },
      ...(explain ? { onDecision: printDecision } : {}),
    });
    progress.stop();
    const { recordsSent, bodiesSent, recordsReceived, bodiesReceived, bytesSent, bytesReceived, roundTrips } = result;
    say(`${recordsSent} records and ${bodiesSent} bodies there, ${recordsReceived} and ${bodiesReceived} back;`);
    say(`${bytesSent} bytes there, ${bytesReceived} back, in ${roundTrips} round trips.`);
  } finally {
    progress.stop();
    await node.stop();
  }
}

function printDecision(decision: {
  row: string;
  mailbox: string;
  uid?: number;
  newUid?: number;
  reason: string;
}): void {
  const { row, mailbox, uid, newUid, reason } = decision;
  const what = uid === undefined ? "" : ` UID ${uid}${newUid === undefined ? "" : ` -> ${newUid}`}`;
  say(`  ${row} ${mailbox}${what}: ${reason}`);
}

async function startNode(path: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const args = [TANDEM, "serve", path, "--listen", "127.0.0.1:0", "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await listening(child);
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { url, stop };
}

/** The address in the one line that a node prints when it listens. */
async function listening(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const line of lines) return (JSON.parse(line) as { listening: string }).listening;
  throw new Error("the node ended before it listened");
}

function title(text: string): void {
  say(`\n${text}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const command = new Command("npm run demo --")
  .description(
    "Two servers' mail stores made identical, driven apart, and made identical again; status 0 only if all is right.",
  )
  .option("--keep", "keep both stores, to look around in them")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .parse();

process.exitCode = await main(command.opts<{ keep?: true }>());
