/**
 * A deliberate fault: one small change of the source, and the test that must fail because of it.
 */
export interface Mutant {
  /** Short and unique. */
  readonly name: string;
  /** The promise it breaks. */
  readonly breaks: string;
  /** What a reader should understand by it. */
  readonly fault: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The test file, and the name of the test in it, that catches it. */
  readonly test: string;
  readonly catches: string;
}

/** Faults in one file. */
export function faultsIn(
  file: string,
  test: string,
  faults: readonly (readonly [
    name: string,
    breaks: string,
    fault: string,
    find: string,
    replace: string,
    catches: string,
  ])[],
): Mutant[] {
  return faults.map(([name, breaks, fault, find, replace, catches]) => {
    return { name, breaks, fault, file, find, replace, test, catches };
  });
}
