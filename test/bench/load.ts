/**
 * A process that changes mail at a steady rate: appends and flag changes spread over many mailboxes of one store. The rate
 * grows to what it is to be over some seconds before: a process that has just started takes a whole core.
 *
 * Arguments: store, changes a second, seconds to get there, seconds at that rate, number of mailboxes. Prints a line when the
 * rate is reached, and one of JSON at the end: what was done since.
 */
import { appendMessages, type MailboxStore, openEmbeddedStore, parseUidSet, storeFlags } from "../../src/index.ts";
import { generator } from "../merge/model/random.ts";
import { ACCOUNT, message } from "./stores.ts";

const [path = "", rate = "0", ramp = "0", seconds = "0", mailboxes = "0"] = process.argv.slice(2);
const TICK_MS = 10;
/** Changes under way at once: a server has so many clients at work. */
const MOST_OPEN = 64;
const SIZE = 2048;

/** Deals with mailboxes in an order of its own for each process, as clients of different servers do. */
const below = generator(process.pid);

function anyMailbox(): string {
  return `box ${below(Number(mailboxes))}`;
}

async function main(store: MailboxStore): Promise<void> {
  const bytes = Array.from({ length: 64 }, (_, number) => message(number, SIZE));
  const started = performance.now();
  const reached = started + 1000 * Number(ramp);
  const end = reached + 1000 * Number(seconds);
  const open = new Set<Promise<void>>();
  let [done, isReached] = [0, false];
  for (let change = 0; performance.now() < end; ) {
    if (!isReached && performance.now() >= reached) {
      process.stdout.write("reached\n");
      [done, isReached] = [0, true];
    }
    const due = changesAfter((performance.now() - started) / 1000);
    while (change < due && open.size < MOST_OPEN) {
      const work = makeChange(store, change++, bytes).then(() => {
        done++;
        open.delete(work);
      });
      open.add(work);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(open);
  const elapsedMs = performance.now() - reached;
  process.stdout.write(`${JSON.stringify({ done, elapsedMs })}\n`);
}

/** How many changes are to be made in the first seconds. */
function changesAfter(passed: number): number {
  const [full, growing] = [Number(rate), Number(ramp)];
  return passed < growing ? (full * passed ** 2) / (2 * growing) : full * (passed - growing / 2);
}

/** Every other change is a new message, the others flag the mailbox's first one. */
async function makeChange(store: MailboxStore, change: number, bytes: readonly Buffer[]): Promise<void> {
  const name = anyMailbox();
  if (change % 2 === 1) {
    const edit = change % 4 === 1 ? { add: ["\\Seen"] } : { remove: ["\\Seen"] };
    await storeFlags(store, ACCOUNT, name, parseUidSet("1"), edit);
    return;
  }
  const own = Buffer.concat([Buffer.from(`X-Change: ${process.pid} ${change}\r\n`), bytes[change % 64] as Buffer]);
  await appendMessages(store, ACCOUNT, name, [{ bytes: own, flags: [], internalDate: Date.now() }]);
}

const store = await openEmbeddedStore(path);
try {
  await main(store);
} finally {
  await store.close();
}
