/**
 * The version of the protocol: both sides must speak the same one.
 *
 * History, one line for each version:
 * 1  the first
 */
export const PROTOCOL_VERSION = 1;
