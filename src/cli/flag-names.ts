/** Flags as a user types them. */
import { SYSTEM_FLAGS } from "../model/flags.ts";

/** The flag meant: shells swallow the backslash of a system flag, so it may be missing. */
export function flagNamed(text: string): string {
  return SYSTEM_FLAGS.find((flag) => flag.slice(1).toLowerCase() === text.toLowerCase()) ?? text;
}
