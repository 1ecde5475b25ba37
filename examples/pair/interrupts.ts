/**
 * Ctrl-C and its relatives: the first asks for an orderly end, the second does not want to wait for it.
 */

export interface Interrupts {
  /** Aborted at the first. */
  readonly end: AbortController;
  /** Aborted at the second. */
  readonly hurry: AbortController;
}

/** Twice within so many milliseconds is once: npm hands on the signal that the terminal has sent already. */
const SAME_MS = 500;

/** From now on no signal ends the process by itself. Nobody reading what it prints is a reason to end, too. */
export function listenForInterrupts(): Interrupts {
  const interrupts = { end: new AbortController(), hurry: new AbortController() };
  let first: number | null = null;
  const onSignal = () => {
    first ??= Date.now();
    interrupts.end.abort();
    if (Date.now() - first > SAME_MS) interrupts.hurry.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  process.stdout.on("error", onSignal);
  return interrupts;
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
