/**
 * What the replicator has to know of a peer it brings changes to.
 */
import type { Access, Credential } from "../sync/trust.ts";
import type { FrameConnection } from "../transport/transport.ts";

export interface PeerOptions {
  /** The node's name; its channel in the change log has the same. */
  readonly name: string;
  /** Opens a connection to it. @throws TandemError if it cannot be reached. */
  readonly connect: () => Promise<FrameConnection>;
  /** What this node proves itself with to the peer, asked for at each connection; without it nothing is proven. */
  readonly credential?: () => Credential;
  /**
   * The accounts that go to this peer and may come from it, and whether it may change anything here: what a peer that only reads
   * has of its own is not taken over, but reported as `refused`. `FULL_ACCESS` for a peer that is trusted with everything.
   */
  readonly access: Access;
}
