/**
 * The endless run: mail arrives and clients work on both servers, shown until Ctrl-C, then both come to rest in step.
 */
import { setTimeout as pause } from "node:timers/promises";
import { purgeAccount } from "../../src/index.ts";
import { mailStream, seededRandom } from "../demo/mail.ts";
import { ACCOUNT, Clients } from "./clients.ts";
import { NODES, type NodeName } from "./data.ts";
import { type Interrupts, listenForInterrupts } from "./interrupts.ts";
import { Ledger } from "./ledger.ts";
import { Observer, shownPath } from "./observer.ts";
import { type Death, describeDeath, Pair } from "./pair.ts";
import { openScreen } from "./screen.ts";

export interface LiveOptions {
  readonly data: string;
  /** Mails a second, on both servers together. */
  readonly rate: number;
}

/** Messages that are there at once, so that there is something to work with. */
const FIRST_MAIL = 12;
/** Milliseconds between two deliveries on one server at the least; what comes faster is delivered together. */
const LEAST_GAP_MS = 50;
/** Mail that a machine cannot keep up with is not made up for. */
const MOST_AT_ONCE = 100;
/** Milliseconds after which tombstones that both know are dropped, and the space of expunged messages is freed. */
const TIDY_MS = 60_000;
/** @returns the exit status. @throws TandemError if the directory is not ours, or a server does not start. */
export async function runLive({ data, rate }: LiveOptions): Promise<number> {
  const interrupts = listenForInterrupts();
  const ledger = new Ledger();
  const observer = new Observer(ledger);
  const pair = await Pair.open(data, (node, line) => {
    // That the first does not reach the other one, which is not there yet, is nothing to tell of.
    if (pair.isRunning) observer.hear(node, line);
  });
  try {
    const clients = NODES.map((node) => clientsOf(pair, node, ledger));
    for (const one of clients) await one.ensureMailboxes();
    for (const node of NODES) await pair.start(node);
    const death = await play(pair, { observer, clients, rate, interrupts });
    return death === null ? await finish(pair, interrupts.hurry.signal.aborted) : sayDeath(death);
  } finally {
    await pair.close();
  }
}

interface Play {
  readonly observer: Observer;
  readonly clients: readonly Clients[];
  readonly rate: number;
  readonly interrupts: Interrupts;
}

/** Runs and shows everything until both are in step at the end. Returns the daemon that died, if one did. */
async function play(pair: Pair, { observer, clients, rate, interrupts }: Play): Promise<Death | null> {
  const { end, hurry } = interrupts;
  const done = new AbortController();
  const shown = show(pair, observer, done.signal);
  const work = Promise.all([
    ...clients.map((one) => keepBusy(one, rate / clients.length, end.signal)),
    keepTidy(pair, end.signal),
  ]);
  const rest = work.then(() => {
    observer.isStopping = true;
    return pair.untilInStep(AbortSignal.any([hurry.signal, done.signal]));
  });
  try {
    return await Promise.race([rest.then(() => null), shown.then(() => null), pair.died]);
  } finally {
    end.abort();
    await work.catch(() => undefined);
    done.abort();
    await Promise.allSettled([rest, shown]);
  }
}

/** Shows a frame now and then until `signal`, and a last one. */
async function show(pair: Pair, observer: Observer, signal: AbortSignal): Promise<void> {
  const screen = openScreen();
  try {
    for (;;) {
      const isLast = signal.aborted;
      screen.show(await observer.frame(pair));
      if (isLast) return;
      await pauseUnless(signal, screen.paceMs);
    }
  } finally {
    screen.close();
  }
}

/** Delivers `rate` mails a second and works at one server until `signal`. */
async function keepBusy(clients: Clients, rate: number, signal: AbortSignal): Promise<void> {
  const gapMs = Math.max(LEAST_GAP_MS, 1000 / rate);
  await clients.deliver(FIRST_MAIL);
  let owed = 0;
  for (let before = Date.now(); !signal.aborted; ) {
    await pauseUnless(signal, gapMs * (0.5 + Math.random()));
    const now = Date.now();
    owed += ((now - before) * rate) / 1000;
    before = now;
    await clients.deliver(Math.min(MOST_AT_ONCE, Math.floor(owed)));
    owed -= Math.floor(owed);
    for (let i = 0; i < 2; i++) await clients.act();
  }
}

/** As the nightly jobs of a server do. */
async function keepTidy(pair: Pair, signal: AbortSignal): Promise<void> {
  for (;;) {
    await pauseUnless(signal, TIDY_MS);
    if (signal.aborted) return;
    for (const node of NODES) {
      await purgeAccount(pair.stores[node], ACCOUNT);
      await pair.stores[node].compact();
    }
  }
}

async function finish(pair: Pair, isHurried: boolean): Promise<number> {
  const { mailboxes, messages, differences } = await pair.compare(false);
  const data = shownPath(pair.data);
  if (differences.length === 0)
    say(`Both are in step: ${mailboxes} mailboxes, ${messages} messages, the same digests.`);
  else if (isHurried) say("Both are not in step yet; the next start goes on where they are.");
  else
    say(`NOT IN STEP, which is a fault: ${differences.map(({ mailbox, what }) => `${mailbox} ${what}`).join("; ")}.`);
  say(`Everything is in ${data}; the next "npm start" goes on with it. Look around:
  npx tandem ls ${data}/a
  npx tandem verify ${data}/a ${data}/b --deep
  npx tandem status ${data}/a
  npx tandem serve --config ${data}/a.yaml`);
  return differences.length === 0 || isHurried ? 0 : 1;
}

function sayDeath(death: Death): number {
  say(`${describeDeath(death)}\nThe other is ended, too. Nothing is lost: the next "npm start" goes on.`);
  return 1;
}

/** Clients with mail of their own: never the same twice, also over several starts. */
function clientsOf(pair: Pair, node: NodeName, ledger: Ledger): Clients {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const source = { mail: mailStream(seed, Date.now), random: seededRandom(seed + 1), ledger };
  return new Clients(node, pair.stores[node], source);
}

/** Waits `ms` milliseconds, or less if `signal` comes before. */
async function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
