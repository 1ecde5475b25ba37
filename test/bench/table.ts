/**
 * The table that `npm run bench` prints.
 */

/** One measured figure beside what is to be reached. */
export interface Row {
  readonly work: string;
  readonly measured: string;
  /** What to reach, in words; empty for a figure that is only printed. */
  readonly target: string;
  /** Measured over target, above 1 where it is reached; null where there is no target. */
  readonly ratio: number | null;
  readonly note?: string;
}

export function formatTable(rows: readonly Row[]): string {
  const cells = [
    ["work", "measured", "to reach", "ratio", "beside it"],
    ...rows.map((row) => [
      row.work,
      row.measured,
      row.target,
      row.ratio === null ? "" : row.ratio.toFixed(2),
      row.note ?? "",
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((line) => (line[column] as string).length)));
  return cells
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A rate that should be at least `target`. */
export function rate(work: string, perSecond: number, target: number, unit: string, note = ""): Row {
  return {
    work,
    measured: `${count(perSecond)} ${unit}/s`,
    target: `${count(target)}/s`,
    ratio: perSecond / target,
    note,
  };
}

/** A quantity that should be at most `limit`. */
export function most(work: string, value: number, limit: number, unit: string, note = ""): Row {
  const text = value < 100 ? value.toFixed(1) : count(value);
  return { work, measured: `${text} ${unit}`, target: `<= ${count(limit)} ${unit}`, ratio: limit / value, note };
}

/** A figure without a target. */
export function figure(work: string, measured: string, note = ""): Row {
  return { work, measured, target: "", ratio: null, note };
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? 0;
}
