/**
 * How long messages that were staged and never used are kept.
 */

/**
 * Milliseconds for which `compact` keeps a staged message that no record names yet: an interrupted exchange finds it
 * when it goes on. What a record named before is not kept. Nothing rests on it: `apply` looks again and says
 * `body-missing`.
 */
export const STAGED_KEPT_MS = 24 * 60 * 60 * 1000;
