/**
 * A WebSocket as a `FrameConnection`: pulled, bounded in both directions, with an end of its own.
 *
 * WebSocket has no half-close: a side that gets a Close frame may not send any more. So an empty binary message says
 * "no frame follows from me"; when both sides have said so, the WebSocket is closed.
 */
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import {
  FIRST_FRAME_MS,
  MAX_SILENT_PINGS,
  PING_MS,
  RECEIVE_BUFFER_BYTES,
  RECEIVE_BUFFER_FRAMES,
  SEND_BUFFER_BYTES,
} from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import { destroyedError, endedError, frameFault, goneError, newCounters, SENT } from "./frames.ts";
import { FIRST_PULSE, nextPulse } from "./heartbeat.ts";
import { FrameQueue } from "./queue.ts";
import type { FrameConnection } from "./transport.ts";

const END = new Uint8Array(0);
const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_NO_CODE = 1005;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_BIG = 1009;
const IN_ORDER: readonly number[] = [CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_NO_CODE];

/** How a connection was made, and its times. */
export interface ConnectionOptions {
  readonly socket: Socket;
  readonly peerAddress: string;
  /** The side that connected masks what it sends. */
  readonly client: boolean;
  /** Milliseconds between pings. */
  readonly pingMs?: number;
  /** Milliseconds until the first frame must be there; an accepting side only. */
  readonly firstFrameMs?: number;
}

/** Bytes of a frame of `length` bytes on the wire (RFC 6455 section 5.2). */
export function wireBytes(length: number, masked: boolean): number {
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  return 2 + lengthBytes + (masked ? 4 : 0) + length;
}

export class WebSocketConnection implements FrameConnection {
  readonly stats = newCounters();
  readonly peerAddress: string;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #client: boolean;
  readonly #queue: FrameQueue;
  readonly #beats: NodeJS.Timeout;
  readonly #firstFrame: NodeJS.Timeout | undefined;
  /** Why nothing can be sent any more, or null. */
  #closed: TandemError | null = null;
  #ending: Promise<void> | null = null;
  #peerEnded = false;
  #peerHalfClosed = false;

  /** Must be called before any message can have arrived. */
  constructor(ws: WebSocket, options: ConnectionOptions) {
    this.#ws = ws;
    this.#socket = options.socket;
    this.#client = options.client;
    this.peerAddress = options.peerAddress;
    this.#queue = new FrameQueue({ bytes: RECEIVE_BUFFER_BYTES, frames: RECEIVE_BUFFER_FRAMES }, () => ws.resume());
    this.#beats = this.#startBeats(options.pingMs ?? PING_MS);
    if (!options.client) this.#firstFrame = this.#startFirstFrame(options.firstFrameMs ?? FIRST_FRAME_MS);
    ws.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    ws.on("error", (error) => this.#break(faultOf(error, this.peerAddress)));
    ws.on("close", (code, reason) => this.#onClose(code, reason.toString()));
  }

  send(frame: Uint8Array): Promise<void> {
    const fault = this.#closed ?? this.#closing() ?? frameFault(frame);
    if (fault !== null) return Promise.reject(fault);
    this.stats.framesSent++;
    return this.#write(frame);
  }

  async receive(): Promise<Uint8Array | null> {
    const frame = await this.#queue.next();
    if (frame !== null) this.stats.framesReceived++;
    return frame;
  }

  end(): Promise<void> {
    if (this.#ending === null) {
      const open = this.#closed === null;
      this.#closed ??= endedError();
      this.#ending = open ? this.#sendEnd() : SENT;
    }
    return this.#ending;
  }

  destroy(): void {
    this.#closed ??= destroyedError();
    this.#queue.discard(destroyedError());
    this.#stopTimers();
    // A reset tells the peer that this is no end in order. TLS has none; its peer misses the end of TLS.
    if (this.#ending === null && !("encrypted" in this.#socket)) this.#socket.resetAndDestroy();
    else this.#ws.terminate();
  }

  /** The peer closed its half of the TCP connection: no frame follows, but ours still reach it. */
  peerHalfClosed(): void {
    this.#peerHalfClosed = true;
    this.#onPeerEnd();
  }

  /** The peer has closed the WebSocket, and what is sent now would go nowhere. */
  #closing(): TandemError | null {
    return this.#ws.readyState === this.#ws.OPEN ? null : goneError(this.peerAddress);
  }

  #write(frame: Uint8Array): Promise<void> {
    this.stats.bytesSent += wireBytes(frame.length, this.#client);
    if (this.#ws.bufferedAmount <= SEND_BUFFER_BYTES) {
      this.#ws.send(frame, { binary: true });
      return SENT;
    }
    return new Promise((resolve, reject) => {
      this.#ws.send(frame, { binary: true }, (error) => {
        if (error) reject(this.#closed ?? goneError(this.peerAddress));
        else resolve();
      });
    });
  }

  /** Never fails: a line that breaks meanwhile shows at `receive`. */
  async #sendEnd(): Promise<void> {
    this.stats.bytesSent += wireBytes(0, this.#client);
    await new Promise<void>((resolve) => this.#ws.send(END, { binary: true }, () => resolve()));
    this.#closeIfBothEnded();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    clearTimeout(this.#firstFrame);
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.#refuse(new TandemError("bad-frame", `The peer ${this.peerAddress} sent text; frames are binary.`));
      return;
    }
    this.stats.bytesReceived += wireBytes(data.length, !this.#client);
    if (data.length === 0) this.#onPeerEnd();
    else if (this.#peerEnded)
      this.#refuse(new TandemError("bad-message", `The peer ${this.peerAddress} sent a frame after its end.`));
    else {
      this.#queue.push(data);
      if (this.#queue.full) this.#ws.pause();
    }
  }

  #onPeerEnd(): void {
    this.#peerEnded = true;
    this.#queue.end();
    this.#closeIfBothEnded();
  }

  #closeIfBothEnded(): void {
    if (this.#ending === null || !this.#peerEnded) return;
    this.#stopTimers();
    this.#ws.resume();
    this.#ws.close(CLOSE_NORMAL);
    if (this.#peerHalfClosed) this.#socket.end();
  }

  #onClose(code: number, reason: string): void {
    if (IN_ORDER.includes(code)) this.#queue.end();
    this.#break(closeFault(code, reason, this.peerAddress));
  }

  /** The line is gone, because of `error` if nothing else came first. */
  #break(error: TandemError): void {
    this.#closed ??= error;
    this.#queue.fail(error);
    this.#stopTimers();
  }

  /** The peer did what it must not do: it is told by a close code, and nothing more is read. */
  #refuse(error: TandemError): void {
    this.#break(error);
    this.#ws.close(error.code === "bad-frame" ? CLOSE_UNSUPPORTED : CLOSE_POLICY, error.code);
    this.#socket.destroySoon();
  }

  #startBeats(pingMs: number): NodeJS.Timeout {
    let pulse = FIRST_PULSE;
    return setInterval(() => {
      pulse = nextPulse(pulse, this.#socket.bytesRead, this.#ws.isPaused || this.#peerHalfClosed);
      if (pulse.silent >= MAX_SILENT_PINGS) this.#giveUp(`gave no sign of life for ${pulse.silent * pingMs} ms`);
      else if (this.#ws.bufferedAmount === 0) this.#ws.ping();
    }, pingMs).unref();
  }

  #startFirstFrame(firstFrameMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#giveUp(`sent no frame within ${firstFrameMs} ms`, "timeout"), firstFrameMs).unref();
  }

  #giveUp(why: string, code: "disconnected" | "timeout" = "disconnected"): void {
    this.#break(new TandemError(code, `The peer ${this.peerAddress} ${why}; check the link and the peer.`));
    this.#ws.terminate();
  }

  #stopTimers(): void {
    clearInterval(this.#beats);
    clearTimeout(this.#firstFrame);
  }
}

/** An error of the WebSocket library in our words. */
function faultOf(error: Error & { code?: string }, peer: string): TandemError {
  const code = error.code ?? "";
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" || code === "WS_ERR_TOO_MANY_BUFFERED_PARTS")
    return new TandemError("limit", `The peer ${peer} sent a frame that is too large.`, { cause: error });
  if (code.startsWith("WS_ERR_"))
    return new TandemError("bad-frame", `The peer ${peer} broke the WebSocket protocol (${error.message}).`);
  return new TandemError("disconnected", `The connection to ${peer} broke (${code || error.message}); try again.`, {
    cause: error,
  });
}

function closeFault(code: number, reason: string, peer: string): TandemError {
  if (code === CLOSE_TOO_BIG) return new TandemError("limit", `The peer ${peer} refused a frame as too large.`);
  if (reason === "") return goneError(peer);
  return new TandemError("disconnected", `The peer ${peer} closed the connection (${code}: ${reason}).`);
}
