/**
 * One `tandem serve` process: started with a configuration file, listened to through its log, ended by its process id.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { TandemError } from "../../src/index.ts";

/** A line of the log. Which other fields there are depends on the event. */
export interface LogLine {
  readonly event: string;
  readonly account?: string;
  readonly mailboxId?: string;
  readonly code?: string;
  readonly message?: string;
  readonly records?: number;
  readonly bodies?: number;
  readonly ms?: number;
}

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const TANDEM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
/** Lines of what it said that are kept, to be told if it dies. */
const LAST_WORDS = 5;

export class DaemonProcess {
  /** Where it listens, e.g. `ws://127.0.0.1:21034`. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process has ended, whyever. */
  readonly ended: Promise<End>;
  readonly #child: Child;
  readonly #lastWords: readonly string[];

  private constructor(child: Child, url: string, ended: Promise<End>, lastWords: readonly string[]) {
    this.#child = child;
    this.url = url;
    this.pid = child.pid ?? 0;
    this.ended = ended;
    this.#lastWords = lastWords;
  }

  /**
   * Starts it and waits until it listens.
   * @param onEvent called for each line of its log.
   * @throws TandemError `invalid-argument` with what it said, if it ends before it listens.
   */
  static async start(config: string, onEvent: (line: LogLine) => void): Promise<DaemonProcess> {
    const lastWords: string[] = [];
    // A process group of its own: Ctrl-C is for the one who started it, who ends it in order.
    const child = spawn(process.execPath, [TANDEM, "serve", "--config", config, "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: withoutLogLevel(),
    });
    const ended = new Promise<End>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
    createInterface({ input: child.stderr }).on("line", (line) => hear(line, lastWords, onEvent));
    for await (const line of createInterface({ input: child.stdout }))
      return new DaemonProcess(child, (JSON.parse(line) as { listening: string }).listening, ended, lastWords);
    await ended;
    throw new TandemError("invalid-argument", `A server did not start: ${lastWords.join(" ")}`);
  }

  /** What it said last on stderr, its log of all that went well left out. */
  get lastWords(): string {
    return this.#lastWords.join("\n");
  }

  /** Sends a signal, if it still runs. */
  tell(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<End> {
    this.tell(signal);
    return this.ended;
  }
}

/** The level in the configuration file is what the view needs. */
function withoutLogLevel(): NodeJS.ProcessEnv {
  const { TANDEM_LOG: _, ...env } = process.env;
  return env;
}

function hear(line: string, lastWords: string[], onEvent: (line: LogLine) => void): void {
  const event = parsed(line);
  if (event !== null) onEvent(event);
  if (event !== null && event.code === undefined) return;
  lastWords.push(line);
  if (lastWords.length > LAST_WORDS) lastWords.shift();
}

/** The line as an event of the log, or null if it is something else. */
function parsed(line: string): LogLine | null {
  try {
    const value = JSON.parse(line) as Partial<LogLine>;
    return typeof value.event === "string" ? (value as LogLine) : null;
  } catch {
    return null;
  }
}
