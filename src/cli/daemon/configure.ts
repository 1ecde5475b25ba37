/**
 * From a configuration file and a command line to settings that hold, or to everything that is wrong with them.
 */
import { resolve } from "node:path";
import { isTandemError } from "../../model/errors.ts";
import { isStoreMissing } from "../../store/embedded/embedded-store.ts";
import type { ServeOptions } from "../options.ts";
import { storePathFault } from "../store-path.ts";
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
    const source = withGiven(file, givenSettings(store, absolute(options), file.value, environment));
    return await check(source, environment, options.check === true);
  } catch (error) {
    if (isTandemError(error)) return { faults: [error.message] };
    throw error;
  }
}

async function check(
  source: Source,
  environment: NodeJS.ProcessEnv,
  isCheck: boolean,
): Promise<Configured | Misconfigured> {
  const checked = configuration.safeParse(source.value);
  if (!checked.success) return { faults: faultLines(source, schemaFaults(checked.error, source.value)) };
  const settings = checked.data;
  const credentials = new Credentials(settings, source.base);
  const store = source.locate(["store"]) === "STORE" ? settings.store : resolve(source.base, settings.store);
  const found = [
    ...checkTogether(settings),
    ...(await credentials.read()),
    ...(await checkStore(settings, store, isCheck)),
  ];
  const faults = faultLines(source, found);
  const log = environment["TANDEM_LOG"] ?? settings.log;
  if (!LOG_LEVELS.some((level) => level === log))
    faults.push(`TANDEM_LOG is ${JSON.stringify(log)}; set it to one of ${LOG_LEVELS.join(", ")}.`);
  if (faults.length > 0) return { faults };
  return {
    settings,
    credentials,
    store,
    log,
    faultAt: (path, sentence) => faultLines(source, [{ path, sentence } satisfies SettingFault])[0] ?? sentence,
  };
}

/** What is wrong with the place of the store; nothing is made there. @param isCheck a disk that fails counts, too. */
async function checkStore({ store }: Settings, path: string, isCheck: boolean): Promise<SettingFault[]> {
  const at = (sentence: string) => [{ path: ["store"], sentence }];
  const fault = storePathFault(store);
  if (fault !== null) return at(fault);
  try {
    await isStoreMissing(path);
  } catch (error) {
    // What may pass by itself is found again, and told, when the store is opened.
    if (isTandemError(error) && (isCheck || error.code === "not-a-store")) return at(error.message);
    if (!isTandemError(error, "io")) throw error;
  }
  return [];
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
