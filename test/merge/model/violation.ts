/**
 * What the model says when the merge rule breaks a promise.
 */

/**
 * What the model holds the rule to: the promises; `delta`, that a delta, whole lists, a plain copy and the walker agree;
 * `guard`, that a store would not refuse the change.
 */
export type Broken = "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7" | "P8" | "P9" | "P10" | "P11" | "delta" | "guard";

/** A broken promise, with the facts. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly broken: Broken;

  constructor(broken: Broken, message: string) {
    super(`${broken}: ${message}`);
    this.broken = broken;
  }
}

/** @throws Violation unless `holds`; the message is only built then. */
export function demand(holds: boolean, broken: Broken, message: () => string): void {
  if (!holds) throw new Violation(broken, message());
}
