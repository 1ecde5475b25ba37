/**
 * Whether replication is healthy, and why not: the judgement of `tandem status` and of `/healthz`.
 */
import { countMailboxes } from "../model/counted.ts";
import type { PeerStatus, StoreHealth } from "../replicator/status.ts";

/** How long a mailbox may wait for a healthy peer, in seconds. */
export const DEFAULT_MAX_LAG_SECONDS = 60;

/**
 * Why a peer is not healthy, in sentences; none if it is: connected, nothing fails, and nothing waits too long.
 * @param now milliseconds since 1970.
 */
export function complaints(status: PeerStatus, now: number, maxLagMs: number): string[] {
  return [...connectionComplaint(status), ...failureComplaints(status), ...lagComplaint(status, now, maxLagMs)];
}

/** What is damaged in the store itself, in a sentence; none if nothing is. */
export function storeComplaints({ faults }: StoreHealth): string[] {
  const [first] = faults;
  if (first === undefined) return [];
  const more = faults.length === 1 ? "" : ` and ${faults.length - 1} more`;
  return [
    `The store is damaged: ${first.message.replace(/\.$/, "")}${more}; peers that have the same are asked for it.`,
  ];
}

function connectionComplaint({ peer, connection, since, error }: PeerStatus): string[] {
  if (connection === "connected") return [];
  const when = since === null ? "" : ` since ${isoTime(since)}`;
  const why = error === null ? "" : ` (${error.code}: ${error.message.replace(/\.$/, "")})`;
  if (connection === "none")
    return [`No daemon keeps ${peer} up to date${when}${why}; start it, or forget the peer if it is gone for good.`];
  return [`${peer} is not connected${when}, but ${connection}${why}.`];
}

/** A conflict is no failure: two busy nodes have some, and what they hold up too long is told as waiting. */
function failureComplaints({ peer, accounts }: PeerStatus): string[] {
  return accounts
    .filter(({ failing, lastError }) => failing > 0 && lastError?.code !== "conflict")
    .map(({ account, failing, lastError }) => {
      const why = lastError === null ? "" : ` (${lastError.code}: ${lastError.message.replace(/\.$/, "")})`;
      return `${countMailboxes(failing)} of ${account} cannot be brought to ${peer}${why}.`;
    });
}

function lagComplaint({ peer, waiting, oldest }: PeerStatus, now: number, maxLagMs: number): string[] {
  if (oldest === null || now - oldest <= maxLagMs) return [];
  const seconds = Math.floor((now - oldest) / 1000);
  return [`${countMailboxes(waiting)} waiting for ${peer}, the oldest for ${seconds} s.`];
}

/** ISO 8601 to the second. @param ms milliseconds since 1970. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
