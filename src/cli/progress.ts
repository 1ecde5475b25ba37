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

/** A bar counting `what` (e.g. "messages"); nothing but faults is printed where stderr is no terminal. */
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
  const draw = (): void => {
    const shown = Math.max(total, done);
    if (shown === 0) return;
    if (!bar.isActive) bar.start(shown, done);
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
    stop: () => bar.stop(),
  };
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
