/**
 * SIGHUP: secrets and certificates are read again. New connections use them, those that are open stay.
 */
import type { FrameListener } from "../../transport/transport.ts";
import type { Configured } from "./configure.ts";
import type { SettingFault } from "./faults.ts";
import type { Log } from "./log.ts";
import { onHangup } from "./signals.ts";

export class Rereading {
  readonly #configured: Configured;
  readonly #log: Log;
  #listener: FrameListener | null = null;
  /** Reads no more at SIGHUP; one that comes later does nothing. */
  readonly end: () => void;

  /** Reads at each SIGHUP from now on, and logs what became of it. */
  constructor(configured: Configured, log: Log) {
    this.#configured = configured;
    this.#log = log;
    this.end = onHangup(() => this.#reread());
  }

  /** The listener that takes a new certificate. */
  listensBy(listener: FrameListener): void {
    this.#listener = listener;
  }

  async #reread(): Promise<void> {
    const { credentials, faultAt } = this.#configured;
    const faults = [...(await credentials.read()), ...this.#renewTls()];
    for (const { path, sentence } of faults)
      this.#log({ event: "credentials-failed", message: `${faultAt(path, sentence)} The one in use stays.` });
    if (faults.length === 0) this.#log({ event: "credentials-reread" });
  }

  #renewTls(): SettingFault[] {
    const tls = this.#configured.credentials.listenTls;
    if (tls === null) return [];
    try {
      this.#listener?.renewTls?.(tls);
      return [];
    } catch (error) {
      return [{ path: ["tls"], sentence: error instanceof Error ? error.message : String(error) }];
    }
  }
}
