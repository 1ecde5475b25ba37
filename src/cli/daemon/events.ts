/**
 * Every event that the daemon logs: those of the replicator, and its own.
 */
import { EVENTS, type EventLevel } from "../../replicator/events.ts";

/** Events of the daemon itself, with their levels. */
export const DAEMON_EVENTS = {
  /** It listens, and its channels run. */
  started: "info",
  /** It was told to end, and lets what is in flight end. */
  stopping: "info",
  /** It has ended in order. */
  stopped: "info",
  /** Told by SIGHUP, it has read all secrets and certificates again; new connections use them. */
  "credentials-reread": "info",
  /** A secret or a certificate could not be read again; the one it had stays. */
  "credentials-failed": "warn",
  /** The space of messages that no mailbox has any more was given back. */
  compacted: "info",
  /** It could not be; it is tried again in an hour. */
  "compact-failed": "warn",
} as const satisfies Record<string, EventLevel>;

/** All names that can stand in `event` of a log line. */
export const LOG_EVENTS = { ...EVENTS, ...DAEMON_EVENTS } as const;

export type LogEventName = keyof typeof LOG_EVENTS;
