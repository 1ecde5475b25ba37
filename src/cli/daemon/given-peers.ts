/**
 * The peers that the command line of `serve` names, as settings over those of the file.
 */
import { resolve } from "node:path";
import { TandemError } from "../../model/errors.ts";
import { SECRET_VARIABLE } from "../introduction.ts";
import type { ServeOptions } from "../options.ts";
import { keysAt } from "./schema.ts";
import type { Given, Path } from "./source.ts";

const OPTION = "--peer-set";
const PEER: Path = ["peers", 0];
/** What `--peer-set` can set: everything but what `--peer` says. */
const KEYS = keysAt(PEER)
  .filter((key) => key !== "name" && key !== "url")
  .flatMap((key) => {
    const inner = keysAt([...PEER, key]);
    return inner.length === 0 ? [key] : inner.map((below) => `${key}.${below}`);
  });
const SETTING = new RegExp(`^(.+)\\.(${KEYS.map((key) => key.replace(".", "\\.")).join("|")})=(.*)$`, "s");
const FILES = ["secretFile", "tls.ca", "tls.cert", "tls.key"];
/** A secret has one place: where one is named on the command line, the other one of the file does not count. */
const OTHER_PLACE: Readonly<Record<string, string>> = { secretFile: "secretEnv", secretEnv: "secretFile" };

/**
 * Each `--peer NAME=URL` with the secret and the certificate authority that go with all of them, and each `--peer-set`.
 * @param file the settings of the file, to find a peer of the same name in.
 * @throws TandemError `invalid-argument` if a `--peer-set` is none, or of no peer.
 */
export function givenPeers(options: ServeOptions, file: unknown, environment: NodeJS.ProcessEnv): Given[] {
  const known = namesIn(file);
  const names = [...known];
  const taken = new Set<number>();
  const peers = (options.peer ?? []).flatMap((text) => {
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
  return [...peers, ...givenSettings(options.peerSet ?? [], names)];
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

/** Each NAME.KEY=VALUE; the accounts of one peer make one list. */
function givenSettings(texts: readonly string[], names: readonly unknown[]): Given[] {
  const accounts = new Map<number, string[]>();
  return texts.flatMap((text) => {
    const [, name, key = "", value = ""] = SETTING.exec(text) ?? [];
    const index = names.indexOf(name);
    if (name === undefined || index < 0) throw wrongSetting(text, name, names);
    const own = accounts.get(index) ?? [];
    accounts.set(index, [...own, ...(key === "accounts" ? [value] : [])]);
    const at = (of: string): Path => ["peers", index, ...of.split(".")];
    const other = OTHER_PLACE[key];
    const given = {
      path: at(key),
      value: key === "accounts" ? accounts.get(index) : settingOf(key, value),
      option: OPTION,
    };
    return other === undefined ? [given] : [{ path: at(other), value: undefined, option: OPTION }, given];
  });
}

function settingOf(key: string, text: string): unknown {
  if (FILES.includes(key)) return text === "" ? text : resolve(text);
  return (key === "readOnly" || key === "tls.verify") && /^(true|false)$/.test(text) ? text === "true" : text;
}

/** The value is not repeated: somebody may have written a secret there. */
function wrongSetting(text: string, name: string | undefined, names: readonly unknown[]): TandemError {
  const peers = names.length === 0 ? "none" : names.map((one) => JSON.stringify(one)).join(", ");
  const beginning = text.includes("=") ? `What begins with ${JSON.stringify(text.split("=")[0])}` : "What has no =";
  const what =
    name === undefined
      ? `${beginning} is not NAME.KEY=VALUE; the keys are ${KEYS.join(", ")}`
      : `There is no peer ${JSON.stringify(name)}, but ${peers}; name it by --peer or in the file`;
  return new TandemError("invalid-argument", `${OPTION}: ${what}.`);
}

function namesIn(file: unknown): unknown[] {
  const { peers } = (file ?? {}) as { readonly peers?: unknown };
  return Array.isArray(peers) ? peers.map((peer) => (peer as { readonly name?: unknown } | null)?.name) : [];
}
