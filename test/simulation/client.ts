/**
 * A mail client with a cache that asks only what has changed since it last looked (RFC 7162, QRESYNC), on whatever node it
 * is sent to.
 */
import { flagNames } from "../../src/model/flags.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import { demand } from "../merge/model/violation.ts";
import type { View } from "./view.ts";

interface Cache {
  readonly uidValidity: number;
  modseq: number;
  /** GUID and flags by UID. */
  readonly messages: Map<number, string>;
  /** Nodes it came from. */
  readonly nodes: Set<number>;
  /** Number of the last look. */
  look: number;
}

export class SimulatedClient {
  readonly #caches = new Map<string, Cache>();
  /** Some clients never go back in modseq when they come to a node that is behind. */
  readonly #keepsHighest: boolean;

  constructor(keepsHighest: boolean) {
    this.#keepsHighest = keepsHighest;
  }

  /**
   * Asks node `at` for what has changed in a mailbox; null if it is not there.
   * @throws Violation P5 if a client that was only ever here ends up with another mailbox than there is.
   */
  look(at: number, name: string, view: View | null, number: number): void {
    this.#refresh(at, name, view, number);
    const cache = this.#caches.get(name);
    if (view !== null && cache?.nodes.size === 1) this.#compare(name, cache, view);
  }

  /** As `look`, where all nodes are identical: then it does not matter where the client was before. */
  lookAtLast(at: number, view: View, number: number): void {
    this.#refresh(at, view.name, view, number);
    this.#compare(view.name, this.#caches.get(view.name) as Cache, view);
  }

  /** A node was restored to what it was at look `since`: what it told later is void. */
  forget(at: number, since: number): void {
    for (const [name, { nodes, look }] of this.#caches) if (nodes.has(at) && look > since) this.#caches.delete(name);
  }

  #refresh(at: number, name: string, view: View | null, number: number): void {
    if (view === null) {
      this.#caches.delete(name);
      return;
    }
    const { uidValidity, highestModseq, purgedModseq } = view.state;
    const old = this.#caches.get(name);
    const cache: Cache =
      old?.uidValidity === uidValidity
        ? old
        : { uidValidity, modseq: 0, messages: new Map(), nodes: new Set(), look: number };
    this.#caches.set(name, cache);
    const there = new Map(view.records.map((record) => [record.uid, record]));
    if (cache.modseq < purgedModseq)
      for (const uid of cache.messages.keys()) if (there.get(uid)?.expunged !== false) cache.messages.delete(uid);
    for (const record of view.records) if (record.modseq > cache.modseq) take(cache, record);
    cache.modseq = this.#keepsHighest ? Math.max(cache.modseq, highestModseq) : highestModseq;
    cache.nodes.add(at);
    cache.look = number;
  }

  #compare(name: string, { messages }: Cache, view: View): void {
    const there = view.records.flatMap((record) => (record.expunged ? [] : [`${record.uid}=${shown(record)}`]));
    const known = [...messages].sort(([a], [b]) => a - b).map(([uid, text]) => `${uid}=${text}`);
    demand(known.join() === there.join(), "P5", () => {
      return `a client that asks what changed in ${name} believes ${known.join(" ")}, but there is ${there.join(" ")}`;
    });
  }
}

function take({ messages }: Cache, record: IndexRecord): void {
  if (record.expunged) messages.delete(record.uid);
  else messages.set(record.uid, shown(record));
}

function shown(record: Extract<IndexRecord, { expunged: false }>): string {
  return `${record.guid.slice(0, 8)}{${flagNames(record).join(" ")}}`;
}
