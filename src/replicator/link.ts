/**
 * One connection of a channel to its peer, from the greeting to the end.
 */
import { TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import { limitedStore } from "../sync/access.ts";
import { BulkMerge } from "../sync/bulk-merge.ts";
import { BulkPush } from "../sync/bulk-push.ts";
import { ChannelExchange } from "../sync/channel-exchange.ts";
import type { OnFault } from "../sync/local-faults.ts";
import { LocalPeer } from "../sync/local-peer.ts";
import type { RemotePeer } from "../sync/remote-peer.ts";
import type { Giver } from "../sync/repair.ts";
import { openRemote } from "../sync/session.ts";
import type { Access, MasterTrust } from "../sync/trust.ts";
import type { FrameConnection } from "../transport/transport.ts";

export class Link {
  readonly exchange: ChannelExchange;
  readonly bulk: BulkPush;
  /** Null if the peer may not change anything here. */
  readonly merger: BulkMerge | null;
  /** The peer as a source of what is damaged here. */
  readonly giver: Giver;
  /** Store epoch of the peer. */
  readonly peerEpoch: string;
  readonly #connection: FrameConnection;
  readonly #remote: RemotePeer;
  readonly #comesAfter: boolean;
  readonly #isMaster: () => boolean;
  #over = false;

  private constructor(
    connection: FrameConnection,
    remote: RemotePeer,
    ways: Pick<Link, "exchange" | "bulk" | "merger"> & {
      readonly comesAfter: boolean;
      readonly isMaster: () => boolean;
    },
    onOver: () => void,
  ) {
    this.#connection = connection;
    this.#remote = remote;
    this.exchange = ways.exchange;
    this.bulk = ways.bulk;
    this.merger = ways.merger;
    this.#comesAfter = ways.comesAfter;
    this.#isMaster = ways.isMaster;
    this.giver = remote;
    this.peerEpoch = remote.storeEpoch;
    void remote.ended.then(() => {
      this.#over = true;
      onOver();
    });
  }

  /**
   * Greets the node behind a connection.
   * @param onOver called once the connection has ended or broken.
   * @throws TandemError `denied`, `version`, `disconnected`; `invalid-argument` if the node is this one.
   */
  static async open(
    store: MailboxStore,
    connection: FrameConnection,
    options: {
      readonly node: string;
      /** What the peer may see and change here. */
      readonly access: Access;
      readonly trust?: MasterTrust | undefined;
      readonly onFault?: OnFault | undefined;
      /** Whether the node of this store epoch is connected here, and may bring mailboxes together itself. */
      readonly isMaster: (storeEpoch: string) => boolean;
    },
    onOver: () => void,
  ): Promise<Link> {
    const remote = await openRemote(store, connection, options.node, options.trust);
    if (remote.storeEpoch === store.storeEpoch) {
      connection.destroy();
      throw new TandemError(
        "invalid-argument",
        "The peer has this very store, or a copy of its directory: give each node a store of its own, made by Tandem.",
      );
    }
    const { readOnly } = options.access;
    // A message that the peer only names, though it is here in an account it may not see, has to come from the peer.
    const visible = limitedStore(store, { ...options.access, readOnly: false });
    const left = new LocalPeer(visible, remote.storeEpoch, options.onFault);
    const direction = readOnly ? "one-way" : "both";
    const exchange = new ChannelExchange(left, remote, { direction });
    const bulk = new BulkPush(visible, left, remote, direction);
    const merger = readOnly ? null : new BulkMerge(visible, left, remote);
    const comesAfter = store.storeEpoch > remote.storeEpoch;
    const isMaster = () => options.isMaster(remote.storeEpoch);
    return new Link(connection, remote, { exchange, bulk, merger, comesAfter, isMaster }, onOver);
  }

  /** As `merger`, for mailboxes that the peer left to this node; `store` as the peer sees it. */
  mergerOn(store: MailboxStore): BulkMerge | null {
    if (this.merger === null) return null;
    return new BulkMerge(store, new LocalPeer(store, this.peerEpoch), this.#remote);
  }

  /** Whether the peer has a channel to this node, too, and brings over what it changed. */
  get isMaster(): boolean {
    return this.#isMaster();
  }

  /** Whether this node leaves a mailbox that both changed to the other one, which brings it together itself. */
  get isPolite(): boolean {
    return this.#comesAfter && this.isMaster;
  }

  /** See `RemotePeer.isVague`. */
  get isVague(): boolean {
    return this.#remote.isVague;
  }

  /** True once nothing can be asked any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends in order: what was sent arrives. */
  async close(): Promise<void> {
    await this.#remote.close();
  }

  /** Breaks the connection at once. */
  destroy(): void {
    this.#connection.destroy();
  }
}
