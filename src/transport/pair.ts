/**
 * A transport inside one process: two connected ends with a bounded queue in each direction, so back-pressure is real.
 */
import { RECEIVE_BUFFER_BYTES, RECEIVE_BUFFER_FRAMES } from "../../protocol/limits.ts";
import type { TandemError } from "../model/errors.ts";
import { destroyedError, endedError, frameFault, goneError, newCounters, SENT } from "./frames.ts";
import { FrameQueue, type QueueBounds } from "./queue.ts";
import type { FrameConnection } from "./transport.ts";

const BOUNDS: QueueBounds = { bytes: RECEIVE_BUFFER_BYTES, frames: RECEIVE_BUFFER_FRAMES };
const ADDRESS = "in-process";

/**
 * Two ends of one connection. Frames are handed over as they are: whoever sends one must not change it afterwards.
 * Bytes are counted without framing, as there is none. `bounds`: when a sender starts to wait.
 */
export function createPair(bounds: QueueBounds = BOUNDS): [FrameConnection, FrameConnection] {
  const there = new Lane(bounds);
  const back = new Lane(bounds);
  return [new PairEnd(there, back), new PairEnd(back, there)];
}

/** One direction. */
class Lane {
  readonly queue: FrameQueue;
  /** Why nothing can be sent any more, or null. */
  closed: TandemError | null = null;
  #waiting: { resolve: () => void; reject: (error: TandemError) => void }[] = [];

  constructor(bounds: QueueBounds) {
    this.queue = new FrameQueue(bounds, () => this.#release());
  }

  send(frame: Uint8Array): Promise<void> {
    this.queue.push(frame);
    if (!this.queue.full) return SENT;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** What was sent can still be received, then comes the end. */
  end(): void {
    this.closed ??= endedError();
    this.queue.end();
  }

  /** The sender broke off: it fails with `own`, the receiver with `other` after what was sent. */
  breakOff(own: TandemError, other: TandemError): void {
    this.closed ??= own;
    this.queue.fail(other);
    this.#fail(own);
  }

  /** The receiver broke off: it gets nothing more, the sender fails with `other`. */
  refuse(own: TandemError, other: TandemError): void {
    this.closed ??= other;
    this.queue.discard(own);
    this.#fail(other);
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
  }

  #fail(error: TandemError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}

class PairEnd implements FrameConnection {
  readonly stats = newCounters();
  readonly peerAddress = ADDRESS;
  readonly peerNames: readonly string[] = [];
  readonly #out: Lane;
  readonly #in: Lane;

  constructor(out: Lane, into: Lane) {
    this.#out = out;
    this.#in = into;
  }

  send(frame: Uint8Array): Promise<void> {
    const fault = this.#out.closed ?? frameFault(frame);
    if (fault !== null) return Promise.reject(fault);
    this.stats.framesSent++;
    this.stats.bytesSent += frame.length;
    return this.#out.send(frame);
  }

  async receive(): Promise<Uint8Array | null> {
    const frame = await this.#in.queue.next();
    if (frame !== null) {
      this.stats.framesReceived++;
      this.stats.bytesReceived += frame.length;
    }
    return frame;
  }

  end(): Promise<void> {
    this.#out.end();
    return SENT;
  }

  proven(): void {}

  destroy(): void {
    this.#out.breakOff(destroyedError(), goneError(ADDRESS));
    this.#in.refuse(destroyedError(), goneError(ADDRESS));
  }
}
