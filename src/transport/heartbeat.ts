/**
 * When a silent peer counts as dead: decided from progress, not from pongs alone.
 *
 * Both sides ping at every beat, also while their application does not read; so a peer that is only busy still gives
 * bytes to read. A side that has paused its own reading sees no bytes at all, and must not count that against the peer.
 */

/** What was seen until the last beat. */
export interface Pulse {
  readonly bytesRead: number;
  /** Beats in a row without a byte. */
  readonly silent: number;
}

export const FIRST_PULSE: Pulse = { bytesRead: 0, silent: 0 };

/** The pulse at one more beat; `bytesRead` since the connection began, `paused` if this side does not read just now. */
export function nextPulse(last: Pulse, bytesRead: number, paused: boolean): Pulse {
  const alive = paused || bytesRead !== last.bytesRead;
  return { bytesRead, silent: alive ? 0 : last.silent + 1 };
}
