/**
 * Where settings come from: a YAML file and the command line over it, and where in them each one stands.
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { TandemError } from "../../model/errors.ts";

export type Path = readonly PropertyKey[];

/** What was given, not yet checked. */
export interface Source {
  readonly value: unknown;
  /** Faults of the text itself, each one sentence with its place. */
  readonly faults: readonly string[];
  /** Directory that relative paths start from. */
  readonly base: string;
  /** The place of a setting, `file:line:column` or an option; of the nearest one around it if it is not there. */
  locate(path: Path, options?: { readonly key?: boolean }): string;
}

/** A value given on the command line, and by which option. */
export interface Given {
  readonly path: Path;
  readonly value: unknown;
  readonly option: string;
}

/** Reads a configuration file. @throws TandemError `invalid-argument` if it cannot be read. */
export async function readSource(path: string): Promise<Source> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new TandemError("invalid-argument", `${path} cannot be read (${error.code}); give a configuration file.`);
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const wrong = [...document.errors, ...document.warnings];
  const faults = wrong.map(({ pos, message }) => `${place(pos[0])}: This is not valid YAML: ${sentence(message)}`);
  const locate: Source["locate"] = (at, { key = false } = {}) => place(offsetOf(document, at, key));
  const value = faults.length > 0 ? null : plainValue(document);
  return { value: value ?? {}, faults, base: dirname(resolve(path)), locate };
}

/** Nothing but the command line. */
export const NO_FILE: Source = { value: {}, faults: [], base: process.cwd(), locate: () => "configuration" };

/** The same with what was given on the command line, which wins. */
export function withGiven(source: Source, given: readonly Given[]): Source {
  const value = given.reduce<unknown>((all, { path, value: one }) => put(all, path, one), source.value);
  const optionOf = (path: Path) =>
    given.findLast((one) => startsWith(path, one.path))?.option ??
    given.find((one) => startsWith(one.path, path))?.option;
  return { ...source, value, locate: (path, options) => optionOf(path) ?? source.locate(path, options) };
}

function startsWith(path: Path, beginning: Path): boolean {
  return beginning.length > 0 && beginning.every((step, index) => step === path[index]);
}

/** A copy with one value set; what is no mapping or list stays, so that it is found to be wrong. */
function put(all: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(all)) return Object.assign([...all], { [step]: put(all[Number(step)], rest, value) });
  if (all === undefined || all === null)
    return typeof step === "number" ? put([], path, value) : { [step]: put(undefined, rest, value) };
  if (typeof all !== "object") return all;
  return { ...all, [step]: put((all as Record<PropertyKey, unknown>)[step], rest, value) };
}

function plainValue(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new TandemError("invalid-argument", `The configuration has too many aliases: ${error}; write them out.`);
  }
}

/** Where in the text a setting begins, or with `key` its key. */
function offsetOf(document: Document, path: Path, key: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const wantsKey = key && index === path.length - 1;
    const pair = isMap(node) ? node.items.find((one) => isScalar(one.key) && String(one.key.value) === step) : null;
    const next = isSeq(node) ? node.items[Number(step)] : pair && !wantsKey ? (pair.value ?? pair.key) : pair?.key;
    if (next === undefined) return offset;
    node = next;
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function sentence(message: string): string {
  const line = message.replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
  return `${line.charAt(0).toLowerCase()}${line.slice(1)}.`;
}
