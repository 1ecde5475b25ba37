/**
 * Messages on their way into a store: gathered, so that many are made durable at once, and staged while more come in.
 *
 * Shared by all changes of one connection, since a message that came for one may be named by another.
 */
import { hash } from "node:crypto";
import { prefixOf } from "../model/guid-prefix.ts";
import type { MailboxStore } from "../store/store.ts";
import { allEnded } from "./pool.ts";

/** Bytes gathered before they are staged: a disk takes a few MiB with one sync as fast as it can. */
const GATHERED_BYTES = 2 * 1024 * 1024;

/** Messages that are staged together. */
class Gathered {
  readonly bodies: Uint8Array[] = [];
  readonly guids: string[] = [];
  readonly #prefixes = new Set<number>();
  /** The same as `guids`, made when one of the same prefix is asked for: as a rule none is. */
  #known: Set<string> | null = null;
  bytes = 0;

  has(guid: string): boolean {
    if (!this.#prefixes.has(prefixOf(guid))) return false;
    this.#known ??= new Set(this.guids);
    return this.#known.has(guid);
  }

  add(body: Uint8Array): void {
    const guid = hash("sha256", body, "hex");
    this.bodies.push(body);
    this.guids.push(guid);
    this.#prefixes.add(prefixOf(guid));
    this.#known?.add(guid);
    this.bytes += body.length;
  }
}

export class BodyIntake {
  readonly #store: MailboxStore;
  #gathered = new Gathered();
  /** What is being staged. */
  readonly #leaving = new Set<Gathered>();
  #staging: Promise<void> = Promise.resolve();

  constructor(store: MailboxStore) {
    this.#store = store;
  }

  /** Whether a message has arrived that the store need not know of yet. */
  has(guid: string): boolean {
    if (this.#gathered.has(guid)) return true;
    for (const leaving of this.#leaving) if (leaving.has(guid)) return true;
    return false;
  }

  /** Takes messages over, each hashed; waits only while the ones before are being written. */
  async add(bodies: readonly Uint8Array[]): Promise<void> {
    for (const body of bodies) this.#gathered.add(body);
    if (this.#gathered.bytes < GATHERED_BYTES) return;
    await this.#staged();
    this.#stageGathered();
  }

  /** Resolves when everything that arrived is staged. @throws what the store throws. */
  async settle(): Promise<void> {
    await this.#staged();
    this.#stageGathered();
    await this.#staged();
  }

  /**
   * A failure is told to those who wait for it, then forgotten: a disk that was full may have room again, and what was not
   * staged is found missing when a record names it.
   */
  async #staged(): Promise<void> {
    const staging = this.#staging;
    try {
      await staging;
    } catch (error) {
      if (this.#staging === staging) this.#staging = Promise.resolve();
      throw error;
    }
  }

  #stageGathered(): void {
    const gathered = this.#gathered;
    if (gathered.guids.length === 0) return;
    this.#gathered = new Gathered();
    const before = this.#staging.catch(() => undefined);
    this.#staging = allEnded([before, this.#stage(gathered)]).then(() => undefined);
    // Whoever waits for it next is told; until then a failure is not unhandled.
    this.#staging.catch(() => undefined);
  }

  async #stage(gathered: Gathered): Promise<void> {
    this.#leaving.add(gathered);
    try {
      await this.#store.stage(gathered.bodies, gathered.guids);
    } finally {
      this.#leaving.delete(gathered);
    }
  }
}
