/**
 * The book of what was done and what must be there in the end: each message by its GUID, as often as it must be there.
 */
import { createHash } from "node:crypto";
import { type Counts, NO_COUNTS } from "./state.ts";

export class Ledger {
  readonly #expected = new Map<string, number>();
  #counts: Counts = NO_COUNTS;

  /** What is there before anything is done. @param guids a message that is there twice is named twice. */
  constructor(guids: readonly string[] = []) {
    for (const guid of guids) this.changed(guid, 1);
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** Counts something that was done or seen. */
  count(what: keyof Counts, by = 1): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + by };
  }

  /** Messages were accepted. */
  delivered(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) this.changed(createHash("sha256").update(bytes).digest("hex"), 1);
    this.count("delivered", messages.length);
  }

  /** A message is there `by` times more, or less often. */
  changed(guid: string, by: number): void {
    const times = (this.#expected.get(guid) ?? 0) + by;
    if (times === 0) this.#expected.delete(guid);
    else this.#expected.set(guid, times);
  }

  /** How many messages must be there, and how many of those that are there are missing or too many. */
  judge(guids: readonly string[]): { readonly expected: number; readonly missing: number; readonly doubled: number } {
    const found = new Map<string, number>();
    for (const guid of guids) found.set(guid, (found.get(guid) ?? 0) + 1);
    let [expected, missing, doubled] = [0, 0, 0];
    for (const guid of new Set([...found.keys(), ...this.#expected.keys()])) {
      const [must, is] = [this.#expected.get(guid) ?? 0, found.get(guid) ?? 0];
      expected += must;
      missing += Math.max(0, must - is);
      doubled += Math.max(0, is - must);
    }
    return { expected, missing, doubled };
  }
}
