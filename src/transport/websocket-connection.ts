/**
 * A WebSocket as a `FrameConnection`: pulled, bounded in both directions, with an end of its own.
 *
 * WebSocket has no half-close: a side that gets a Close frame may not send any more. So an empty binary message says
 * "no frame follows from me"; when both sides have said so, the WebSocket is closed.
 */
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import {
  FRAMES_PER_SECOND,
  MAX_FRAME_BURST,
  MAX_SILENT_PINGS,
  MAX_UNPROVEN_BYTES,
  PING_MS,
  RECEIVE_BUFFER_BYTES,
  RECEIVE_BUFFER_FRAMES,
  SEND_BUFFER_BYTES,
} from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import { lineFault } from "./faults.ts";
import { destroyedError, endedError, frameFault, goneError, newCounters, SENT } from "./frames.ts";
import { FIRST_PULSE, nextPulse } from "./heartbeat.ts";
import { FrameQueue } from "./queue.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { FrameConnection } from "./transport.ts";

const END = new Uint8Array(0);
const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_NO_CODE = 1005;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_BIG = 1009;
const IN_ORDER: readonly number[] = [CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_NO_CODE];

/** How a connection was made, and its limits. */
export interface ConnectionOptions {
  readonly socket: Socket;
  /** The TCP connection, below TLS. */
  readonly tcp: Socket;
  readonly peerAddress: string;
  readonly peerNames?: readonly string[];
  /** The side that connected masks what it sends, and chose whom it talks to. */
  readonly client: boolean;
  /** Milliseconds between pings. */
  readonly pingMs?: number;
  /** Frames and pings a second above which the connection is read no further for a while. */
  readonly framesPerSecond?: number;
  /** Milliseconds, never falling: the clock of the frame rate. */
  readonly now?: () => number;
  /** Called once when the peer has proven who it is. */
  readonly onProven?: () => void;
}

/** Bytes of a frame of `length` bytes on the wire (RFC 6455 section 5.2). */
export function wireBytes(length: number, masked: boolean): number {
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  return 2 + lengthBytes + (masked ? 4 : 0) + length;
}

export class WebSocketConnection implements FrameConnection {
  readonly stats = newCounters();
  readonly peerAddress: string;
  readonly peerNames: readonly string[];
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #tcp: Socket;
  readonly #client: boolean;
  readonly #queue: FrameQueue;
  readonly #beats: NodeJS.Timeout;
  readonly #rate: TokenBucket;
  readonly #now: () => number;
  readonly #onProven: () => void;
  /** Set while nothing is read because frames came too fast. */
  #resting: NodeJS.Timeout | undefined;
  #isProven: boolean;
  #unprovenBytes = 0;
  /** Why nothing can be sent any more, or null. */
  #closed: TandemError | null = null;
  #ending: Promise<void> | null = null;
  #peerEnded = false;
  #peerHalfClosed = false;

  /** Must be called before any message can have arrived. */
  constructor(ws: WebSocket, options: ConnectionOptions) {
    this.#ws = ws;
    this.#socket = options.socket;
    this.#tcp = options.tcp;
    this.#client = options.client;
    this.#isProven = options.client;
    this.#onProven = options.onProven ?? (() => {});
    this.peerAddress = options.peerAddress;
    this.peerNames = options.peerNames ?? [];
    this.#now = options.now ?? (() => performance.now());
    this.#rate = new TokenBucket(options.framesPerSecond ?? FRAMES_PER_SECOND, MAX_FRAME_BURST, this.#now());
    this.#queue = new FrameQueue({ bytes: RECEIVE_BUFFER_BYTES, frames: RECEIVE_BUFFER_FRAMES }, () => this.#resume());
    this.#beats = this.#startBeats(options.pingMs ?? PING_MS);
    this.#listen(ws);
  }

  #listen(ws: WebSocket): void {
    ws.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    ws.on("ping", () => this.#count());
    ws.on("pong", () => this.#count());
    ws.on("error", (error) => this.#break(lineFault(error, this.peerAddress)));
    if (!this.#isProven) this.#socket.on("data", this.#countUnproven);
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
    // A reset tells the peer that this is no end in order, over TLS too.
    if (this.#ending === null) this.#tcp.resetAndDestroy();
    this.#ws.terminate();
  }

  proven(): void {
    if (this.#isProven) return;
    this.#isProven = true;
    this.#socket.off("data", this.#countUnproven);
    this.#onProven();
  }

  /** Breaks the connection because of something that lies outside of it. */
  cut(why: TandemError): void {
    this.#break(why);
    this.#ws.terminate();
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
    this.#count();
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

  /** One more frame or ping: what comes too fast waits at the sender, since it is not read. */
  #count(): void {
    const waitMs = this.#rate.take(this.#now());
    if (waitMs === 0 || this.#resting !== undefined || this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.pause();
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
      this.#resume();
    }, waitMs);
  }

  #resume(): void {
    if (this.#resting === undefined && !this.#queue.full) this.#ws.resume();
  }

  /** What a stranger may send is bounded in bytes, so that the library holds no large frame of one. */
  readonly #countUnproven = (chunk: Buffer): void => {
    this.#unprovenBytes += chunk.length;
    if (this.#unprovenBytes <= MAX_UNPROVEN_BYTES) return;
    const what = `sent more than ${MAX_UNPROVEN_BYTES} bytes before it had proven itself`;
    this.cut(new TandemError("limit", `The peer ${this.peerAddress} ${what}; check that it is a Tandem node.`));
  };

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
      if (pulse.silent >= MAX_SILENT_PINGS) this.cut(silentError(this.peerAddress, pulse.silent * pingMs));
      else if (this.#ws.bufferedAmount === 0) this.#ws.ping();
    }, pingMs).unref();
  }

  #stopTimers(): void {
    clearInterval(this.#beats);
    clearTimeout(this.#resting);
    this.#resting = undefined;
  }
}

function silentError(peer: string, silentMs: number): TandemError {
  const what = `The peer ${peer} gave no sign of life for ${silentMs} ms`;
  return new TandemError("disconnected", `${what}; check the link and the peer.`);
}

function closeFault(code: number, reason: string, peer: string): TandemError {
  if (code === CLOSE_TOO_BIG) return new TandemError("limit", `The peer ${peer} refused a frame as too large.`);
  if (reason === "") return goneError(peer);
  return new TandemError("disconnected", `The peer ${peer} closed the connection (${code}: ${reason}).`);
}
