/**
 * The last of many texts: a set that forgets the oldest, so that it stays small however long a connection lasts.
 */
export class RecentSet {
  readonly #least: number;
  #young = new Set<string>();
  #old = new Set<string>();

  /** @param least how many are kept at least; twice as many at most. */
  constructor(least: number) {
    this.#least = least;
  }

  has(item: string): boolean {
    return this.#young.has(item) || this.#old.has(item);
  }

  add(item: string): void {
    if (this.#young.size >= this.#least) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(item);
  }
}
