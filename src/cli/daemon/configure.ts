/**
 * From a configuration file and a command line to settings that hold, or to everything that is wrong with them.
 */
import { resolve } from "node:path";
import { isTandemError } from "../../model/errors.ts";
import type { ServeOptions } from "../options.ts";
import { checkTogether } from "./checks.ts";
import { Credentials } from "./credentials.ts";
import { faultLines, type SettingFault, schemaFaults } from "./faults.ts";
import { givenSettings } from "./given.ts";
import { configuration, LOG_LEVELS, type Settings } from "./schema.ts";
import { NO_FILE, type Path, readSource, type Source, withGiven } from "./source.ts";

/** Settings that hold. */
export interface Configured {
  readonly settings: Settings;
  readonly credentials: Credentials;
  /** Directory of the store, its path resolved. */
  readonly store: string;
  /** Least level of what is logged. */
  readonly log: string;
  /** A line that tells of a fault in one setting, with its place. */
  readonly faultAt: (path: Path, sentence: string) => string;
}

/** What is wrong, a line for each fault. */
export interface Misconfigured {
  readonly faults: readonly string[];
}

/**
 * Reads and checks everything, secrets and certificates included, and starts nothing.
 * @param store directory of the store, if it was given on the command line.
 */
export async function configure(
  store: string | undefined,
  options: ServeOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Configured | Misconfigured> {
  try {
    const file = options.config === undefined ? NO_FILE : await readSource(options.config);
    if (file.faults.length > 0) return { faults: file.faults };
    return await check(withGiven(file, givenSettings(store, absolute(options), file.value, environment)), environment);
  } catch (error) {
    if (isTandemError(error)) return { faults: [error.message] };
    throw error;
  }
}

async function check(source: Source, environment: NodeJS.ProcessEnv): Promise<Configured | Misconfigured> {
  const checked = configuration.safeParse(source.value);
  if (!checked.success) return { faults: faultLines(source, schemaFaults(checked.error, source.value)) };
  const settings = checked.data;
  const credentials = new Credentials(settings, source.base);
  const faults = faultLines(source, [...checkTogether(settings), ...(await credentials.read())]);
  const log = environment["TANDEM_LOG"] ?? settings.log;
  if (!LOG_LEVELS.some((level) => level === log))
    faults.push(`TANDEM_LOG is ${JSON.stringify(log)}; set it to one of ${LOG_LEVELS.join(", ")}.`);
  if (faults.length > 0) return { faults };
  const isGiven = source.locate(["store"]) === "STORE";
  return {
    settings,
    credentials,
    store: isGiven ? settings.store : resolve(source.base, settings.store),
    log,
    faultAt: (path, sentence) => faultLines(source, [{ path, sentence } satisfies SettingFault])[0] ?? sentence,
  };
}

/** Paths on the command line start from the working directory, not from where the configuration file is. */
function absolute(options: ServeOptions): ServeOptions {
  const paths = ["secretFile", "tlsCert", "tlsKey", "clientCa", "caFile"] as const;
  const given = paths.flatMap((key) => {
    const path = options[key];
    return path === undefined ? [] : [[key, resolve(path)] as const];
  });
  return { ...options, ...Object.fromEntries(given) };
}
