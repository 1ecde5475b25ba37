/**
 * What the command line of `serve` says, as settings over those of the file.
 */
import { SECRET_VARIABLE } from "../introduction.ts";
import type { ServeOptions } from "../options.ts";
import type { Given, Path } from "./source.ts";

/**
 * @param file the settings of the file, to find a peer of the same name in.
 * @param environment variables of the process.
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
    [["limits", "parallel"], numberOf(options.parallel), "--parallel"],
    [["limits", "survey"], numberOf(options.survey), "--survey"],
    [["scrub", "rate"], numberOf(options.scrubRate), "--scrub-rate"],
    [["scrub", "days"], numberOf(options.scrubDays), "--scrub-days"],
    [["unauthenticated"], options.allowUnauthenticated, "--allow-unauthenticated"],
  ];
  const given = rows
    .filter(([, value]) => value !== undefined)
    .map(([path, value, option]) => ({ path, value, option }));
  return [...given, ...givenPeers(options, namesIn(file), environment)];
}

/** Each `--peer NAME=URL`, with the secret and the certificate authority that go with all of them. */
function givenPeers(options: ServeOptions, known: readonly unknown[], environment: NodeJS.ProcessEnv): Given[] {
  const names = [...known];
  const taken = new Set<number>();
  return (options.peer ?? []).flatMap((text) => {
    const [, name = "", url] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
    const found = names.findIndex((one, index) => one === name && index < known.length && !taken.has(index));
    const index = found >= 0 ? found : names.push(name) - 1;
    taken.add(index);
    const at = (...rest: PropertyKey[]): Path => ["peers", index, ...rest];
    const given: Given[] = [{ path: at("name"), value: name, option: "--peer" }];
    if (url !== undefined) given.push({ path: at("url"), value: url, option: "--peer" });
    if (options.caFile !== undefined) given.push({ path: at("tls", "ca"), value: options.caFile, option: "--ca-file" });
    return [...given, ...givenSecret(options, at, found >= 0, environment)];
  });
}

function givenSecret(
  { secretFile }: ServeOptions,
  at: (key: string) => Path,
  isInFile: boolean,
  environment: NodeJS.ProcessEnv,
): Given[] {
  if (secretFile !== undefined)
    return [
      { path: at("secretEnv"), value: undefined, option: "--secret-file" },
      { path: at("secretFile"), value: secretFile, option: "--secret-file" },
    ];
  if (isInFile || environment[SECRET_VARIABLE] === undefined) return [];
  return [{ path: at("secretEnv"), value: SECRET_VARIABLE, option: SECRET_VARIABLE }];
}

function namesIn(file: unknown): unknown[] {
  const { peers } = (file ?? {}) as { readonly peers?: unknown };
  return Array.isArray(peers) ? peers.map((peer) => (peer as { readonly name?: unknown } | null)?.name) : [];
}

/** A whole number, or the text as it is, which is then found to be wrong. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}
