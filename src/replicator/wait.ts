/**
 * Waiting until a peer has everything that changed here up to now.
 */
import { TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import { Bell } from "./bell.ts";
import { type Environment, SYSTEM } from "./environment.ts";

export interface WaitOptions {
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which it gives up; never by default. */
  readonly timeoutMs?: number;
  readonly environment?: Environment;
}

/** The log rings at the latest within a second; this is for one that should fail to. */
const LOOK_AGAIN_MS = 10_000;
/** Enough entries to find one of a whole account among: they come first, being the oldest. */
const ENTRIES = 100_000;

/**
 * Waits until everything that changed in this store before the call is at the peer. Reads the store alone, so it can be
 * called from any process; a replicator that runs somewhere does the work.
 * @param peer name of the peer, which is that of its channel.
 * @returns how many mailboxes still wait: 0, or more if it gave up.
 * @throws TandemError `not-found` if there is no such channel, or it is removed meanwhile.
 */
export async function waitForPeer(store: MailboxStore, peer: string, options: WaitOptions = {}): Promise<number> {
  const { environment = SYSTEM, timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
  const bell = new Bell(environment);
  const unwatch = store.log.watch(bell.ring);
  signal?.addEventListener("abort", bell.ring);
  try {
    const end = environment.now() + timeoutMs;
    const isOver = () => signal?.aborted === true || environment.now() >= end;
    for (;;) {
      const isWhole = await bringsWholeAccounts(store, peer);
      const waiting = await untilDone(store, peer, { bell, environment, end, isOver });
      // Once an account is through as a whole, its mailboxes have entries of their own, which are newer.
      if (waiting > 0 || !isWhole) return waiting;
    }
  } finally {
    signal?.removeEventListener("abort", bell.ring);
    unwatch();
  }
}

interface Patience {
  readonly bell: Bell;
  readonly environment: Environment;
  /** When to give up, in milliseconds since 1970. */
  readonly end: number;
  readonly isOver: () => boolean;
}

/** Waits until nothing is left of what is in the log now; returns how much is left when the patience is over. */
async function untilDone(store: MailboxStore, peer: string, patience: Patience): Promise<number> {
  const { bell, environment, end, isOver } = patience;
  const mark = await store.log.lastSeq();
  for (;;) {
    await needChannel(store, peer);
    const waiting = await store.log.countUpTo(peer, mark);
    if (waiting === 0 || isOver()) return waiting;
    await bell.wait(Math.min(LOOK_AGAIN_MS, Math.max(1, end - environment.now())));
  }
}

async function bringsWholeAccounts(store: MailboxStore, peer: string): Promise<boolean> {
  const entries = await store.log.due(peer, Number.MAX_SAFE_INTEGER, ENTRIES);
  return entries.some(({ mailboxId }) => mailboxId === "");
}

/** @throws TandemError `not-found`, naming the channels there are. */
export async function needChannel(store: MailboxStore, peer: string): Promise<void> {
  const names = (await store.log.channels()).map(({ name }) => name);
  if (names.includes(peer)) return;
  const known = names.length === 0 ? "none; a node that runs with this peer makes it" : names.join(", ");
  throw new TandemError(
    "not-found",
    `The store has no channel to the peer ${JSON.stringify(peer)}; there are ${known}.`,
  );
}
