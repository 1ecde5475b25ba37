/**
 * What the replicator takes from the world around it, passed in so that it runs under a simulator: time and chance.
 */
import { randomBytes } from "node:crypto";

export interface Environment {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** `count` bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Calls `action` after `ms` milliseconds, unless the returned function was called before. */
  readonly after: (ms: number, action: () => void) => () => void;
}

/** The machine's own clock and random source. */
export const SYSTEM: Environment = {
  now: Date.now,
  random: Math.random,
  randomBytes: (count) => randomBytes(count),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
