/**
 * The public engine of continuous replication: a channel to each peer, and answers to those that connect here.
 */
import { isTandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { LocalFault } from "../sync/local-faults.ts";
import { OpenPlaces } from "../sync/open-places.ts";
import { type ReplicaOptions, type ServeOptions, serveMaster } from "../sync/replica.ts";
import type { FrameConnection } from "../transport/transport.ts";
import { Channel } from "./channel.ts";
import { type Environment, SYSTEM } from "./environment.ts";
import type { ReplicatorEvent } from "./events.ts";
import type { PeerOptions } from "./peer-options.ts";
import { DEFAULT_SCRUB, Scrub, type ScrubPace } from "./scrub.ts";

export interface ReplicatorOptions {
  readonly store: MailboxStore;
  /** Name of this node, as its peers know it. */
  readonly node: string;
  readonly peers: readonly PeerOptions[];
  /** Exchanges of single mailboxes at once on each channel; `DEFAULT_PARALLEL` by default. */
  readonly parallel?: number;
  /** Milliseconds after which each peer is asked again what differs; `DEFAULT_SURVEY_MS` by default. */
  readonly surveyMs?: number;
  /** How connections are answered, besides `node`. */
  readonly replica?: Omit<ReplicaOptions, "node" | "onGreeting" | "onFault">;
  /** How the store is looked through for damage; `DEFAULT_SCRUB` by default. */
  readonly scrub?: ScrubPace;
  readonly environment?: Environment;
  /** Told of everything that happens; must not throw. */
  readonly onEvent?: (event: ReplicatorEvent) => void;
}

/** Enough that the disk syncs many mailboxes at once, few enough that none waits long. */
export const DEFAULT_PARALLEL = 32;
/** A peer without a channel of its own is heard at least so often. */
export const DEFAULT_SURVEY_MS = 300_000;

export class Replicator {
  readonly #options: ReplicatorOptions;
  readonly #channels = new Map<string, Channel>();
  /** Connections that are answered, each with the store epoch of a master that may write here; null if it may not. */
  readonly #served = new Map<FrameConnection, string | null>();
  readonly #incoming = new OpenPlaces();
  readonly #scrub: Scrub;
  #running: readonly Promise<void>[] = [];
  #stopping = false;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    const { store, node, parallel = DEFAULT_PARALLEL, surveyMs = DEFAULT_SURVEY_MS } = options;
    const { environment = SYSTEM, onEvent = () => undefined, scrub = DEFAULT_SCRUB } = options;
    const givers = (account: string) => [...this.#channels.values()].flatMap((channel) => channel.giver(account) ?? []);
    this.#scrub = new Scrub({ store, environment, givers, onEvent }, scrub);
    const observed = (event: ReplicatorEvent) => {
      onEvent(event);
      this.#lookInto(event);
    };
    const onFault = (fault: LocalFault) => this.#scrub.corrected(fault);
    const isMaster = (storeEpoch: string) => [...this.#served.values()].includes(storeEpoch);
    const shared = { store, node, parallel, surveyMs, environment, onFault, isMaster, incoming: this.#incoming };
    const settings = { ...shared, onEvent: observed };
    for (const peer of options.peers) this.#channels.set(peer.name, new Channel({ ...settings, peer }));
  }

  /**
   * Starts the channels; they run until `stop`. Resolves when all of them are in the store, so that whoever waits for a
   * peer from then on finds in its channel all that the peer has to get.
   * @throws TandemError `io` if the store cannot be written to; nothing runs then.
   */
  async start(): Promise<void> {
    for (const channel of this.#channels.values()) await channel.prepare();
    if (!this.#stopping)
      this.#running = [...[...this.#channels.values()].map((channel) => channel.run()), this.#scrub.run()];
  }

  /** Answers one connection until it ends; what goes wrong with it is an event. Never throws. */
  async serve(connection: FrameConnection): Promise<void> {
    const { store, node, replica, onEvent = () => undefined } = this.#options;
    let peer = connection.peerAddress;
    const onGreeting: ReplicaOptions["onGreeting"] = (greeting, { readOnly }) => {
      peer = greeting.node || peer;
      this.#served.set(connection, readOnly ? null : greeting.storeEpoch);
      onEvent({ event: "replica-connected", peer });
      this.#channels.get(peer)?.call();
    };
    this.#served.set(connection, null);
    try {
      const onFault = (fault: LocalFault) => this.#scrub.corrected(fault);
      const incoming = this.#incoming;
      const onLeft: ServeOptions["onLeft"] = async (...left) => this.#channels.get(peer)?.left(...left);
      await serveMaster(store, connection, { ...replica, node, onGreeting, onFault, onLeft, incoming });
      onEvent({ event: "replica-ended", peer });
    } catch (error) {
      const code = isTandemError(error) ? error.code : "internal";
      const message = error instanceof Error ? error.message : String(error);
      onEvent({ event: this.#stopping ? "replica-ended" : "replica-failed", peer, code, message });
    } finally {
      this.#served.delete(connection);
    }
  }

  /**
   * Begins nothing new, lets what is in flight end, then ends all connections.
   * @param graceMs milliseconds after which what is not done is broken off; nothing is lost, it is done after the next start.
   */
  async stop(graceMs: number): Promise<void> {
    const { environment = SYSTEM } = this.#options;
    this.#stopping = true;
    this.#scrub.stop();
    for (const channel of this.#channels.values()) channel.stop();
    for (const connection of this.#served.keys()) void connection.end();
    const cancel = environment.after(graceMs, () => {
      for (const channel of this.#channels.values()) channel.breakOff();
      for (const connection of this.#served.keys()) connection.destroy();
    });
    await Promise.all(this.#running);
    cancel();
  }

  /** A mailbox whose exchange met damage is looked through at once; a peer that was reached may help with damage. */
  #lookInto({ event, code, account, mailboxId }: ReplicatorEvent): void {
    if (event === "peer-connected") this.#scrub.peerConnected();
    if (event !== "exchange-failed" || account === undefined || !mailboxId) return;
    if (code === "digest-fault" || code === "body-unreadable" || code === "body-missing")
      this.#scrub.suspect(account, mailboxId);
  }
}
