/**
 * Progress on stderr, if that is a terminal.
 */
import { printError } from "./run.ts";

export interface Progress {
  /** More work is known of. */
  grow(count: number): void;
  /** So much of it is done. */
  tick(count: number): void;
  /** A sentence about something that went wrong, on a line of its own. */
  fault(sentence: string): void;
  stop(): void;
}

/**
 * A bar counting `what` (e.g. "messages"). It hides the cursor, which is there again once it is stopped, or a signal ends the
 * process. Nothing but faults is printed where stderr is no terminal.
 */
export async function openProgress(what: string): Promise<Progress> {
  if (!process.stderr.isTTY) return { grow: () => {}, tick: () => {}, fault: printError, stop: () => {} };
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: `{bar} {percentage}% | {value}/{total} ${what} | {duration_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  let total = 0;
  let done = 0;
  let forget = () => {};
  const stop = (): void => {
    bar.stop();
    forget();
  };
  const start = (shown: number): void => {
    forget = beforeEnd(stop);
    bar.start(shown, done);
  };
  const draw = (): void => {
    const shown = Math.max(total, done);
    if (shown === 0) return;
    if (!bar.isActive) start(shown);
    bar.setTotal(shown);
    bar.update(done);
  };
  return {
    grow: (count) => {
      total += count;
      draw();
    },
    tick: (count) => {
      done += count;
      draw();
    },
    fault: (sentence) => {
      // The bar is drawn again below.
      process.stderr.write("\r\u001b[K");
      printError(sentence);
    },
    stop,
  };
}

/** Does something before SIGINT or SIGTERM ends the process as it does anyway; returns a function that calls it off. */
function beforeEnd(action: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const end = (signal: NodeJS.Signals): void => {
    action();
    callOff();
    process.kill(process.pid, signal);
  };
  const callOff = (): void => {
    for (const signal of signals) process.off(signal, end);
  };
  for (const signal of signals) process.on(signal, end);
  return callOff;
}

/** The same progress with everything that went wrong kept in a list. */
export function collectFaults(progress: Progress): { progress: Progress; faults: readonly string[] } {
  const faults: string[] = [];
  const fault = (sentence: string): void => {
    faults.push(sentence);
    progress.fault(sentence);
  };
  return { progress: { ...progress, fault }, faults };
}
