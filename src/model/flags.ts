/**
 * Flags and keywords by name (RFC 9051 section 2.3.2): parsing, comparing and changing them with their stamps.
 */
import { TandemError } from "./errors.ts";
import type { FlagStamp, LiveRecord } from "./record.ts";

/** System flags in bit order; `\Recent` belongs to a session and is not replicated. */
export const SYSTEM_FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"] as const;

/** Longest keyword, in bytes of UTF-8: what common servers accept. */
export const MAX_KEYWORD_BYTES = 255;
/** Most keywords of one message. */
export const MAX_KEYWORDS = 1000;
/** Most different flags ever changed on one message: with the keywords, a record fits into a frame. */
export const MAX_FLAG_STAMPS = 2000;

const SYSTEM_BITS = new Map(SYSTEM_FLAGS.map((flag, bit) => [flag.toLowerCase(), 1 << bit]));

/** Flags split into the system bit set and sorted keywords, as an index record holds them. */
export interface FlagSet {
  readonly systemFlags: number;
  readonly keywords: readonly string[];
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order of keywords in a record: by lower-case form. */
export function compareKeywords(a: string, b: string): number {
  return compareText(a.toLowerCase(), b.toLowerCase());
}

/** The system flag's bit, or 0 if `flag` is a keyword. */
export function systemBit(flag: string): number {
  return SYSTEM_BITS.get(flag.toLowerCase()) ?? 0;
}

/** Why `keyword` is not a keyword (RFC 9051 `flag-keyword`: an atom; 8-bit is let through as found in real mail), or null. */
export function keywordFault(keyword: string): string | null {
  if (keyword === "") return "is empty";
  if (Buffer.byteLength(keyword) > MAX_KEYWORD_BYTES) return `is longer than ${MAX_KEYWORD_BYTES} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0020\u007f(){%*"\\\]]/.test(keyword)) return "has a character that IMAP does not allow in a keyword";
  if (!keyword.isWellFormed()) return "is not well-formed Unicode";
  return null;
}

/**
 * Flag names as a user or client gives them, to a `FlagSet`.
 * @throws TandemError `invalid-argument` for an unknown system flag or an impossible keyword.
 */
export function parseFlags(names: Iterable<string>): FlagSet {
  let systemFlags = 0;
  const keywords = new Map<string, string>();
  for (const name of names) {
    const bit = systemBit(name);
    if (bit !== 0) systemFlags |= bit;
    else {
      const fault = keywordFault(name);
      if (fault !== null) {
        const hint = name.startsWith("\\")
          ? `the system flags are ${SYSTEM_FLAGS.join(" ")}`
          : "choose another keyword";
        throw new TandemError("invalid-argument", `The flag ${JSON.stringify(name)} ${fault}; ${hint}.`);
      }
      if (!keywords.has(name.toLowerCase())) keywords.set(name.toLowerCase(), name);
    }
  }
  if (keywords.size > MAX_KEYWORDS)
    throw new TandemError("invalid-argument", `More than ${MAX_KEYWORDS} keywords on one message.`);
  return { systemFlags, keywords: [...keywords.values()].sort(compareKeywords) };
}

/** All flag names of a record, sorted as text: what `dump` prints. */
export function flagNames(flags: FlagSet): string[] {
  const names: string[] = SYSTEM_FLAGS.filter((_, bit) => (flags.systemFlags & (1 << bit)) !== 0);
  return [...names, ...flags.keywords].sort(compareText);
}

/** The flags of a record that are set, by lower-case name, with the spelling to write. */
export function flagsByName(flags: FlagSet): Map<string, string> {
  return new Map(flagNames(flags).map((name) => [name.toLowerCase(), name]));
}

/** Names of the flags that `others` lack in any spelling, in the order of `flagNames`. */
export function namesMissing(flags: FlagSet, others: FlagSet): string[] {
  const known = flagsByName(others);
  return flagNames(flags).filter((name) => !known.has(name.toLowerCase()));
}

/** The stamp of `flag` (lower-case), 0 if it was never changed since creation. */
export function stampOf(stamps: readonly FlagStamp[], flag: string): number {
  return stamps.find((stamp) => stamp.flag === flag)?.modseq ?? 0;
}

/**
 * A record with flags set and cleared under a new modseq, each really changed flag stamped with it; the same object if
 * nothing changes.
 * @throws TandemError `limit`, `invalid-argument` if the message would have too many flags.
 */
export function changeFlags(record: LiveRecord, set: FlagSet, clear: FlagSet, modseq: number): LiveRecord {
  const flags = flagsByName(record);
  const stamps = new Map(record.flagStamps.map((stamp) => [stamp.flag, stamp.modseq]));
  let changed = false;
  for (const [name, spelling] of flagsByName(set)) {
    if (flags.has(name)) continue;
    flags.set(name, spelling);
    stamps.set(name, modseq);
    changed = true;
  }
  for (const name of flagsByName(clear).keys()) {
    if (!flags.delete(name)) continue;
    stamps.set(name, modseq);
    changed = true;
  }
  if (!changed) return record;
  if (stamps.size > MAX_FLAG_STAMPS)
    throw new TandemError("limit", `More than ${MAX_FLAG_STAMPS} different flags were used on UID ${record.uid}.`);
  return { ...record, ...parseFlags(flags.values()), flagStamps: sortedStamps(stamps), modseq };
}

/** Stamps in the order a record holds them. */
export function sortedStamps(stamps: Map<string, number>): FlagStamp[] {
  return [...stamps].map(([flag, modseq]) => ({ flag, modseq })).sort((a, b) => compareText(a.flag, b.flag));
}
