/**
 * How long to wait before something that failed is tried again: longer each time, up to a cap, never in step with others.
 */
import type { ErrorCode } from "../model/errors.ts";

interface Delays {
  /** Milliseconds before the first further attempt. */
  readonly first: number;
  readonly most: number;
}

/** A peer that cannot be reached. When it comes back it calls here, as a rule, long before the cap. */
const LINK: Delays = { first: 250, most: 30_000 };
/** Somebody else wrote to the same mailbox, or the other node did the same exchange: it is over soon. */
const CONTENTION: Delays = { first: 20, most: 500 };
/** An administrator has to do something. */
const HELD: Delays = { first: 30_000, most: 600_000 };
/** Something of the own store is damaged, and no peer has it. One that comes back is asked at once. */
const FAULT: Delays = { first: 5_000, most: 3_600_000 };
/** All other failures of a mailbox. */
const FAILURE: Delays = { first: 1_000, most: 600_000 };

const BY_CODE: Partial<Record<ErrorCode, Delays>> = { conflict: CONTENTION, brake: HELD, refused: HELD };

/** Milliseconds until a peer is called again after `failures` attempts in a row. @param random from 0 up to 1. */
export function linkDelay(failures: number, random: number): number {
  return grown(LINK, failures, random);
}

/** Milliseconds until a mailbox is tried again after `failures` attempts in a row, the last with `code`. */
export function entryDelay(code: ErrorCode, failures: number, random: number): number {
  return grown(BY_CODE[code] ?? FAILURE, failures, random);
}

/** Milliseconds until a fault of the own store is tried to be repaired again after `failures` attempts in a row. */
export function faultDelay(failures: number, random: number): number {
  return grown(FAULT, failures, random);
}

/** Doubled with each failure; between half and the whole of it, so that many that failed at once do not come back at once. */
function grown({ first, most }: Delays, failures: number, random: number): number {
  const delay = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return Math.round(delay * (0.5 + random / 2));
}
