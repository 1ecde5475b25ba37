/**
 * What a channel notes in the store about its connection, so that `status` can tell of it from another process.
 */
import { z } from "zod";
import { ERROR_CODES } from "../model/errors.ts";

const noteSchema = z.object({
  /** `starting`: never connected yet; `disconnected`: lost a moment ago; `unreachable`: could not be reached since. */
  state: z.enum(["starting", "connected", "disconnected", "unreachable", "stopped"]),
  /** When this was noted; a running channel notes it every quarter of a minute. Milliseconds since 1970. */
  at: z.number(),
  /** Since when it is in this state. */
  since: z.number(),
  /** Why it is not connected. */
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }).nullable(),
  /** When the peer is called again, if it is not connected. */
  nextTry: z.number().nullable(),
});

export type ChannelNote = z.output<typeof noteSchema>;

export function formatNote(note: ChannelNote): string {
  return JSON.stringify(note);
}

/** The note, or null if there is none that this version understands. */
export function parseNote(text: string): ChannelNote | null {
  try {
    return noteSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
