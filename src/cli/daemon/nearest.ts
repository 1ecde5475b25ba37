/**
 * The word a mistyped one was probably meant to be.
 */

/** The word of `known` that differs least from `wanted`, or null if all differ too much. */
export function nearest(wanted: string, known: readonly string[]): string | null {
  let best: string | null = null;
  // A third of the letters may be wrong, as git and commander have it.
  let least = Math.max(2, Math.ceil(wanted.length / 3)) + 1;
  for (const word of known) {
    const distance = differenceOf(wanted.toLowerCase(), word.toLowerCase());
    if (distance >= least) continue;
    best = word;
    least = distance;
  }
  return best;
}

/** That of two words, or, one worse, of the longer one's beginning: "secret" for "secretFile". */
function differenceOf(wanted: string, word: string): number {
  const length = Math.min(wanted.length, word.length);
  const whole = distanceOf(wanted, word);
  return length < LEAST_PART ? whole : Math.min(whole, 1 + distanceOf(wanted.slice(0, length), word.slice(0, length)));
}

/** Letters that two words must share to be taken for each other though one is longer. */
const LEAST_PART = 3;

/** Letters to insert, delete, replace or swap with their neighbour, at least, to make one word of the other. */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(replaced, swapped, at(last, j) + 1, at(row, j - 1) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
