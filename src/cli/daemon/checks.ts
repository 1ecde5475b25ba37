/**
 * What is wrong with settings that are each fine alone, but do not go together.
 */
import type { SettingFault } from "./faults.ts";
import type { PeerSettings, Settings } from "./schema.ts";

/** All such faults. */
export function checkTogether(settings: Settings): SettingFault[] {
  const faults = settings.peers.flatMap((peer, index) => [
    ...checkName(settings, peer, index),
    ...checkCredentials(settings, peer, index),
    ...checkPeerTls(peer, index),
  ]);
  return [...faults, ...checkOpenness(settings)];
}

/** True if the peer has to prove itself when it connects here. */
export function isProven(peer: PeerSettings): boolean {
  return peer.secretFile !== undefined || peer.secretEnv !== undefined || peer.certificate !== undefined;
}

function checkName({ node, peers }: Settings, { name }: PeerSettings, index: number): SettingFault[] {
  const path = ["peers", index, "name"];
  const first = peers.findIndex((other) => other.name === name);
  if (first < index) return [{ path, sentence: `There is a peer ${shown(name)} already; give each its own name.` }];
  if (name !== node) return [];
  const sentence = `The peer ${shown(name)} has the name of this node; give each node a name of its own, see node.`;
  return [{ path, sentence }];
}

function checkCredentials(settings: Settings, peer: PeerSettings, index: number): SettingFault[] {
  const at = (key: string) => ["peers", index, key];
  const faults: SettingFault[] = [];
  if (peer.secretFile !== undefined && peer.secretEnv !== undefined)
    faults.push({
      path: at("secretEnv"),
      sentence: "The secret is given twice, by secretFile and secretEnv; leave one of them out.",
    });
  if (peer.certificate !== undefined && settings.tls?.clientCa === undefined)
    faults.push({
      path: at("certificate"),
      sentence: "A certificate is asked of this peer, but none can be verified; give tls with cert, key and clientCa.",
    });
  if (peer.url === undefined && !isProven(peer) && !settings.unauthenticated)
    faults.push({
      path: ["peers", index],
      sentence: `The peer ${shown(peer.name)} has neither a url nor credentials; give a url, a secretFile or a certificate.`,
    });
  return faults;
}

function checkPeerTls({ url, tls }: PeerSettings, index: number): SettingFault[] {
  if (tls === undefined || (url !== undefined && /^wss:/i.test(url))) return [];
  const sentence = "These tls settings are for connections to a wss:// url; give the peer such a url.";
  return [{ path: ["peers", index, "tls"], sentence }];
}

/** Other machines are let in only if they prove who they are. */
function checkOpenness({ listen, unauthenticated, peers }: Settings): SettingFault[] {
  if (unauthenticated || isLoopback(listen.host)) return [];
  const path = ["listen"];
  const way = "or listen on 127.0.0.1, or allow it by unauthenticated: true (--allow-unauthenticated)";
  if (peers.length === 0)
    return [
      {
        path,
        sentence: `Everybody who reaches ${listen.host} would be let in; name the peers and their secrets, ${way}.`,
      },
    ];
  const open = peers.filter((peer) => !isProven(peer)).map(({ name }) => shown(name));
  if (open.length === 0) return [];
  const sentence = `${open.join(", ")} would be let in by name alone at ${listen.host}; give each peer a secretFile, ${way}.`;
  return [{ path, sentence }];
}

/** True if only this machine reaches the address. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|(0{1,4}:){7}0{0,3}1|::ffff:127(\.\d{1,3}){3})$/i.test(host);
}

function shown(name: string): string {
  return JSON.stringify(name);
}
