/**
 * The daemon's compaction: once a day it gives back the space of messages that no mailbox has any more, a little at a time.
 */
import { isTandemError } from "../../model/errors.ts";
import { Bell } from "../../replicator/bell.ts";
import { type Environment, SYSTEM } from "../../replicator/environment.ts";
import type { CompactStep, MailboxStore } from "../../store/store.ts";
import type { Log } from "./log.ts";
import { DAY_MS } from "./schema.ts";

/** Under this name the store keeps when it was last compacted, in milliseconds since 1970. */
export const COMPACTION_NOTE = "compaction";

/** Most bytes read and written in a second, by its own pauses: mail never waits for it, and an idle node stays idle. */
const BYTES_PER_SECOND = 1024 * 1024;
/** After a start, in milliseconds: first comes what the peers have to get. */
const FIRST_MS = 10 * 60_000;
/** Before the next attempt where it failed. */
const FAILED_MS = 60 * 60_000;

export class Compaction {
  readonly #store: MailboxStore;
  readonly #log: Log;
  readonly #environment: Environment;
  readonly #bell: Bell;
  #stopping = false;

  constructor(store: MailboxStore, log: Log, environment: Environment = SYSTEM) {
    this.#store = store;
    this.#log = log;
    this.#environment = environment;
    this.#bell = new Bell(environment);
  }

  /** Runs until `stop`; never throws. */
  async run(): Promise<void> {
    for (let waitMs = FIRST_MS; ; ) {
      await this.#bell.wait(waitMs);
      if (this.#stopping) return;
      waitMs = await this.#turn().catch((error: unknown) => this.#failed(error));
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#bell.ring();
  }

  /** Compacts if a day is over; returns for how many milliseconds to do nothing then. */
  async #turn(): Promise<number> {
    const { now } = this.#environment;
    const started = now();
    const waitMs = Number(await this.#store.note(COMPACTION_NOTE)) + DAY_MS - started;
    // A clock that was set back must not put it off for long.
    if (waitMs > 0 && waitMs <= DAY_MS) return waitMs;
    const { bodiesDropped, bytesFreed } = await this.#store.compact({ onStep: (step) => this.#pause(step) });
    await this.#store.writeNote(COMPACTION_NOTE, String(now()));
    this.#log({ event: "compacted", messages: bodiesDropped, bytes: bytesFreed, ms: now() - started });
    return DAY_MS;
  }

  /** What it throws ends the compaction. */
  async #pause({ bytes }: CompactStep): Promise<void> {
    await this.#bell.wait((1000 * bytes) / BYTES_PER_SECOND);
    if (this.#stopping) throw new Error("stopped");
  }

  #failed(error: unknown): number {
    if (this.#stopping) return 0;
    const code = isTandemError(error) ? error.code : "internal";
    this.#log({ event: "compact-failed", code, message: error instanceof Error ? error.message : String(error) });
    return FAILED_MS;
  }
}
