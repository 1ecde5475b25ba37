/**
 * How one case of the table of the merge rule is written, and read.
 */

export interface Case {
  /** What happened, on which end, whose modseq is higher. */
  readonly name: string;
  readonly left: string;
  readonly right: string;
  /** The UID whose holdings the cell names. */
  readonly uid: number;
  /** State both sides are known to have been in. */
  readonly base: string | null;
  /** Only what changed since the base is compared. */
  readonly delta: boolean;
  /** `M05 5>7`: decided by M05, the message of UID 5 has UID 7 afterwards. */
  readonly rows: readonly string[];
  readonly writes: "left" | "right" | "both" | "neither";
  /** Both sides afterwards. */
  readonly both: string;
}

const CASE =
  /^(?<name>\S.*)\n(?:base +(?<base>.*?)(?<delta> delta)?\n)?left +(?<left>.*)\nright +(?<right>.*)\nuid (?<uid>\d+) +rows (?<rows>.*?) +writes (?<writes>left|right|both|neither)\nboth +(?<both>.*)$/;

/** The cases in a text, between blank lines. @throws Error if one is malformed. */
export function cases(text: string): readonly Case[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map(readCase);
}

function readCase(text: string): Case {
  const lines = text.split("\n").map((line) => line.trim());
  const {
    name = "",
    base,
    delta,
    left = "",
    right = "",
    uid,
    rows = "",
    writes,
    both = "",
  } = CASE.exec(lines.join("\n"))?.groups ?? {};
  if (writes === undefined) throw new Error(`This does not read as a case:\n${text}`);
  return {
    name,
    left,
    right,
    uid: Number(uid),
    base: base ?? null,
    delta: delta !== undefined,
    rows: rows === "none" ? [] : rows.split(", "),
    writes: writes as Case["writes"],
    both,
  };
}
