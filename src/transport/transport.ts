/**
 * How frames travel. A transport knows nothing of what is in them.
 *
 * Promises of every transport (`test/contract/transport-contract.ts`): frames arrive whole, once, in order; `send`
 * waits while the peer does not read (real back-pressure, bounded memory); nothing arrives after `receive` returned null.
 */
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
  readonly stats: TransportStats;
  /** Who is at the other end, for logs. */
  readonly peerAddress: string;
}

/** Something that accepts connections. */
export interface FrameListener {
  /** Where it listens, e.g. `ws://127.0.0.1:4190`. */
  readonly address: string;
  /** Stops accepting and destroys what is still open after `graceMs`. */
  close(graceMs?: number): Promise<void>;
}
