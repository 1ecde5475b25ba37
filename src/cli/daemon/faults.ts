/**
 * What is wrong with a configuration, in sentences: where it stands, what is there, and what would be right.
 */
import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { keysAt } from "./schema.ts";
import type { Path, Source } from "./source.ts";

/** Something wrong with one setting; `sentence` ends with a full stop. */
export interface SettingFault {
  readonly path: Path;
  readonly sentence: string;
  /** Its key is wrong, not its value. */
  readonly key?: boolean;
}

/** The faults as lines, in the order of their places, each once. */
export function faultLines(source: Source, faults: readonly SettingFault[]): string[] {
  const lines = faults.map(({ path, sentence, key = false }) => `${source.locate(path, { key })}: ${sentence}`);
  return [...new Set(lines)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Faults that the schema found. */
export function schemaFaults(error: z.ZodError, value: unknown): SettingFault[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => unknownKey([...issue.path, key]))
      : [wrongValue(issue.path, issue.message, valueAt(value, issue.path))],
  );
}

function unknownKey(path: Path): SettingFault {
  const key = String(path.at(-1));
  const known = keysAt(path.slice(0, -1));
  const meant = nearest(key, known);
  const hint = meant === null ? `there are ${known.join(", ")}` : `perhaps "${meant}" is meant`;
  return { path, key: true, sentence: `There is no setting ${JSON.stringify(key)} here; ${hint}.` };
}

function wrongValue(path: Path, right: string, value: unknown): SettingFault {
  const name = nameOf(path);
  if (value === undefined) return { path, sentence: `${name} is missing; give ${right}.` };
  // What stands where a secret's place is named may be the secret itself, and a URL may have a password in it.
  const mayTell = name.startsWith("secret") || (name === "url" && String(value).includes("@"));
  const shown = mayTell ? "not what it has to be" : describe(value);
  return { path, sentence: `${name} is ${shown}; give ${right}.` };
}

/** The key of a setting; of an entry of a list, that of the list. */
function nameOf(path: Path): string {
  const key = path.findLast((step) => typeof step === "string");
  if (key === undefined) return "The configuration";
  return typeof path.at(-1) === "number" ? `An entry of ${String(key)}` : String(key);
}

const SHOWN_CHARACTERS = 60;

function describe(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const shown = JSON.stringify(value);
  return shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}...` : shown;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], value);
}
