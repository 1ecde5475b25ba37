/**
 * Messages on their way into a store: gathered, so that many are made durable at once, and staged while more come in.
 *
 * Shared by all changes of one connection, since a message that came for one may be named by another.
 */
import { hash } from "node:crypto";
import type { MailboxStore } from "../store/store.ts";

/** Bytes gathered before they are staged: a disk takes a few MiB with one sync as fast as it can. */
const GATHERED_BYTES = 2 * 1024 * 1024;

export class BodyIntake {
  readonly #store: MailboxStore;
  /** What has arrived and is not staged yet. */
  readonly #arrived = new Map<string, Uint8Array>();
  #gathered: string[] = [];
  #gatheredBytes = 0;
  #staging: Promise<void> = Promise.resolve();

  constructor(store: MailboxStore) {
    this.#store = store;
  }

  /** Whether a message has arrived that the store need not know of yet. */
  has(guid: string): boolean {
    return this.#arrived.has(guid);
  }

  /** Takes messages over, each hashed; waits only while the ones before are being written. */
  async add(bodies: readonly Uint8Array[]): Promise<void> {
    for (const bytes of bodies) {
      const guid = hash("sha256", bytes, "hex");
      this.#arrived.set(guid, bytes);
      this.#gathered.push(guid);
      this.#gatheredBytes += bytes.length;
    }
    if (this.#gatheredBytes < GATHERED_BYTES) return;
    await this.#staging;
    this.#stageGathered();
  }

  /** Resolves when everything that arrived is staged. @throws what the store throws. */
  async settle(): Promise<void> {
    await this.#staging;
    this.#stageGathered();
    await this.#staging;
  }

  #stageGathered(): void {
    const guids = this.#gathered;
    if (guids.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#staging = this.#stage(guids);
    // Whoever waits for it next is told; until then a failure is not unhandled.
    this.#staging.catch(() => undefined);
  }

  async #stage(guids: readonly string[]): Promise<void> {
    const bodies = guids.map((guid) => this.#arrived.get(guid) as Uint8Array);
    try {
      await this.#store.stage(bodies, guids);
    } finally {
      for (const guid of guids) this.#arrived.delete(guid);
    }
  }
}
