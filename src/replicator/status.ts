/**
 * How far each peer is, read from the store alone: any process can ask, whether or not a daemon runs.
 */
import type { LogError } from "../store/change-log.ts";
import type { MailboxStore } from "../store/store.ts";
import { SIGN_OF_LIFE_MS } from "./channel.ts";
import { FAULTS_NOTE, type OpenFault, parseFaults, parseScrub, SCRUB_NOTE, type ScrubState } from "./fault-list.ts";
import { type ChannelNote, parseNote } from "./note.ts";

/** One peer. All times in milliseconds since 1970. */
export interface PeerStatus {
  readonly peer: string;
  /** Connected, and everything that changed here is there. */
  readonly inSync: boolean;
  /**
   * `starting`: never connected yet; `disconnected`: lost a moment ago; `unreachable`: could not be reached since; `none`: no
   * daemon keeps this peer up to date at the moment.
   */
  readonly connection: "starting" | "connected" | "disconnected" | "unreachable" | "none";
  /** Since when the connection is so; null if it is not known. */
  readonly since: number | null;
  /** Why it is not connected, and when it is called again. */
  readonly error: LogError | null;
  readonly nextTry: number | null;
  /** Mailboxes waiting, over all accounts, and since when the oldest. */
  readonly waiting: number;
  readonly oldest: number | null;
  readonly accounts: readonly AccountStatus[];
}

export interface AccountStatus {
  readonly account: string;
  readonly inSync: boolean;
  readonly waiting: number;
  readonly oldest: number | null;
  /** Mailboxes whose last attempt failed. */
  readonly failing: number;
  readonly lastSuccess: number | null;
  /** The failure that is tried next. */
  readonly lastError: (LogError & { readonly mailboxId: string }) | null;
  readonly nextTry: number | null;
}

/** What is known of the store itself. */
export interface StoreHealth {
  /** What was found to be damaged and is not repaired. */
  readonly faults: readonly OpenFault[];
  readonly scrub: ScrubState;
}

/** Signs of life that may be missing before a daemon counts as gone. */
const MISSED_SIGNS = 3;

/** @param now milliseconds since 1970. */
export async function readStatus(store: MailboxStore, now: number): Promise<PeerStatus[]> {
  const statuses: PeerStatus[] = [];
  for (const { name, note } of await store.log.channels()) {
    const backlog = await store.log.backlog(name);
    const accounts = backlog.map(({ account, waiting, oldest, failing, failed, lastSuccess }): AccountStatus => {
      const lastError = failed?.error ? { ...failed.error, mailboxId: failed.mailboxId } : null;
      const nextTry = failed?.nextTry ?? null;
      return { account, inSync: waiting === 0, waiting, oldest, failing, lastSuccess, lastError, nextTry };
    });
    const waiting = accounts.reduce((sum, one) => sum + one.waiting, 0);
    const known = backlog.flatMap(({ oldest }) => (oldest === null ? [] : [oldest]));
    const oldest = known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b));
    const link = linkOf(parseNote(note), now);
    statuses.push({
      peer: name,
      inSync: link.connection === "connected" && waiting === 0,
      ...link,
      waiting,
      oldest,
      accounts,
    });
  }
  return statuses;
}

/** What the scrub has found in a store, and how far it is. */
export async function readStoreHealth(store: MailboxStore): Promise<StoreHealth> {
  return { faults: parseFaults(await store.note(FAULTS_NOTE)), scrub: parseScrub(await store.note(SCRUB_NOTE)) };
}

function linkOf(note: ChannelNote | null, now: number): Pick<PeerStatus, "connection" | "since" | "error" | "nextTry"> {
  if (note === null) return { connection: "none", since: null, error: null, nextTry: null };
  const { state, since, error, nextTry, at } = note;
  const isGone = state === "stopped" || now - at > MISSED_SIGNS * SIGN_OF_LIFE_MS;
  return isGone
    ? { connection: "none", since: state === "stopped" ? since : at, error, nextTry: null }
    : { connection: state, since, error, nextTry };
}
