/**
 * All deliberate faults that the proof is checked with.
 */
import { ENGINE_MUTANTS } from "./engine-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { RULE_MUTANTS } from "./rule-mutants.ts";

export const MUTANTS: readonly Mutant[] = [...RULE_MUTANTS, ...ENGINE_MUTANTS];

/** The source with the fault in it. @throws Error if the place is not there, or not the only one. */
export function mutated(source: string, { name, file, find, replace }: Mutant): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`the mutant "${name}" fits ${places} places of ${file}, not one`);
  return source.replace(find, () => replace);
}
