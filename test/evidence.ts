/**
 * Which tests, random tests, deliberate faults and checks of the simulator name which promise.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MUTANTS } from "./mutants/mutants.ts";
import { textsOf } from "./source-scan.ts";

/** File names are relative to `test`. */
export interface Evidence {
  readonly tests: readonly string[];
  /** Files whose tests draw cases at random, or try all there are, and shrink what fails. */
  readonly properties: readonly string[];
  readonly mutants: readonly string[];
  readonly simulator: readonly string[];
}

export const PROMISES = Array.from({ length: 13 }, (_, i) => `P${i + 1}`);

const SIMULATOR = "simulation/";
/** The naive model of nodes and clients, which random and complete histories are played on. */
const MODEL = "merge/model/";

/** Where promises are named and nothing is tested. */
const NO_EVIDENCE = /^(?:mutants|bench)\/|\/violation\.ts$/;

/** What there is for each promise, as it stands in the sources. @param root the folder `test`. */
export function evidenceIn(root: string): Map<string, Evidence> {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !NO_EVIDENCE.test(name))
    .sort()
    .map((name) => ({ name, source: readFileSync(join(root, name), "utf8") }))
    .map(({ name, source }) => ({
      name,
      draws: name.startsWith(MODEL) || source.includes('"fast-check"'),
      promises: promisesIn(textsOf(source).join("\n")),
    }));
  const naming = (promise: string) => files.filter(({ promises }) => promises.has(promise));
  const ofPromise = (promise: string): Evidence => {
    const others = naming(promise).filter(({ name }) => !name.startsWith(SIMULATOR));
    return {
      tests: others.filter(({ draws }) => !draws).map(({ name }) => name),
      properties: others.filter(({ draws }) => draws).map(({ name }) => name),
      mutants: MUTANTS.filter(({ breaks }) => breaks === promise).map(({ name }) => name),
      simulator: naming(promise)
        .filter(({ name }) => name.startsWith(SIMULATOR))
        .map(({ name }) => name),
    };
  };
  return new Map(PROMISES.map((promise) => [promise, ofPromise(promise)]));
}

/** "P1-P5" names five. */
function promisesIn(text: string): Set<string> {
  const named = [...text.matchAll(/\bP(\d+)(?:(?:-| to )P(\d+))?\b/g)].flatMap(([, first, last = first]) =>
    PROMISES.slice(Number(first) - 1, Number(last)),
  );
  return new Set(named);
}
