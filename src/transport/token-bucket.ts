/**
 * A token bucket: how long to wait so that events keep to a rate, short bursts apart.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  /** Tokens left; below zero for events that were counted in advance. */
  #tokens: number;
  #at: number;

  /** @param perSecond rate. @param burst events that may come at once after a pause. @param now milliseconds. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Counts one event at `now` (milliseconds, never falling) and says how many milliseconds to wait before the next. */
  take(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs) - 1;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }
}
