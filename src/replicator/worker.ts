/**
 * Works off the change log of a channel over one open connection: many mailboxes at once, and what fails waits its turn
 * while all others go on.
 */
import { isTandemError, TandemError } from "../model/errors.ts";
import { absorbMailbox } from "../operations/absorb.ts";
import type { LogEntry } from "../store/change-log.ts";
import { placeKey } from "../store/shared/place-key.ts";
import type { MailboxPlace, MailboxStore } from "../store/store.ts";
import { isVisible } from "../sync/access.ts";
import type { AccountWish, MailboxOutcome, SurveyedPlace } from "../sync/channel-exchange.ts";
import type { Leaves } from "../sync/mailbox-exchange.ts";
import type { OpenPlaces } from "../sync/open-places.ts";
import { pieces } from "../sync/pages.ts";
import type { Met } from "../sync/push-outcome.ts";
import type { SyncCounts, SyncIssue } from "../sync/report.ts";
import type { Bell } from "./bell.ts";
import { asTandemError, Ledger, type LedgerSettings, MOST_YIELDS, type Transferred } from "./ledger.ts";
import type { Link } from "./link.ts";
import { Pusher, placeOf } from "./pusher.ts";

/** What the worker needs of its channel. */
export interface WorkerSettings extends LedgerSettings {
  /** Exchanges of single mailboxes at once; small changes of many go out together besides. */
  readonly parallel: number;
  /** Mailboxes that something comes in for. */
  readonly incoming: OpenPlaces;
}

/** What became of an entry: `half` stays where it is in the log and is taken up again at once, `left` after a moment. */
type Outcome = Exclude<MailboxOutcome, { readonly kind: "tree" }> | { readonly kind: "nothing" };

const NOTHING_TO_DO: Outcome = { kind: "nothing" };
const LEFT: Outcome = { kind: "left" };

/** What could not be done of an account's trees; null if it is left to the other node. */
type TreeIssues = readonly SyncIssue[] | null;

/**
 * Entries in one push: so many share its frames and transactions. One push is under way at a time, so the next one takes all
 * that came in meanwhile: the busier the node, the more share what a push costs.
 */
const PUSHED_AT_ONCE = 256;

/** How often a mailbox is tried again in one go because its account's tree changed. */
const TREE_ATTEMPTS = 3;
/** Entries added by one transaction, so that writers of mail are not held up. */
const ADDED_AT_ONCE = 1000;
/** Milliseconds in which a peer that was just reached may call back: then it brings over itself what it changed. */
const CALL_BACK_MS = 1000;
const UNKNOWN_SEQ = Number.POSITIVE_INFINITY;

export class Worker {
  readonly #settings: WorkerSettings;
  readonly #link: Link;
  readonly #bell: Bell;
  readonly #ledger: Ledger;
  readonly #pusher: Pusher;
  /** Entries that are due and not begun. */
  #due: LogEntry[] = [];
  /** Entries that a push could not do: under way until an exchange of their own has ended. */
  readonly #left: LogEntry[] = [];
  /** Keys of the entries under way. */
  readonly #busy = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #began: number;
  #isPushing = false;
  #exchanges = 0;
  /**
   * Mailboxes that the peer has to be asked about, since a survey said that its side may have changed; with the `seq` of the entry
   * that this is about, once it is known. An entry that is newer is of a change here: the peer has brought over its own.
   */
  readonly #surveyed = new Map<string, number>();
  /** Accounts whose trees are being brought together. */
  readonly #trees = new Map<string, Promise<TreeIssues>>();

  /** @param bell rung whenever something is through. */
  constructor(settings: WorkerSettings, link: Link, bell: Bell) {
    this.#settings = settings;
    this.#link = link;
    this.#bell = bell;
    this.#began = settings.environment.now();
    this.#ledger = new Ledger(settings);
    this.#pusher = new Pusher(link, this.#ledger, {
      free: (entry) => this.#release(entry),
      left: (entry) => this.#left.push(entry),
    });
  }

  /**
   * Brings mailboxes together that the peer leaves to this node, at once: what it sent of them is soon no longer so. Whatever does
   * not come to its end here is done when its turn comes in the log of the node that changed it last.
   */
  async take(mets: readonly Met[], store: MailboxStore): Promise<void> {
    const free = mets.filter((met) => this.#claim(placeOf(met)));
    if (free.length === 0) return;
    const places = free.map(placeOf);
    await this.#run(this.#pusher.take(free, store), () => {
      for (const place of places) this.#release(place);
    });
  }

  /** A mailbox is no longer under way. What a survey told of it meanwhile is not what was done, so it is logged anew. */
  #release(place: MailboxPlace): void {
    const { store, peer } = this.#settings;
    this.#busy.delete(placeKey(place));
    if (this.#surveyed.get(placeKey(place)) === UNKNOWN_SEQ)
      void this.#run(store.log.add(peer.name, [place]), () => undefined);
  }

  /** Takes a mailbox that this channel handles, and that is not under way. */
  #claim(place: MailboxPlace): boolean {
    if (!this.#handles(place) || this.#isBusy(place)) return false;
    this.#busy.add(placeKey(place));
    return true;
  }

  /** Whether the account goes to this peer. */
  #handles({ account }: MailboxPlace): boolean {
    return isVisible(this.#settings.peer.access, account);
  }

  #isBusy(place: MailboxPlace): boolean {
    return this.#busy.has(placeKey(place));
  }

  /** Asks the peer what may differ: all of it gets an entry in the log. @throws TandemError. */
  async survey(): Promise<void> {
    const places = (await this.#link.exchange.survey()).filter((place) => this.#handles(place));
    await this.#add(places);
    this.#settings.emit({ event: "survey-done", mailboxes: places.length });
  }

  /**
   * Starts what is due as far as there is room.
   * @returns for how many milliseconds there is nothing more to start, unless the bell rings.
   */
  async startDue(): Promise<number> {
    this.#startRead();
    if (this.#isPushing || this.#due.some((entry) => this.#isPlain(entry) && !this.#isBusy(entry)))
      return Number.POSITIVE_INFINITY;
    const idleMs = await this.#read();
    this.#startRead();
    return this.#due.length > 0 ? Number.POSITIVE_INFINITY : idleMs;
  }

  /** Starts entries that were read before. One that changed since is done again, for its newer `seq`. */
  #startRead(): void {
    const plain = this.#isPushing ? [] : this.#take(true, PUSHED_AT_ONCE);
    if (plain.length > 0) void this.#run(this.#pusher.push(plain, this.#pushBegun()), () => undefined);
    while (this.#exchanges < this.#settings.parallel) {
      const next = this.#left.shift() ?? this.#take(false, 1)[0];
      if (next === undefined) break;
      this.#exchanges++;
      void this.#run(this.#handle(next), () => this.#exchanges--);
    }
  }

  /** Takes the place of the push; what it returns gives it back, once. */
  #pushBegun(): () => void {
    let isOver = false;
    this.#isPushing = true;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#isPushing = false;
      this.#bell.ring();
    };
  }

  /** Takes entries that were read; from now on they are under way. */
  #take(plain: boolean, most: number): LogEntry[] {
    const fits = (entry: LogEntry) => this.#isPlain(entry) === plain && !this.#isBusy(entry);
    const taken = this.#due.filter(fits).slice(0, most);
    if (taken.length > 0) this.#due = this.#due.filter((entry) => !taken.includes(entry));
    for (const entry of taken) this.#busy.add(placeKey(entry));
    return taken;
  }

  /** Whether an entry is one that a push may do: a mailbox about which nothing is known but that it has changed here. */
  #isPlain(entry: LogEntry): boolean {
    if (entry.mailboxId === "" || !Pusher.mayTry(entry)) return false;
    return !this.#isSurveyed(entry) && this.#handles(entry);
  }

  #isSurveyed(entry: LogEntry): boolean {
    return entry.firstSeq <= (this.#surveyed.get(placeKey(entry)) ?? 0);
  }

  /** Reads entries that are due, many at a time: so that not every single one costs a look into the log. */
  async #read(): Promise<number> {
    const { store, peer, parallel } = this.#settings;
    const now = this.#ledger.now();
    const due = await store.log.due(peer.name, now, PUSHED_AT_ONCE + parallel + this.#busy.size);
    this.#due = due.filter((entry) => !this.#isBusy(entry));
    if (this.#due.length > 0) return Number.POSITIVE_INFINITY;
    const next = await store.log.nextDue(peer.name, now);
    return next === null ? Number.POSITIVE_INFINITY : Math.max(1, next - now);
  }

  /** Whether nothing is under way or due. */
  get isIdle(): boolean {
    return this.#due.length === 0 && this.#left.length === 0 && this.#running.size === 0;
  }

  /** Resolves when nothing is in flight any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Resolves when it is over; never rejects. */
  #run(work: Promise<void>, ended: () => void): Promise<void> {
    const running = work
      .catch((error) => this.#fail(error))
      .finally(() => {
        ended();
        this.#running.delete(running);
        this.#bell.ring();
      });
    this.#running.add(running);
    return running;
  }

  /** The own store failed: the channel begins anew, after a pause. */
  #fail(error: unknown): void {
    const { code, message } = asTandemError(error);
    this.#settings.emit({ event: "exchange-failed", code, message });
    this.#link.destroy();
  }

  /** One entry: exchanged, then removed or put back. @throws TandemError if the own store fails. */
  async #handle(entry: LogEntry): Promise<void> {
    const started = this.#ledger.now();
    const isAsked = this.#isSurveyed(entry);
    this.#surveyed.delete(placeKey(entry));
    try {
      const outcome = this.#handles(entry) ? await this.#exchange(entry, isAsked) : NOTHING_TO_DO;
      if (outcome.kind === "left") await this.#ledger.leaveToOther([entry], this.#settings.incoming.has(entry));
      if (outcome.kind === "done" || outcome.kind === "nothing") await this.#ledger.settle([entry]);
      else if (isAsked) this.#keepAsking(entry);
      if ("counts" in outcome) this.#ledger.tell(entry, transferredIn(outcome.counts), started);
    } catch (error) {
      if (isAsked) this.#keepAsking(entry);
      if (!this.#link.over && !isTandemError(error, "disconnected"))
        await this.#ledger.putBack([entry], asTandemError(error));
    }
    this.#release(entry);
  }

  /** What it has to be asked about is not done yet; a survey may have said so once more. */
  #keepAsking(entry: LogEntry): void {
    if (!this.#surveyed.has(placeKey(entry))) this.#surveyed.set(placeKey(entry), entry.seq);
  }

  async #exchange(entry: LogEntry, isAsked: boolean): Promise<Outcome> {
    const { account, mailboxId, allowed } = entry;
    const leaves = this.#leaves(entry);
    const yields = leaves === "all";
    if (mailboxId === "") {
      const issues = await this.#tree(account, { allowed, yields });
      if (issues === null) return LEFT;
      throwFirst(issues);
      return NOTHING_TO_DO;
    }
    const isContended = entry.error?.code === "conflict";
    const ask = (entry.failures > 0 && !isContended) || isAsked;
    let issues: TreeIssues = [];
    for (let attempt = 0; attempt < TREE_ATTEMPTS; attempt++) {
      const outcome = await this.#link.exchange.mailbox(entry, { allowed, ask, leaves });
      if (outcome.kind !== "tree") return outcome;
      issues = await this.#tree(account, { allowed, yields });
      if (issues === null) return LEFT;
    }
    throwFirst(issues);
    throw new TandemError("conflict", "The account's mailboxes were changed during every attempt; it is tried again.");
  }

  #leaves(entry: LogEntry): Leaves {
    const { failures, error } = entry;
    // Left to the other node, a mailbox with an unreadable message would not tell of it (scenario 22).
    if (error?.code === "body-unreadable") return "nothing";
    if (failures > MOST_YIELDS && !this.#settings.incoming.has(entry)) return "nothing";
    if (this.#link.isPolite) return "all";
    const mayCallBack = this.#ledger.now() - this.#began < CALL_BACK_MS;
    return this.#link.isMaster || mayCallBack ? "news" : "nothing";
  }

  /** One exchange of an account's trees at a time; whoever comes meanwhile waits for that one. */
  #tree(account: string, wish: AccountWish): Promise<TreeIssues> {
    const running = this.#trees.get(account);
    if (running !== undefined) return running;
    const work = this.#exchangeTree(account, wish).finally(() => this.#trees.delete(account));
    this.#trees.set(account, work);
    return work;
  }

  async #exchangeTree(account: string, wish: AccountWish): Promise<TreeIssues> {
    const outcome = await this.#link.exchange.account(account, wish);
    if (outcome === null) return null;
    const { places, issues, stranded } = outcome;
    // Both nodes run this: whichever has both mailboxes makes them one.
    for (const { mailboxId, into } of stranded) await absorbMailbox(this.#settings.store, account, mailboxId, into);
    await this.#add(places);
    return issues;
  }

  async #add(places: readonly SurveyedPlace[]): Promise<void> {
    const { store, peer } = this.#settings;
    for (const place of places) if (place.ask) this.#surveyed.set(placeKey(place), UNKNOWN_SEQ);
    for (const piece of pieces(places, ADDED_AT_ONCE)) await store.log.add(peer.name, piece);
  }
}

function transferredIn(counts: SyncCounts): Transferred {
  const { recordsSent, recordsReceived, bodiesSent, bodiesReceived } = counts;
  return { records: recordsSent + recordsReceived, bodies: bodiesSent + bodiesReceived };
}

function throwFirst(issues: readonly SyncIssue[]): void {
  const [issue] = issues;
  if (issue !== undefined) throw new TandemError(issue.code, issue.message);
}
