/**
 * The first 32 bits of a GUID as a number: to look for one among many without hashing and comparing 64 digits.
 */
import type { Guid } from "./record.ts";

const DIGITS = 8;
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

/** Signed: for a number of 2^31 and more the engine would make an object, and hash that. */
export function prefixOf(guid: Guid): number {
  let prefix = 0;
  for (let at = 0; at < DIGITS; at++) prefix = (prefix << 4) | (VALUES[guid.charCodeAt(at)] as number);
  return prefix;
}
