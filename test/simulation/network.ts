/**
 * The network between simulated nodes: who can reach whom, and the lines that are open.
 */
import { TandemError } from "../../src/model/errors.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { generator } from "../merge/model/random.ts";
import type { SimulatedClock } from "./clock.ts";
import type { LineEvent } from "./event.ts";
import { type Direction, Line } from "./line.ts";

/** How long somebody waits who calls a node that does not answer, in milliseconds. */
const CONNECT_MS = 10_000;

interface OpenLine {
  readonly from: number;
  readonly to: number;
  readonly line: Line;
}

export class Network {
  readonly #clock: SimulatedClock;
  readonly #seed: number;
  readonly #frameMs: number;
  readonly #cut = new Set<string>();
  readonly #stalled = new Set<string>();
  #open: OpenLine[] = [];
  #made = 0;

  constructor(clock: SimulatedClock, seed: number, frameMs: number) {
    this.#clock = clock;
    this.#seed = seed;
    this.#frameMs = frameMs;
  }

  /**
   * A line from one node to another. @param accept hands the replica's end to the node that is called.
   * @throws TandemError `disconnected`, `timeout`.
   */
  async connect(from: number, to: number, accept: (end: FrameConnection) => void): Promise<FrameConnection> {
    await this.#clock.sleep(1 + this.#frameMs);
    if (this.#cut.has(pairOf(from, to))) throw new TandemError("disconnected", "The link is cut.");
    if (this.#isStalled(from, to) || this.#isStalled(to, from)) {
      await this.#clock.sleep(CONNECT_MS);
      throw new TandemError("timeout", "Nobody answered.");
    }
    // Each line has delays of its own, so that what is sent on one overtakes what is sent on another.
    const below = generator(this.#seed * 1000 + ++this.#made);
    const slowness = 1 + below(this.#frameMs);
    const opened: OpenLine = {
      from,
      to,
      line: new Line(
        this.#lineSettings(
          from,
          to,
          () => below(slowness),
          () => {
            this.#open = this.#open.filter((one) => one !== opened);
          },
        ),
      ),
    };
    this.#open.push(opened);
    accept(opened.line.replica);
    return opened.line.master;
  }

  do(event: LineEvent): void {
    switch (event.do) {
      case "cut":
        this.#cut.add(pairOf(event.a, event.b));
        for (const { line } of this.#between(event.a, event.b)) line.cut();
        break;
      case "mend":
        this.#cut.delete(pairOf(event.a, event.b));
        break;
      case "stall":
        this.#stalled.add(`${event.from}>${event.to}`);
        break;
      case "flow":
        this.#stalled.delete(`${event.from}>${event.to}`);
        for (const { line } of this.#between(event.from, event.to)) line.flow();
        break;
      case "cutAfter":
        for (const { line } of this.#between(event.a, event.b)) line.cutAfter(event.frames);
        break;
      default:
        this.#doToOne(event);
    }
  }

  /** What only one of two nodes notices. */
  #doToOne({ do: what, at, other }: Extract<LineEvent, { readonly other: number }>): void {
    for (const { from, to, line } of this.#between(at, other)) {
      if (what === "half") line.half(from === at ? "master" : "replica");
      else if (to === at) line.loseAnswer();
    }
  }

  /** Breaks all lines of a node, as its death does. */
  cutAll(at: number): void {
    for (const { from, to, line } of [...this.#open]) if (from === at || to === at) line.cut();
  }

  /** All links work. Lines that are broken for one side only are given up in their own time. */
  repair(): void {
    this.#cut.clear();
    this.#stalled.clear();
    for (const { line } of this.#open) line.flow();
  }

  #lineSettings(from: number, to: number, delay: () => number, onOver: () => void) {
    const isStalled = (direction: Direction) =>
      direction === "toReplica" ? this.#isStalled(from, to) : this.#isStalled(to, from);
    return { clock: this.#clock, delay, isStalled, onOver };
  }

  #isStalled(from: number, to: number): boolean {
    return this.#stalled.has(`${from}>${to}`);
  }

  #between(a: number, b: number): OpenLine[] {
    return this.#open.filter(({ from, to }) => pairOf(from, to) === pairOf(a, b));
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
