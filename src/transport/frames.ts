/**
 * What both transports do alike: check a frame before it is sent, count, and name the ways a connection ends.
 */
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import type { TransportStats } from "./transport.ts";

/** `TransportStats` while it is being counted. */
export type Counters = { -readonly [Key in keyof TransportStats]: TransportStats[Key] };

/** What `send` returns as long as there is room: one promise for all frames. */
export const SENT: Promise<void> = Promise.resolve();

export function newCounters(): Counters {
  return { framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0 };
}

/** Why `frame` cannot be sent, or null. An empty frame is how a transport says that none follows. */
export function frameFault(frame: Uint8Array): TandemError | null {
  if (frame.length === 0) return new TandemError("invalid-argument", "An empty frame cannot be sent.");
  if (frame.length <= MAX_FRAME_BYTES) return null;
  return new TandemError("limit", `A frame has ${frame.length} bytes; ${MAX_FRAME_BYTES} are allowed.`);
}

export function destroyedError(): TandemError {
  return new TandemError("disconnected", "The connection was closed on this side.");
}

export function endedError(): TandemError {
  return new TandemError("disconnected", "Nothing can be sent any more: this side said that no frame follows.");
}

export function goneError(peer: string): TandemError {
  return new TandemError("disconnected", `The peer ${peer} went away; try again when it is reachable.`);
}
