/**
 * A bell that one task waits for: ringing wakes it, and a ring while it is busy is not lost.
 */
import type { Environment } from "./environment.ts";

export class Bell {
  readonly #environment: Environment;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** Resolves at the next ring, at once if it rang since the last wait, and at the latest after `ms` milliseconds. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const cancel = this.#environment.after(ms, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#rung = false;
  }
}
