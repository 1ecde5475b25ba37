/**
 * Many requests in flight on one connection: gives each a number, sorts the answers to whoever asked.
 */
import { decodeFrame, encodeBodies, encodeFrame } from "../../protocol/frame.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { TandemError } from "../model/errors.ts";
import type { FrameConnection } from "../transport/transport.ts";

export type MessageOf<T extends Message["t"]> = Extract<Message, { t: T }>;

/** The answers to one request, in order. */
export interface Request {
  readonly q: number;
  /** The next answer, one of these types. @throws TandemError what the peer said in `failed`, or `bad-message`. */
  next<T extends Message["t"]>(...types: T[]): Promise<MessageOf<T>>;
  /** No further answer is wanted; those that still come are dropped. */
  close(): void;
}

interface Waiting {
  readonly arrived: Message[];
  /** Flights that its answers, as far as they were used, ended. */
  ended: number;
  /** The flight its last message went out in. */
  flight: number;
  wake: (() => void) | null;
}

export class Requests {
  readonly #connection: FrameConnection;
  readonly #waiting = new Map<number, Waiting>();
  #nextNumber = 1;
  #failure: TandemError | null = null;
  #roundTrips = 0;

  constructor(connection: FrameConnection) {
    this.#connection = connection;
  }

  /** How many flights one after the other it took: a message counts one more than the answers used before it was sent. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Reads answers until the connection ends. Never throws: what goes wrong reaches everyone who waits. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#connection.receive();
        if (frame === null)
          throw new TandemError("disconnected", "The peer ended the connection; run it again to go on.");
        this.#dispatch(decodeFrame(frame));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  send(message: Message): Promise<void> {
    return this.#send("q" in message ? message.q : null, () => encodeFrame(message));
  }

  /** Sends whole messages for a request that is open. */
  sendBodies(q: number, bodies: readonly Uint8Array[]): Promise<void> {
    return this.#send(q, () => encodeBodies(q, bodies));
  }

  async #send(q: number | null, frame: () => Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const waiting = q === null ? undefined : this.#waiting.get(q);
    if (waiting !== undefined) waiting.flight = waiting.ended + 1;
    try {
      await this.#connection.send(frame());
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /** A new request; nothing is sent yet. */
  open(): Request {
    const q = this.#nextNumber++;
    const waiting: Waiting = { arrived: [], ended: this.#roundTrips, flight: 0, wake: null };
    this.#waiting.set(q, waiting);
    return {
      q,
      next: (...types) => this.#next(waiting, types),
      close: () => this.#waiting.delete(q),
    };
  }

  /** Sends one request that has one answer. */
  async ask<T extends Message["t"]>(make: (q: number) => Message, ...types: T[]): Promise<MessageOf<T>> {
    const request = this.open();
    try {
      await this.send(make(request.q));
      return await request.next(...types);
    } finally {
      request.close();
    }
  }

  #dispatch(message: Message): void {
    if (message.t === "error") throw new TandemError(message.code, `The peer said: ${message.message}`);
    if (!("q" in message)) throw new TandemError("bad-message", `The peer sent "${message.t}" out of place.`);
    const waiting = this.#waiting.get(message.q);
    if (waiting === undefined) return;
    waiting.arrived.push(message);
    waiting.wake?.();
  }

  async #next<T extends Message["t"]>(waiting: Waiting, types: readonly T[]): Promise<MessageOf<T>> {
    while (waiting.arrived.length === 0) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        waiting.wake = resolve;
      });
      waiting.wake = null;
    }
    const message = waiting.arrived.shift() as Message;
    waiting.ended = Math.max(waiting.ended, waiting.flight);
    this.#roundTrips = Math.max(this.#roundTrips, waiting.ended);
    if (isOneOf(message, types)) return message;
    if (message.t === "failed") throw new TandemError(message.code, message.message);
    const what = `The peer answered with "${message.t}" where ${types.join(" or ")} was due`;
    const broken = new TandemError("bad-message", `${what}; check that it is a Tandem node of the same release.`);
    this.#fail(broken);
    throw broken;
  }

  #fail(error: unknown): void {
    const said = error instanceof TandemError ? error : null;
    this.#failure = said ?? new TandemError("internal", `The connection failed: ${String(error)}`, { cause: error });
    this.#connection.destroy();
    for (const waiting of this.#waiting.values()) waiting.wake?.();
  }
}

function isOneOf<T extends Message["t"]>(message: Message, types: readonly T[]): message is MessageOf<T> {
  return (types as readonly string[]).includes(message.t);
}
