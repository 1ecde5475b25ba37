/**
 * How frames travel. A transport knows nothing of what is in them.
 *
 * Promises of every transport (`test/contract/transport-contract.ts`): frames arrive whole, once, in order; `send`
 * waits while the peer does not read (real back-pressure, bounded memory); nothing arrives after `receive` returned null.
 */
import type { ListenTls } from "./tls.ts";

export interface TransportStats {
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Bytes on the wire, framing included. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface FrameConnection {
  /**
   * Resolves when there is room for the next frame. The frame must not be changed afterwards.
   * @throws TandemError `disconnected`, `limit`, or `invalid-argument` for an empty frame.
   */
  send(frame: Uint8Array): Promise<void>;
  /**
   * The next frame, or null once the peer ended in order. One call at a time.
   * @throws TandemError, after all frames that arrived: `disconnected` if the line broke, `timeout`, and `limit`,
   * `bad-frame` or `bad-message` if the peer broke the rules of the transport.
   */
  receive(): Promise<Uint8Array | null>;
  /**
   * Says that no frame follows, lets everything sent arrive, and closes. Receiving goes on until the peer ended too.
   * Never fails: a line that breaks meanwhile shows at `receive`.
   */
  end(): Promise<void>;
  /** Breaks the connection at once. Waiting calls fail with `disconnected`. */
  destroy(): void;
  /**
   * Says that the other end has proven who it is, or need not: from now on it is no stranger, whose time, bytes and places
   * are limited. Nothing on the side that connected.
   */
  proven(): void;
  readonly stats: TransportStats;
  /** Who is at the other end, for logs. */
  readonly peerAddress: string;
  /** Names in the verified TLS client certificate of the other end, in lower case; none if it showed no such certificate. */
  readonly peerNames: readonly string[];
}

/** Something that accepts connections. */
export interface FrameListener {
  /** Where it listens, e.g. `ws://127.0.0.1:4190`, or `wss://...` with TLS. */
  readonly address: string;
  /** Stops accepting and destroys what is still open after `graceMs`. */
  close(graceMs?: number): Promise<void>;
  /**
   * Takes another certificate and CA for all connections from now on; those that are open stay. Only there with TLS.
   * @throws TandemError `invalid-argument`; the old ones then stay.
   */
  renewTls?(tls: ListenTls): void;
}
