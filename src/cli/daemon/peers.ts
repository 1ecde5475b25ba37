/**
 * The peers of the configuration as the engine wants them: whom to bring changes to, and whom to let in.
 */
import type { PeerOptions } from "../../replicator/peer-options.ts";
import type { Access, TrustedPeer } from "../../sync/trust.ts";
import { connectWebSocket } from "../../transport/websocket.ts";
import type { Credentials } from "./credentials.ts";
import type { PeerSettings, Settings } from "./schema.ts";

/** The peers with a URL: each gets a channel. Secrets and certificates are those of the moment it connects. */
export function channelPeers({ peers }: Settings, credentials: Credentials): PeerOptions[] {
  return peers.flatMap((peer) => {
    const { name, url, tls } = peer;
    if (url === undefined) return [];
    const connect = () => connectWebSocket(url, tls === undefined ? {} : { tls: credentials.peerTls(name) });
    const credential = () => ({ secret: credentials.secret(name), peer: name });
    return [{ name, connect, credential, access: accessOf(peer) }];
  });
}

/** Whom to let in, by the name a node gives; undefined if everybody is. */
export function admission(
  { peers }: Settings,
  credentials: Credentials,
): ((node: string) => TrustedPeer | null) | undefined {
  if (peers.length === 0) return undefined;
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return (node) => {
    const peer = byName.get(node);
    if (peer === undefined) return null;
    const { certificate = null } = peer;
    return { node, secret: credentials.secret(node), certificate, access: accessOf(peer) };
  };
}

function accessOf({ accounts, readOnly }: PeerSettings): Access {
  return { accounts: accounts ?? null, readOnly };
}
