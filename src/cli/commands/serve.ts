/** `tandem serve`: the daemon, until it is told to end. */
import { type Configured, configure } from "../daemon/configure.ts";
import { Daemon } from "../daemon/daemon.ts";
import { endSignal } from "../daemon/signals.ts";
import type { ServeOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { FAILED, OK, printError, USAGE } from "../run.ts";

/** @param directory the store, if it is not named in the configuration file. @returns the exit status. @throws TandemError. */
export async function runServe(directory: string | undefined, options: ServeOptions): Promise<number> {
  const configured = await configure(directory, options, process.env);
  if ("faults" in configured) {
    for (const fault of configured.faults) printError(fault);
    return USAGE;
  }
  if (options.check) return printFine(configured, options);
  const ended = endSignal();
  const rereads = options.config !== undefined || configured.settings.peers.length > 0;
  const daemon = await Daemon.start(configured, { rereads });
  if (!(daemon instanceof Daemon)) {
    printError(configured.faultAt(daemon.path, daemon.sentence));
    return FAILED;
  }
  const { listening, metrics } = daemon.addresses;
  const alsoMetrics = metrics === undefined ? "" : `, metrics on ${metrics}`;
  await withOutput((out) =>
    options.json ? out.json(daemon.addresses) : out.line(`listening on ${listening}${alsoMetrics}`),
  );
  await daemon.stop(await ended);
  return OK;
}

/** What the daemon would do, for `--check`. */
async function printFine({ settings, store }: Configured, { json }: ServeOptions): Promise<number> {
  const { node, peers } = settings;
  await withOutput((out) => {
    if (json) return out.json({ ok: true, node, store, peers: peers.map(({ name }) => name) });
    const names = peers.length === 0 ? "no peers" : `peers ${peers.map(({ name }) => printable(name)).join(", ")}`;
    return out.line(`the configuration is fine: node ${printable(node)}, store ${printable(store)}, ${names}`);
  });
  return OK;
}
