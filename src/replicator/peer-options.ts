/**
 * What the replicator has to know of a peer it brings changes to.
 */
import type { Credential } from "../sync/trust.ts";
import type { FrameConnection } from "../transport/transport.ts";

export interface PeerOptions {
  /** The node's name; its channel in the change log has the same. */
  readonly name: string;
  /** Opens a connection to it. @throws TandemError if it cannot be reached. */
  readonly connect: () => Promise<FrameConnection>;
  /** What this node proves itself with to the peer, asked for at each connection; without it nothing is proven. */
  readonly credential?: () => Credential;
  /** True for the accounts that go to this peer. */
  readonly handles: (account: string) => boolean;
  /** The peer may not change anything here: what it has of its own is not taken over, but reported as `refused`. */
  readonly readOnly: boolean;
}
