/**
 * Tells those who watch something in the store that it may have changed, in this process and across processes.
 *
 * There is one bell for the change log and one for mailboxes, so that a daemon is not woken by what it wrote itself. A writer
 * writes one byte to the bell's file after each commit that touched what the bell is for, and watchers have the system tell
 * them. That is quick, but not sure: a writer may be killed between commit and bell, and not every file system gives notice.
 * So watchers also look at the database's version now and then. It alone decides; the bell is only a reason to look.
 */
import { closeSync, type FSWatcher, watch, writeSync } from "node:fs";
import { Listeners } from "../shared/listeners.ts";
import type { StoreOwner } from "./ownership.ts";

const LOOK_MS = 1000;
/** Without notices of the file system, this is the delay. */
const LOOK_ALONE_MS = 100;
const BYTE = Uint8Array.of(0x2a);

export class Doorbell {
  readonly #path: string;
  readonly #owner: StoreOwner;
  readonly #version: () => number;
  readonly #listeners = new Listeners();
  #file: number | null = null;
  #notices: FSWatcher | null = null;
  #looks: NodeJS.Timeout | null = null;
  #seen = 0;
  #isTouched = false;
  #closed = false;

  /** @param version a number that is another one after each commit of another connection. */
  constructor(path: string, owner: StoreOwner, version: () => number) {
    this.#path = path;
    this.#owner = owner;
    this.#version = version;
  }

  /** See `ChangeLog.watch`. */
  watch(listener: () => void): () => void {
    if (this.#closed) return () => {};
    const end = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      end();
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** What the bell is for was written, in a transaction that is not committed yet. */
  touch(): void {
    this.#isTouched = true;
  }

  /** To be called after each commit of this process. */
  ringIfTouched(): void {
    if (!this.#isTouched) return;
    this.#isTouched = false;
    this.#listeners.notify();
    try {
      this.#file ??= this.#open();
      writeSync(this.#file, BYTE, 0, 1, 0);
    } catch {
      // The change is committed and must not seem to fail. Watchers find it when they look.
    }
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#stop();
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #start(): void {
    try {
      this.#seen = this.#version();
      this.#file ??= this.#open();
      // A removed or replaced file would never give notice again.
      this.#notices = watch(this.#path, { persistent: false }, (event) =>
        event === "rename" ? this.#lookAlone() : this.#look(),
      );
      this.#notices.on("error", () => this.#lookAlone());
      this.#lookEvery(LOOK_MS);
    } catch {
      this.#lookAlone();
    }
  }

  #stop(): void {
    this.#notices?.close();
    this.#notices = null;
    if (this.#looks !== null) clearInterval(this.#looks);
    this.#looks = null;
  }

  #lookAlone(): void {
    this.#stop();
    if (this.#listeners.size > 0) this.#lookEvery(LOOK_ALONE_MS);
  }

  #lookEvery(milliseconds: number): void {
    this.#looks = setInterval(() => this.#look(), milliseconds).unref();
  }

  #look(): void {
    try {
      const version = this.#version();
      if (version === this.#seen) return;
      this.#seen = version;
    } catch {
      // Whoever is called reads the store, and meets the failure where it can be told.
    }
    this.#listeners.notify();
  }

  #open(): number {
    return this.#owner.open(this.#path);
  }
}
