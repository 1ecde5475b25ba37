/**
 * The faults of a node's own store that are not repaired yet, and how far the scrub is: values, kept as notes in the store, so
 * that any process can tell of them. Pure.
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../model/errors.ts";
import { faultDelay } from "./backoff.ts";

/** One fault that is there. */
export interface OpenFault {
  readonly account: string;
  readonly mailboxId: string;
  /** A message of this GUID, records from this UID on, or with neither something else of the store. */
  readonly guid: string | null;
  readonly firstUid: number | null;
  readonly lastUid: number | null;
  readonly code: ErrorCode;
  readonly message: string;
  /** When it was found, in milliseconds since 1970. */
  readonly since: number;
  /** Attempts to repair it that failed in a row. */
  readonly failures: number;
  /** Not to be tried before, in milliseconds since 1970. */
  readonly nextTry: number;
}

const faultShape: z.ZodType<OpenFault> = z.object({
  account: z.string(),
  mailboxId: z.string(),
  guid: z.string().nullable(),
  firstUid: z.number().nullable(),
  lastUid: z.number().nullable(),
  code: z.enum(ERROR_CODES),
  message: z.string(),
  since: z.number(),
  failures: z.number(),
  nextTry: z.number(),
});

/** How far the scrub is. */
export interface ScrubState {
  /** When the round began, in milliseconds since 1970. */
  readonly started: number;
  /** When the last round ended; null if none has. */
  readonly finished: number | null;
  /** Where the round goes on: behind this UID of this mailbox; null between two rounds. */
  readonly place: { readonly account: string; readonly mailboxId: string; readonly uid: number } | null;
  /** Messages that the round has read. */
  readonly messages: number;
}

const scrubShape: z.ZodType<ScrubState> = z.object({
  started: z.number(),
  finished: z.number().nullable(),
  place: z.object({ account: z.string(), mailboxId: z.string(), uid: z.number() }).nullable(),
  messages: z.number(),
});

export const FAULTS_NOTE = "faults";
export const SCRUB_NOTE = "scrub";
/** Faults kept one by one: more would say no more, and the next round finds them anyway. */
export const MOST_FAULTS = 1000;

export const NEVER_SCRUBBED: ScrubState = { started: 0, finished: null, place: null, messages: 0 };

/** From a note; what cannot be read is as if there were none. */
export function parseFaults(note: string | null): OpenFault[] {
  return z.array(faultShape).safeParse(parsed(note)).data ?? [];
}

export function parseScrub(note: string | null): ScrubState {
  return scrubShape.safeParse(parsed(note)).data ?? NEVER_SCRUBBED;
}

/** Whether two faults are about the same thing. */
export function isSameFault(a: OpenFault, b: OpenFault): boolean {
  if (a.guid !== null || b.guid !== null) return a.guid === b.guid;
  return a.account === b.account && a.mailboxId === b.mailboxId && a.firstUid === b.firstUid && a.message === b.message;
}

/** The list with faults that were just found; one that is there already stays as it is. */
export function withFound(list: readonly OpenFault[], found: readonly OpenFault[]): OpenFault[] {
  const fresh = found.filter((fault, i) => ![...list, ...found.slice(0, i)].some((known) => isSameFault(known, fault)));
  return [...list, ...fresh].slice(0, MOST_FAULTS);
}

export function without(list: readonly OpenFault[], repaired: readonly OpenFault[]): OpenFault[] {
  return list.filter((fault) => !repaired.some((one) => isSameFault(one, fault)));
}

/** The list after an attempt at some faults failed: each waits longer than the last time. @param random from 0 up to 1. */
export function afterFailure(
  list: readonly OpenFault[],
  failed: readonly OpenFault[],
  now: number,
  random: () => number,
): OpenFault[] {
  return list.map((fault) => {
    if (!failed.some((one) => isSameFault(one, fault))) return fault;
    const failures = fault.failures + 1;
    return { ...fault, failures, nextTry: now + faultDelay(failures, random()) };
  });
}

/** Faults that somebody else may help with, and whose time has come. */
export function dueFaults(list: readonly OpenFault[], now: number): OpenFault[] {
  return list.filter((fault) => isRepairable(fault) && fault.nextTry <= now);
}

/** Milliseconds until the next one is due. */
export function untilDue(list: readonly OpenFault[], now: number): number {
  const times = list.filter(isRepairable).map(({ nextTry }) => nextTry - now);
  return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...times));
}

/** A peer is there again: whatever waits for one is due. */
export function allDue(list: readonly OpenFault[], now: number): OpenFault[] {
  return list.map((fault) => ({ ...fault, nextTry: Math.min(fault.nextTry, now) }));
}

function isRepairable({ guid, firstUid }: OpenFault): boolean {
  return guid !== null || firstUid !== null;
}

function parsed(note: string | null): unknown {
  try {
    return note === null || note === "" ? null : JSON.parse(note);
  } catch {
    return null;
  }
}
