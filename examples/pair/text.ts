/**
 * Text in columns of a terminal: widths of characters, padding, short numbers and bars.
 */

/** Text of one column a character, as most is. */
const NARROW = /^[\x20-\x7e\u2500-\u259f]*$/;
/** Characters of two columns. */
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const BARS = "▁▂▃▄▅▆▇█";

export type Side = "left" | "right";

/** Columns that a text takes. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The text in exactly `width` columns: filled up with blanks, or cut, which an ellipsis shows. */
export function fitted(text: string, width: number, side: Side = "left"): string {
  const missing = width - widthOf(text);
  if (missing < 0) return cut(text, width);
  return side === "left" ? text + " ".repeat(missing) : " ".repeat(missing) + text;
}

function cut(text: string, width: number): string {
  let kept = "";
  let room = width - 1;
  for (const { segment } of SEGMENTER.segment(text)) {
    room -= widthOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return fitted(width > 0 ? `${kept}…` : "", Math.max(0, width));
}

/** A row of bars as high as the values, the highest of all as high as a line. */
export function bars(values: readonly number[]): string {
  const highest = values.reduce((a, b) => Math.max(a, b), 1);
  return values.map((value) => BARS[Math.round((value / highest) * (BARS.length - 1))] ?? "").join("");
}

/** A time span for people: 0.3 s, 12 s, 3:04, 1:02:03. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const rest = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? rest.replace(/^0/, "") : `${Math.floor(seconds / 3600)}:${rest}`;
}
