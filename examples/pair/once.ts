/**
 * The scripted run: both servers are used at once, one daemon is killed meanwhile, and in the end everything is counted.
 */
import { mailStream, seededRandom } from "../demo/mail.ts";
import { guidsOf, identical } from "../demo/view.ts";
import { Clients } from "./clients.ts";
import { NODES, type NodeName } from "./data.ts";
import { aborted, listenForInterrupts } from "./interrupts.ts";
import { Ledger } from "./ledger.ts";
import { Observer, shownPath } from "./observer.ts";
import { describeDeath, Pair } from "./pair.ts";

/** Deliveries on each server, each followed by other things that clients do. */
const DELIVERIES = 150;
const ACTS_PER_DELIVERY = 2;
/** Up to which delivery both daemons run, and up to which one does not. */
const KILLED_AFTER = 60;
const STARTED_AFTER = 110;

/** @returns 0 if in the end both are identical and nothing is missing or doubled, else 1. @throws TandemError. */
export async function runOnce(data: string): Promise<number> {
  const heard: { observer: Observer | null } = { observer: null };
  const pair = await Pair.open(data, (node, line) => heard.observer?.hear(node, line));
  const brokenOff = aborted(listenForInterrupts().end.signal).then(() => "It was broken off; nothing was compared.");
  const ends = [play(pair, heard), pair.died.then(describeDeath), brokenOff];
  try {
    const end = await Promise.race(ends);
    if (typeof end === "number") return end;
    say(end);
    return 1;
  } finally {
    await pair.close();
  }
}

async function play(pair: Pair, heard: { observer: Observer | null }): Promise<number> {
  await start(pair);
  const ledger = new Ledger(await guidsOf(pair.stores.a));
  heard.observer = new Observer(ledger);
  await useBoth(pair, ledger);
  await pair.untilInStep();
  say("All is quiet: neither has anything that the other one lacks.");
  const { exchanges, records, bodies } = ledger.counts;
  say(`Merged in ${exchanges} exchanges: ${records} records, ${bodies} bodies.`);
  const isFine = await judge(pair, ledger);
  say(`Everything is in ${shownPath(pair.data)}.`);
  return isFine ? 0 : 1;
}

/** Starts both and waits until they are in step, also with what an earlier start has left. */
async function start(pair: Pair): Promise<void> {
  for (const node of NODES) await clientsOf(pair, node, new Ledger(), 0).ensureMailboxes();
  for (const node of NODES) {
    const { url, pid } = await pair.start(node);
    say(`Server ${node} answers on ${url} (process ${pid}).`);
  }
  await pair.untilInStep();
}

async function useBoth(pair: Pair, ledger: Ledger): Promise<void> {
  const seed = Date.now();
  const clients = NODES.map((node, index) => clientsOf(pair, node, ledger, seed + index));
  const useUntil = (from: number, to: number) => Promise.all(clients.map((one) => use(one, to - from)));
  say("Mail arrives on both, and clients read, file and expunge it on both at once.");
  await useUntil(0, KILLED_AFTER);
  say(`The daemon of b is killed (SIGKILL, process ${pair.daemon("b")?.pid}); both stores go on being used.`);
  await Promise.all([pair.end("b", "SIGKILL"), useUntil(KILLED_AFTER, STARTED_AFTER)]);
  const restarted = pair.start("b").then(({ url, pid }) => say(`It runs again, on ${url} (process ${pid}).`));
  await Promise.all([restarted, useUntil(STARTED_AFTER, DELIVERIES)]);
  const { delivered, flagged, filed, expunged, mailboxes } = ledger.counts;
  say(
    `Done by now: ${delivered} messages delivered, ${flagged} times flags changed, ${filed} messages filed, ` +
      `${expunged} expunged, ${mailboxes} mailboxes made or renamed.`,
  );
}

async function use(clients: Clients, deliveries: number): Promise<void> {
  for (let i = 0; i < deliveries; i++) {
    await clients.deliver(1);
    for (let act = 0; act < ACTS_PER_DELIVERY; act++) await clients.act();
  }
}

async function judge(pair: Pair, ledger: Ledger): Promise<boolean> {
  const { a, b } = pair.stores;
  const { mailboxes, messages, differences } = await pair.compare(true);
  const isSame = differences.length === 0 && (await identical(a, b));
  for (const { mailbox, what } of differences) say(`  ${mailbox}: ${what}`);
  say(
    isSame
      ? `Identical: ${mailboxes} mailboxes, ${messages} messages; every UID, flag, modseq and tombstone, every message read.`
      : "NOT IDENTICAL: this is a fault, please report it.",
  );
  const verdicts = await Promise.all([a, b].map(async (store) => ledger.judge(await guidsOf(store))));
  const isWhole = verdicts.every(({ missing, doubled }) => missing === 0 && doubled === 0);
  const wrong = verdicts.map(({ missing, doubled }, i) => `${NODES[i]}: ${missing} missing, ${doubled} doubled`);
  say(
    isWhole
      ? `Nothing is missing or doubled: all ${verdicts[0]?.expected} messages are there, each as often as it must be.`
      : `MESSAGES ARE WRONG (${wrong.join("; ")}): this is a fault, please report it.`,
  );
  return isSame && isWhole;
}

function clientsOf(pair: Pair, node: NodeName, ledger: Ledger, seed: number): Clients {
  return new Clients(node, pair.stores[node], { mail: mailStream(seed, Date.now), random: seededRandom(seed), ledger });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
