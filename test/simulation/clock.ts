/**
 * Virtual time: everything that waits in a simulated world waits for this clock, which stands still until it is moved, and
 * moves from one timer to the next as soon as nothing else is going on.
 */
import type { Environment } from "../../src/replicator/environment.ts";
import { demand } from "../merge/model/violation.ts";

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** Turns of the event loop in which nothing happens any more: everything waits for the clock. */
const CALM_TURNS = 3;
/** Turns after which what goes on will not end by itself. */
const MOST_TURNS = 20_000;

export class SimulatedClock {
  #now = Date.UTC(2026, 0, 1);
  readonly #timers: Timer[] = [];
  /** Whatever moves counts it up. */
  #moves = 0;
  /** Calls of stores that have not come back. */
  #busy = 0;

  get now(): number {
    return this.#now;
  }

  /**
   * Time and chance for whoever runs in this world.
   * @param below a generator of numbers below its argument.
   * @param offset by how many milliseconds its clock is wrong.
   * @param isAlive whether its timers still ring.
   */
  environment(below: (n: number) => number, offset = () => 0, isAlive = () => true): Environment {
    return {
      now: () => this.#now + offset(),
      random: () => below(1000) / 1000,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => below(256)),
      after: (ms, action) => this.after(ms, () => (isAlive() ? action() : undefined)),
    };
  }

  /** Says that something goes on in this turn of the event loop. */
  touch(): void {
    this.#moves++;
  }

  /** Time stands still until `work` is through: it takes none, or real time that does not count. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#moves++;
    }
  }

  /** Resolves after `ms` milliseconds of virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Calls `action` after `ms` milliseconds, unless the returned function was called before. */
  after(ms: number, action: () => void): () => void {
    this.#moves++;
    const timer = { at: this.#now + Math.max(0, ms), action };
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1] as Timer).at > timer.at) at--;
    this.#timers.splice(at, 0, timer);
    return () => {
      const place = this.#timers.indexOf(timer);
      if (place >= 0) this.#timers.splice(place, 1);
    };
  }

  /** Moves on by `ms` milliseconds; every timer on the way rings, and what it starts goes on until all is calm. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.calm();
    while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= end) {
      this.advance();
      await this.calm();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** Moves on to the next timer and lets it ring; false if there is none. */
  advance(): boolean {
    const next = this.#timers.shift();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.action();
    return true;
  }

  /** Resolves when nothing moves any more. */
  async calm(): Promise<void> {
    for (let turns = 0, all = 0, seen = this.#moves; turns < CALM_TURNS; turns++) {
      demand(this.#busy > 0 || ++all < MOST_TURNS, "P9", () => "the nodes go on and on while no time passes");
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#moves !== seen || this.#busy > 0) turns = -1;
      seen = this.#moves;
    }
  }
}
