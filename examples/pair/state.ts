/**
 * What the view shows: the state of both servers at one moment, as plain values.
 */

/** One mailbox on one server. */
export interface MailboxLine {
  readonly name: string;
  readonly messages: number;
  readonly uidNext: number;
  readonly highestModseq: number;
  /** 16 hex digits. */
  readonly digest: string;
}

/** One server. */
export interface NodeState {
  readonly name: string;
  /** Where it listens, e.g. `ws://127.0.0.1:21034`. */
  readonly url: string;
  readonly pid: number;
  /** Whether its channel to the other one is connected; a word of `tandem status`. */
  readonly connection: string;
  /** Mailboxes that the other one may not have as they are here, and for how many milliseconds the oldest waits. */
  readonly waiting: number;
  readonly oldestMs: number | null;
  readonly mailboxes: readonly MailboxLine[];
}

/** One exchange that moved something, or one thing that went wrong. */
export interface Happening {
  /** Time of day. */
  readonly at: string;
  /** The server that started the exchange, or tells of the fault. */
  readonly node: string;
  readonly what: string;
  readonly isFault: boolean;
}

/** What is counted, by everybody who counts. */
export interface Counts {
  readonly delivered: number;
  readonly flagged: number;
  readonly filed: number;
  readonly expunged: number;
  /** Mailboxes made and renamed. */
  readonly mailboxes: number;
  readonly exchanges: number;
  readonly records: number;
  readonly bodies: number;
}

export const NO_COUNTS: Counts = {
  delivered: 0,
  flagged: 0,
  filed: 0,
  expunged: 0,
  mailboxes: 0,
  exchanges: 0,
  records: 0,
  bodies: 0,
};

/** Everything in one frame. */
export interface PairState {
  readonly elapsedMs: number;
  readonly isStopping: boolean;
  readonly nodes: readonly [NodeState, NodeState];
  /** The newest first. */
  readonly happenings: readonly Happening[];
  /** How much of each happened so far, and a second of late. */
  readonly totals: Counts;
  readonly rates: Counts;
  /** Records moved in each of the last seconds, the newest last. */
  readonly history: readonly number[];
  /** The data directory, as it is to be typed. */
  readonly data: string;
}

/** One row of the comparison: a mailbox name with what each server has under it. */
export interface MailboxPair {
  readonly name: string;
  readonly a: MailboxLine | null;
  readonly b: MailboxLine | null;
  readonly isSame: boolean;
}

/** Mailboxes of both servers by name, INBOX first. */
export function pairedMailboxes([a, b]: PairState["nodes"]): MailboxPair[] {
  const left = new Map(a.mailboxes.map((line) => [line.name, line]));
  const right = new Map(b.mailboxes.map((line) => [line.name, line]));
  const names = [...new Set([...left.keys(), ...right.keys()])].sort(byName);
  return names.map((name) => {
    const [mine = null, other = null] = [left.get(name), right.get(name)];
    return { name, a: mine, b: other, isSame: mine !== null && other !== null && isSame(mine, other) };
  });
}

/** True if nothing differs and nothing waits. */
export function isInStep(state: PairState): boolean {
  return state.nodes.every(({ waiting }) => waiting === 0) && pairedMailboxes(state.nodes).every((row) => row.isSame);
}

function isSame(a: MailboxLine, b: MailboxLine): boolean {
  return a.digest === b.digest && a.uidNext === b.uidNext && a.highestModseq === b.highestModseq;
}

function byName(a: string, b: string): number {
  if (a === "INBOX" || b === "INBOX") return a === b ? 0 : a === "INBOX" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
