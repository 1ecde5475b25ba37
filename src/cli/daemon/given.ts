/**
 * What the command line of `serve` says, as settings over those of the file.
 */
import type { ServeOptions } from "../options.ts";
import { givenPeers } from "./given-peers.ts";
import type { Given, Path } from "./source.ts";

/**
 * @param file the settings of the file, to find a peer of the same name in.
 * @param environment variables of the process.
 * @throws TandemError `invalid-argument` if what is said of a peer cannot be understood.
 */
export function givenSettings(
  store: string | undefined,
  options: ServeOptions,
  file: unknown,
  environment: NodeJS.ProcessEnv,
): Given[] {
  const rows: readonly (readonly [Path, unknown, string])[] = [
    [["store"], store, "STORE"],
    [["node"], options.node, "--node"],
    [["listen"], options.listen, "--listen"],
    [["tls", "cert"], options.tlsCert, "--tls-cert"],
    [["tls", "key"], options.tlsKey, "--tls-key"],
    [["tls", "clientCa"], options.clientCa, "--client-ca"],
    [["metrics"], options.metrics, "--metrics"],
    [["log"], options.log, "--log"],
    [["limits", "parallel"], numberOf(options.parallel), "--parallel"],
    [["limits", "survey"], numberOf(options.survey), "--survey"],
    [["limits", "connections"], numberOf(options.connections), "--connections"],
    [["limits", "unprovenConnections"], numberOf(options.unprovenConnections), "--unproven-connections"],
    [["limits", "unprovenSeconds"], numberOf(options.unprovenSeconds), "--unproven-seconds"],
    [["limits", "framesPerSecond"], numberOf(options.framesPerSecond), "--frames-per-second"],
    [["scrub", "rate"], numberOf(options.scrubRate), "--scrub-rate"],
    [["scrub", "days"], numberOf(options.scrubDays), "--scrub-days"],
    [["unauthenticated"], options.allowUnauthenticated, "--allow-unauthenticated"],
  ];
  const given = rows
    .filter(([, value]) => value !== undefined)
    .map(([path, value, option]) => ({ path, value, option }));
  return [...given, ...givenPeers(options, file, environment)];
}

/** A whole number, or the text as it is, which is then found to be wrong. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}
