/**
 * Connections whose other end has not proven yet who it is: they may be few, and not for long.
 *
 * Time and place count from the TCP connection on, through TLS and HTTP, so that a stranger that sends its bytes one by one
 * gains nothing. If there are too many, the one that has waited longest goes: an honest peer needs milliseconds.
 */
import type { Socket } from "node:net";
import { TandemError } from "../model/errors.ts";

/** A connection that is not proven yet. */
export interface Stranger {
  /** Breaks the connection. */
  cut: (why: TandemError) => void;
  /** The connection is proven, or gone: it is no stranger any more. */
  readonly leave: () => void;
  /** The TCP connection, below TLS. */
  readonly socket: Socket;
}

export class Strangers {
  readonly #most: number;
  readonly #proofMs: number;
  /** By address and port of the other end, the one that has waited longest first. */
  readonly #waiting = new Map<string, Stranger>();

  /** @param most connections. @param proofMs milliseconds each of them has. */
  constructor(most: number, proofMs: number) {
    this.#most = most;
    this.#proofMs = proofMs;
  }

  /** A new TCP connection. */
  enter(socket: Socket): void {
    const key = addressOf(socket);
    const timer = setTimeout(() => stranger.cut(lateError(key, this.#proofMs)), this.#proofMs).unref();
    const leave = () => {
      clearTimeout(timer);
      if (this.#waiting.get(key) === stranger) this.#waiting.delete(key);
    };
    const stranger: Stranger = { socket, leave, cut: () => socket.destroy() };
    socket.once("close", leave);
    this.#waiting.set(key, stranger);
    if (this.#waiting.size > this.#most) this.#makeRoom();
  }

  /** The stranger a socket belongs to, which may be the TLS layer above its own; null if it is none any more. */
  find(socket: Socket): Stranger | null {
    return this.#waiting.get(addressOf(socket)) ?? null;
  }

  #makeRoom(): void {
    const [key, oldest] = this.#waiting.entries().next().value as [string, Stranger];
    oldest.leave();
    oldest.cut(crowdedError(key));
  }
}

/** Address and port of the other end. */
export function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function lateError(peer: string, proofMs: number): TandemError {
  return new TandemError("timeout", `The peer ${peer} did not prove itself within ${proofMs} ms; check link and peer.`);
}

function crowdedError(peer: string): TandemError {
  return new TandemError("limit", `The peer ${peer} made room: too many peers have not proven themselves yet.`);
}
