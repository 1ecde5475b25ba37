/**
 * A channel: keeps one peer up to date for as long as the node runs. Connects, lets a worker work, and when the connection
 * is lost waits and connects again.
 */
import { TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import { isVisible } from "../sync/access.ts";
import type { OnFault } from "../sync/local-faults.ts";
import type { OpenPlaces } from "../sync/open-places.ts";
import type { Met } from "../sync/push-outcome.ts";
import type { Giver } from "../sync/repair.ts";
import { linkDelay } from "./backoff.ts";
import { Bell } from "./bell.ts";
import type { Environment } from "./environment.ts";
import type { ReplicatorEvent } from "./events.ts";
import { asTandemError } from "./ledger.ts";
import { Link } from "./link.ts";
import { type ChannelNote, formatNote } from "./note.ts";
import type { PeerOptions } from "./peer-options.ts";
import { Worker } from "./worker.ts";

export interface ChannelSettings {
  readonly store: MailboxStore;
  /** Name of this node. */
  readonly node: string;
  readonly peer: PeerOptions;
  /** Exchanges of single mailboxes at once; small changes of many go out together besides. */
  readonly parallel: number;
  /** Milliseconds after which the peer is asked again what differs, though nothing told of it. */
  readonly surveyMs: number;
  readonly environment: Environment;
  readonly onEvent: (event: ReplicatorEvent) => void;
  /** Told of faults of the own store. */
  readonly onFault?: OnFault;
  /** Whether the node of this store epoch is connected here, and may bring mailboxes together itself. */
  readonly isMaster: (storeEpoch: string) => boolean;
  /** Mailboxes that something comes in for. */
  readonly incoming: OpenPlaces;
}

/**
 * Milliseconds after which a connection that began with a first copy, or after a long time apart, is made anew once all is brought
 * over: the peer then says which messages are new to it, of which there were too many before, and need not be asked about each.
 */
export const GREETING_MS = 10_000;
/** Milliseconds between two notes that the channel is alive. */
export const SIGN_OF_LIFE_MS = 15_000;

export class Channel {
  readonly #settings: ChannelSettings;
  readonly #bell: Bell;
  #note: ChannelNote = { state: "starting", at: 0, since: 0, error: null, nextTry: null };
  #peerEpoch: string | null = null;
  #link: Link | null = null;
  #worker: Worker | null = null;
  #stopping = false;
  /** The peer has connected here while it was not reached from here: no need to wait any longer. */
  #called = false;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
    this.#bell = new Bell(settings.environment);
  }

  /** Runs until `stop`; never throws. */
  async run(): Promise<void> {
    const unwatch = this.#settings.store.log.watch(this.#bell.ring);
    for (let failures = 0; !this.#stopping; ) {
      const { wasConnected, isAnew, error } = await this.#once();
      if (isAnew) continue;
      failures = wasConnected ? 1 : failures + 1;
      if (!this.#stopping) await this.#pause(failures, wasConnected, error);
    }
    unwatch();
    await this.#tell({ state: "stopped", error: null, nextTry: null });
  }

  /** Takes nothing new and lets `run` end once what is in flight is done. */
  stop(): void {
    this.#stopping = true;
    this.#bell.ring();
  }

  /** The peer as a source of what is damaged here; null if it is not connected, or does not get this account. */
  giver(account: string): Giver | null {
    return isVisible(this.#settings.peer.access, account) && this.#link?.over === false ? this.#link.giver : null;
  }

  /**
   * The peer leaves mailboxes to this node, which brings them together. Never rejects.
   * @param store this node's, as the peer sees it: so all is written as the peer itself might.
   */
  async left(storeEpoch: string, mets: readonly Met[], store: MailboxStore): Promise<void> {
    if (storeEpoch === this.#peerEpoch) await this.#worker?.take(mets, store);
  }

  /** Breaks off what is in flight. */
  breakOff(): void {
    this.#link?.destroy();
  }

  /** The peer has just connected here, so it can be reached again. */
  call(): void {
    if (this.#link !== null) return;
    this.#called = true;
    this.#bell.ring();
  }

  /** One connection, from beginning to end, and why it ended; `isAnew` if it is to be made anew at once. */
  async #once(): Promise<{ wasConnected: boolean; isAnew: boolean; error: TandemError }> {
    const { peer, node, store, environment, onFault, isMaster } = this.#settings;
    const trust = peer.credential && { credential: peer.credential(), random: environment.randomBytes };
    let wasConnected = false;
    try {
      await this.prepare();
      this.#link = await Link.open(
        store,
        await peer.connect(),
        { node, access: peer.access, trust, onFault, isMaster },
        this.#bell.ring,
      );
      wasConnected = true;
      await this.#connected(this.#link);
      await this.#work(this.#link);
      const isAnew = !this.#link.over && !this.#stopping;
      await this.#link.close();
      const error = new TandemError("disconnected", `The peer ${peer.name} ended the connection.`);
      return { wasConnected, isAnew, error };
    } catch (error) {
      this.#link?.destroy();
      return { wasConnected, isAnew: false, error: asTandemError(error) };
    } finally {
      this.#link = null;
    }
  }

  /**
   * Makes the channel in the store. One that never reached its peer has everything to bring; the log knows only what
   * changed since it was made. @throws TandemError `io`.
   */
  async prepare(): Promise<void> {
    const { store, peer } = this.#settings;
    await store.log.addChannel(peer.name);
    const row = (await store.log.channels()).find(({ name }) => name === peer.name);
    this.#peerEpoch = row?.peer ?? null;
    if (this.#peerEpoch !== null) return;
    const accounts = (await store.accounts()).filter((account) => isVisible(peer.access, account));
    const places = accounts.map((account) => ({ account, mailboxId: "" }));
    await store.log.add(peer.name, places);
  }

  async #connected(link: Link): Promise<void> {
    this.#peerEpoch = link.peerEpoch;
    this.#emit({ event: "peer-connected" });
    await this.#tell({ state: "connected", error: null, nextTry: null });
  }

  /** Lets a worker work until the link is over, or should be made anew. @throws TandemError if the survey or the own store fails. */
  async #work(link: Link): Promise<void> {
    const { store, peer, parallel, environment, surveyMs, incoming } = this.#settings;
    const emit = (event: Omit<ReplicatorEvent, "peer">) => this.#emit(event);
    const worker = new Worker({ store, peer, parallel, environment, incoming, emit }, link, this.#bell);
    this.#worker = worker;
    try {
      let nextSurvey = environment.now();
      const nextGreeting = link.isVague ? nextSurvey + GREETING_MS : Number.POSITIVE_INFINITY;
      while (!link.over && !this.#stopping) {
        const now = environment.now();
        if (isReached(nextSurvey, now, surveyMs)) {
          await worker.survey();
          nextSurvey = now + surveyMs;
        }
        if (now - this.#note.at >= SIGN_OF_LIFE_MS) await this.#tell({});
        const idleMs = await worker.startDue();
        if (worker.isIdle && now >= nextGreeting) break;
        const next = now < nextGreeting ? Math.min(nextSurvey, nextGreeting) : nextSurvey;
        await this.#bell.wait(Math.min(idleMs, Math.max(1, next - now), SIGN_OF_LIFE_MS));
      }
    } finally {
      this.#worker = null;
      await worker.ended();
    }
  }

  /** Waits before the next connection. Only the first failure in a row is told: the next ones say the same. */
  async #pause(failures: number, wasConnected: boolean, { code, message }: TandemError): Promise<void> {
    const { environment } = this.#settings;
    const delay = linkDelay(failures, environment.random());
    const nextTry = environment.now() + delay;
    // Whoever has this very store calls as often as it is called.
    const waitsForCall = code !== "invalid-argument";
    if (wasConnected) this.#emit({ event: "peer-disconnected", code, message });
    else if (this.#note.state !== "unreachable") this.#emit({ event: "peer-unreachable", code, message, nextTry });
    await this.#tell({ state: wasConnected ? "disconnected" : "unreachable", error: { code, message }, nextTry });
    while (!this.#stopping && !(this.#called && waitsForCall) && !isReached(nextTry, environment.now(), delay))
      await this.#bell.wait(nextTry - environment.now());
    this.#called = false;
  }

  #emit(event: Omit<ReplicatorEvent, "peer">): void {
    this.#settings.onEvent({ peer: this.#settings.peer.name, ...event });
  }

  /** Notes for `status`, in the store, how the connection is. A store that cannot be written to must not end the channel. */
  async #tell(change: Partial<ChannelNote>): Promise<void> {
    const { store, peer, environment } = this.#settings;
    const at = environment.now();
    const isNew = change.state !== undefined && change.state !== this.#note.state;
    this.#note = { ...this.#note, ...change, at, since: isNew ? at : this.#note.since };
    const row = { name: peer.name, peer: this.#peerEpoch, note: formatNote(this.#note) };
    await store.log.noteChannel(row).catch(() => undefined);
  }
}

/** Whether a time was reached that was at most `ms` away when it was set; also if the clock was set back since. */
function isReached(time: number, now: number, ms: number): boolean {
  return now >= time || time - now > ms;
}
