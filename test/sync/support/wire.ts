/** A connection to a node in this process that can be listened to, counted, and cut at any frame. */
import { hash } from "node:crypto";
import { decodeFrame } from "../../../protocol/frame.ts";
import type { Message } from "../../../protocol/messages/index.ts";
import { TandemError } from "../../../src/model/errors.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { type ServeOptions, serveMaster } from "../../../src/sync/replica.ts";
import { createPair } from "../../../src/transport/pair.ts";
import type { FrameConnection } from "../../../src/transport/transport.ts";

export type Direction = "toReplica" | "toMaster";

/** Counted at the master's end, the greeting apart. */
export interface WireCounts {
  framesToReplica: number;
  framesToMaster: number;
  bytesToReplica: number;
  bytesToMaster: number;
  bodiesToReplica: number;
  bodiesToMaster: number;
  bodyBytesToReplica: number;
  bodyBytesToMaster: number;
  greetingBytes: number;
}

export interface WireOptions {
  /** Told of each message before it is handed on; returns the frame to hand on in its place, if it is another. */
  readonly onMessage?: (message: Message, direction: Direction) => Uint8Array | undefined;
  /** Frame after which the line breaks, asked after each: what was handed on arrives, nothing follows. */
  readonly cutWhen?: (counts: WireCounts) => boolean;
  /** See `ServeOptions`. */
  readonly onLeft?: ServeOptions["onLeft"];
  /** Breaks the line in place of the n-th frame (from 1) in this direction, or right after it. */
  readonly cutAt?: { readonly direction: Direction; readonly frame: number; readonly when: "before" | "after" };
}

export interface Wire {
  /** The master's end. */
  readonly master: FrameConnection;
  readonly counts: WireCounts;
  /** Ends with the replica; never fails. Holds what it failed with. */
  readonly served: Promise<unknown>;
}

/** Serves `store` as a replica on a new connection. */
export function openWire(store: MailboxStore, options: WireOptions = {}): Wire {
  const [master, replica] = createPair();
  const { onLeft } = options;
  const served = serveMaster(store, replica, { node: "replica", ...(onLeft && { onLeft }) }).then(
    () => null,
    (error: unknown) => error,
  );
  const wiretap = new WiretapConnection(master, options);
  return { master: wiretap, counts: wiretap.counts, served };
}

class WiretapConnection implements FrameConnection {
  readonly counts: WireCounts = {
    framesToReplica: 0,
    framesToMaster: 0,
    bytesToReplica: 0,
    bytesToMaster: 0,
    bodiesToReplica: 0,
    bodiesToMaster: 0,
    bodyBytesToReplica: 0,
    bodyBytesToMaster: 0,
    greetingBytes: 0,
  };
  readonly #inner: FrameConnection;
  readonly #options: WireOptions;

  constructor(inner: FrameConnection, options: WireOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  get stats() {
    return this.#inner.stats;
  }

  get peerAddress(): string {
    return this.#inner.peerAddress;
  }

  get peerNames(): readonly string[] {
    return this.#inner.peerNames;
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.#isCut("toReplica", 1, "before")) throw this.#cut();
    const sent = this.#inner.send(this.#pass(frame, "toReplica"));
    if (this.#isCut("toReplica", 0, "after") || this.#options.cutWhen?.(this.counts)) this.#cut();
    await sent;
  }

  async receive(): Promise<Uint8Array | null> {
    const frame = await this.#inner.receive();
    if (frame === null) return null;
    if (this.#isCut("toMaster", 1, "before")) throw this.#cut();
    const passed = this.#pass(frame, "toMaster");
    if (this.#isCut("toMaster", 0, "after") || this.#options.cutWhen?.(this.counts)) this.#cut();
    return passed;
  }

  end(): Promise<void> {
    return this.#inner.end();
  }

  proven(): void {
    this.#inner.proven();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #isCut(direction: Direction, ahead: number, when: "before" | "after"): boolean {
    const { cutAt } = this.#options;
    const frames = direction === "toReplica" ? this.counts.framesToReplica : this.counts.framesToMaster;
    return cutAt?.direction === direction && cutAt.when === when && cutAt.frame === frames + ahead;
  }

  #cut(): TandemError {
    this.#inner.destroy();
    return new TandemError("disconnected", "The line was cut by the test.");
  }

  #pass(frame: Uint8Array, direction: Direction): Uint8Array {
    const message = decodeFrame(frame);
    const passed = this.#options.onMessage?.(message, direction) ?? frame;
    const side = direction === "toReplica" ? "ToReplica" : "ToMaster";
    this.counts[`frames${side}`]++;
    if (message.t === "challenge" || message.t === "hello") {
      this.counts.greetingBytes += passed.length;
      return passed;
    }
    this.counts[`bytes${side}`] += passed.length;
    this.counts[`bodies${side}`] += bodiesIn(message);
    this.counts[`bodyBytes${side}`] += bodyBytesIn(message);
    return passed;
  }
}

/** Messages that are complete with this frame. */
function bodiesIn(message: Message): number {
  if (message.t === "bodies" || message.t === "changes") return message.sizes.length;
  return message.t === "bodyPart" && message.offset + message.data.length === message.size ? 1 : 0;
}

function bodyBytesIn(message: Message): number {
  return message.t === "bodies" || message.t === "changes" || message.t === "bodyPart" ? message.data.length : 0;
}

/** Collects the GUIDs of messages that cross, each when it is complete. */
export class Crossings {
  readonly toReplica: string[] = [];
  readonly toMaster: string[] = [];

  readonly watch = (message: Message, direction: Direction): undefined => {
    this[direction].push(...guidsIn(message));
  };
}

function guidsIn(message: Message): string[] {
  if (message.t === "bodyPart") return message.offset + message.data.length === message.size ? [message.guid] : [];
  if (message.t !== "bodies" && message.t !== "changes") return [];
  let at = 0;
  return message.sizes.map((size) => {
    at += size;
    return hash("sha256", message.data.subarray(at - size, at), "hex");
  });
}
