/**
 * Those who want to know that the change log may have changed, each called at most once in a turn of the event loop.
 */
export class Listeners {
  readonly #listeners = new Set<() => void>();
  #call: NodeJS.Immediate | null = null;

  get size(): number {
    return this.#listeners.size;
  }

  /** The returned function ends it; the same function may be added several times. */
  add(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Calls all of them soon. Keeps a process alive for this one turn only: without that, the loop would sleep until something else happens. */
  notify(): void {
    if (this.#listeners.size === 0) return;
    this.#call ??= setImmediate(() => {
      this.#call = null;
      for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) callSafely(listener);
    });
  }

  clear(): void {
    this.#listeners.clear();
    if (this.#call !== null) clearImmediate(this.#call);
    this.#call = null;
  }
}

/** A listener's fault is its own: it is reported, and neither the store nor the other listeners notice. */
function callSafely(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
