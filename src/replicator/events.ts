/**
 * What the replicator tells while it runs: one list of event names, the same in logs, metrics and documents.
 */
import type { ErrorCode } from "../model/errors.ts";

/** Levels as in pino. `debug`: all is well; `info`: something began or ended; `warn`: somebody may have to look. */
export type EventLevel = "debug" | "info" | "warn";

/** Every event with its level and when it is told. */
export const EVENTS = {
  /** A channel has reached its peer. */
  "peer-connected": "info",
  /** The connection of a channel ended or broke. */
  "peer-disconnected": "info",
  /** A peer cannot be reached, or refused us; told once until it is reached again. */
  "peer-unreachable": "warn",
  /** A channel has asked its peer what differs; `mailboxes` is how many may. */
  "survey-done": "debug",
  /** A mailbox, or with no `mailboxId` an account's tree, was brought together. */
  "exchange-done": "debug",
  /** It could not be; it is tried again at `nextTry`. Told at the 1st, 2nd, 4th, 8th... failure in a row. */
  "exchange-failed": "warn",
  /** The mass-deletion brake holds a plan until `tandem allow` lets it through. */
  "plan-held": "warn",
  /** Something in the own store is damaged: a digest, records, the bytes of a message, the index. `message` says what. */
  "fault-found": "warn",
  /** It is whole again, without any change to be seen. */
  "fault-repaired": "info",
  /** It could not be: no peer that is connected has it. Told at the 1st, 2nd, 4th, 8th... attempt. */
  "fault-stays": "warn",
  /** The scrub has read everything once. */
  "scrub-done": "info",
  /** The scrub could not read the store; it goes on in a minute. */
  "scrub-failed": "warn",
  /** A peer connected here. */
  "replica-connected": "debug",
  /** Its connection ended in order. */
  "replica-ended": "debug",
  /** It broke, or was refused: then `message` has the name that the peer claims, and what did not hold. */
  "replica-failed": "warn",
} as const satisfies Record<string, EventLevel>;

export type EventName = keyof typeof EVENTS;

/** One event. Fields that do not apply are left out. */
export interface ReplicatorEvent {
  readonly event: EventName;
  /** Name of the peer, or its address where it has not introduced itself; none where it is about this node alone. */
  readonly peer?: string;
  readonly account?: string;
  readonly mailboxId?: string;
  readonly code?: ErrorCode;
  readonly message?: string;
  /** Failures in a row. */
  readonly failures?: number;
  /** Milliseconds since 1970. */
  readonly nextTry?: number;
  /** Mailboxes that may differ. */
  readonly mailboxes?: number;
  /** Records and bodies that an exchange moved, both ways. */
  readonly records?: number;
  readonly bodies?: number;
  /** Messages that the scrub read. */
  readonly messages?: number;
  /** Faults of the own store that are not repaired. */
  readonly faults?: number;
  /** How long it took, in milliseconds. */
  readonly ms?: number;
}
