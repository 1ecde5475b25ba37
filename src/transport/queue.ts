/**
 * Frames that have arrived and were not asked for yet: pull-based, bounded by its owner through `full`.
 */
import { TandemError } from "../model/errors.ts";

/** When a queue counts as full. It takes more all the same: whoever fills it is asked to stop. */
export interface QueueBounds {
  readonly bytes: number;
  readonly frames: number;
}

interface Waiting {
  readonly resolve: (frame: Uint8Array | null) => void;
  readonly reject: (error: TandemError) => void;
}

export class FrameQueue {
  readonly #bounds: QueueBounds;
  readonly #onRoom: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #waiting: Waiting | null = null;
  /** What follows the last frame: nothing yet, the end, or an error. */
  #close: TandemError | "open" | "end" = "open";

  /** `onRoom` is called whenever a full queue has become half empty. */
  constructor(bounds: QueueBounds, onRoom: () => void) {
    this.#bounds = bounds;
    this.#onRoom = onRoom;
  }

  get full(): boolean {
    return this.#bytes > this.#bounds.bytes || this.#frames.length > this.#bounds.frames;
  }

  push(frame: Uint8Array): void {
    if (this.#close !== "open") return;
    const waiting = this.#waiting;
    if (waiting === null) {
      this.#frames.push(frame);
      this.#bytes += frame.length;
      return;
    }
    this.#waiting = null;
    waiting.resolve(frame);
  }

  /** The next frame, null after the last. @throws TandemError the one given to `fail`. */
  next(): Promise<Uint8Array | null> {
    const frame = this.#frames.shift();
    if (frame !== undefined) {
      this.#bytes -= frame.length;
      this.#tellRoom(frame.length);
      return Promise.resolve(frame);
    }
    if (this.#close === "end") return Promise.resolve(null);
    if (this.#close !== "open") return Promise.reject(this.#close);
    if (this.#waiting !== null)
      return Promise.reject(new TandemError("internal", "Two calls wait for the next frame at once."));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** No frame follows; what is here can still be taken. */
  end(): void {
    if (this.#close !== "open") return;
    this.#close = "end";
    this.#waiting?.resolve(null);
    this.#waiting = null;
  }

  /** The line broke: what is here can still be taken, then comes the error. */
  fail(error: TandemError): void {
    if (this.#close !== "open") return;
    this.#close = error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  /** Nothing is wanted any more: drops what is here, and every call fails from now on. */
  discard(error: TandemError): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#close = error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  #tellRoom(taken: number): void {
    const { bytes, frames } = this.#bounds;
    const roomy = this.#bytes <= bytes / 2 && this.#frames.length <= frames / 2;
    const wasRoomy = this.#bytes + taken <= bytes / 2 && this.#frames.length + 1 <= frames / 2;
    if (roomy && !wasRoomy) this.#onRoom();
  }
}
