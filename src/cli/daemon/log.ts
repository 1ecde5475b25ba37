/**
 * The daemon's log: one JSON line on stderr for each event, nothing as long as all is well.
 */
import { LOG_EVENTS, type LogEventName } from "./events.ts";

/** Logs an event with its fields, at the level of the event. */
export type Log = (event: { readonly event: LogEventName } & Readonly<Record<string, unknown>>) => void;

/**
 * Opens the log. A line is written before the call returns, so that none is lost when the process is killed.
 * @param level least level that is written, one of pino's.
 */
export async function openLog(level: string): Promise<Log> {
  const { default: pino } = await import("pino");
  const destination = pino.destination({ dest: 2, sync: true });
  // A log that cannot be written, its disk being full, must not end replication.
  destination.on("error", () => {});
  const logger = pino({ name: "tandem", level }, destination);
  return (event) => logger[LOG_EVENTS[event.event]](event, event.event);
}
