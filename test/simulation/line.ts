/**
 * A line between two nodes: the in-process transport twice, with something in between that delays frames, holds them back,
 * and breaks where it is told to.
 */
import { decodeFrame } from "../../protocol/frame.ts";
import { createPair } from "../../src/transport/pair.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import type { SimulatedClock } from "./clock.ts";

/** After which time without a sign of life a node gives a line up, in milliseconds. */
export const HEARTBEAT_MS = 60_000;

export interface LineSettings {
  readonly clock: SimulatedClock;
  /** Delay of the next frame, in milliseconds. */
  readonly delay: () => number;
  /** Whether frames in this direction are held back at the moment. */
  readonly isStalled: (direction: Direction) => boolean;
  /** Told once the line is broken. */
  readonly onOver: () => void;
}

export type Direction = "toReplica" | "toMaster";

export class Line {
  /** The two ends, as the nodes have them. */
  readonly master: FrameConnection;
  readonly replica: FrameConnection;
  readonly #inner: Readonly<Record<Direction, FrameConnection>>;
  readonly #settings: LineSettings;
  #isOver = false;
  #framesLeft = Number.POSITIVE_INFINITY;
  #losesAnswer = false;
  /** One side alone was told that the line is broken. */
  #isHalf = false;
  #wake: (() => void)[] = [];

  constructor(settings: LineSettings) {
    this.#settings = settings;
    const [master, fromMaster] = createPair();
    const [replica, fromReplica] = createPair();
    this.master = master;
    this.replica = replica;
    this.#inner = { toReplica: fromReplica, toMaster: fromMaster };
    void this.#pump(fromMaster, "toReplica");
    void this.#pump(fromReplica, "toMaster");
  }

  /** Breaks it for both sides. */
  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#inner.toMaster.destroy();
    this.#inner.toReplica.destroy();
    this.flow();
    this.#settings.onOver();
  }

  /** Breaks it for one side; the other goes on sending into nowhere, and notices later. */
  half(side: "master" | "replica"): void {
    this.#isHalf = true;
    this.#inner[side === "master" ? "toMaster" : "toReplica"].destroy();
  }

  cutAfter(frames: number): void {
    this.#framesLeft = Math.min(this.#framesLeft, frames);
  }

  /** Breaks in place of the next answer that something was written. */
  loseAnswer(): void {
    this.#losesAnswer = true;
  }

  /** What was held back goes on if it may. */
  flow(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #pump(from: FrameConnection, direction: Direction): Promise<void> {
    const { clock, delay } = this.#settings;
    const to = this.#inner[direction];
    try {
      for (;;) {
        const frame = await from.receive();
        clock.touch();
        await clock.sleep(delay());
        await this.#gate(direction);
        if (frame === null) return await to.end();
        if (this.#breaksBefore(frame, direction)) return this.cut();
        await to.send(frame);
        clock.touch();
        if (--this.#framesLeft <= 0) this.cut();
      }
    } catch {
      await clock.sleep(this.#isHalf ? HEARTBEAT_MS : delay());
      this.cut();
    }
  }

  /** Waits while the direction is stalled, at most until the heartbeat is missed. */
  async #gate(direction: Direction): Promise<void> {
    const { clock, isStalled } = this.#settings;
    if (!isStalled(direction)) return;
    const cancel = clock.after(HEARTBEAT_MS, () => this.cut());
    while (isStalled(direction) && !this.#isOver) await new Promise<void>((resolve) => this.#wake.push(resolve));
    cancel();
  }

  #breaksBefore(frame: Uint8Array, direction: Direction): boolean {
    if (!this.#losesAnswer || direction !== "toMaster") return false;
    const { t } = decodeFrame(frame);
    return t === "applied" || t === "agreed";
  }
}
