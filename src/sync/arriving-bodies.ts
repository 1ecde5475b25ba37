/**
 * Which messages are on their way to this store, so that one needed by several mailboxes is fetched once (scenario 4).
 */
import { allEnded } from "./pool.ts";

/** Ends when a fetch is through: the messages that could not be had. */
type Fetching = Promise<readonly string[]>;

export class ArrivingBodies {
  readonly #fetching = new Map<string, Fetching>();
  /** Fetches that are through, kept while a look-up runs that may have missed what they brought. */
  #over: string[] = [];
  #lookups = 0;

  /**
   * Fetches those that nobody is fetching yet, waits for the others, and returns those that cannot be had.
   * @param lookup says which messages are lacking in the store.
   */
  async take(
    lookup: () => Promise<readonly string[]>,
    fetch: (guids: readonly string[]) => Fetching,
  ): Promise<readonly string[]> {
    const { wanted, fetches } = await this.#claim(lookup, fetch);
    const unreadable = await allEnded(fetches);
    return unreadable.flat().filter((guid) => wanted.has(guid));
  }

  async #claim(
    lookup: () => Promise<readonly string[]>,
    fetch: (guids: readonly string[]) => Fetching,
  ): Promise<{ wanted: ReadonlySet<string>; fetches: readonly Fetching[] }> {
    this.#lookups++;
    try {
      const wanted = new Set(await lookup());
      const others = new Set([...wanted].flatMap((guid) => this.#fetching.get(guid) ?? []));
      const mine = [...wanted].filter((guid) => !this.#fetching.has(guid));
      return { wanted, fetches: [this.#start(mine, fetch), ...others] };
    } finally {
      this.#lookups--;
      this.#forget();
    }
  }

  async #start(guids: readonly string[], fetch: (guids: readonly string[]) => Fetching): Fetching {
    if (guids.length === 0) return [];
    const fetching = fetch(guids);
    for (const guid of guids) this.#fetching.set(guid, fetching);
    try {
      return await fetching;
    } finally {
      this.#over.push(...guids);
      this.#forget();
    }
  }

  #forget(): void {
    if (this.#lookups > 0) return;
    for (const guid of this.#over) this.#fetching.delete(guid);
    this.#over = [];
  }
}
