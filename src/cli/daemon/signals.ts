/**
 * How the daemon is told things: SIGTERM and SIGINT to end, SIGHUP to read its credentials again.
 */

/** Resolves at the first SIGINT or SIGTERM; the next one ends the process at once, as if nobody listened. */
export function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const signals = ["SIGINT", "SIGTERM"] as const;
    const end = (signal: NodeJS.Signals) => {
      for (const one of signals) process.off(one, end);
      resolve(signal);
    };
    for (const one of signals) process.on(one, end);
  });
}

/** Calls `action` at each SIGHUP, one call after the other. Returns a function that ends it, and lets a SIGHUP pass. */
export function onHangup(action: () => Promise<void>): () => void {
  let last = Promise.resolve();
  const call = () => {
    last = last.then(action);
  };
  process.on("SIGHUP", call);
  return () => {
    // A reload that comes while the daemon ends must not kill it.
    process.off("SIGHUP", call).on("SIGHUP", () => {});
  };
}
