/**
 * Shows frames: on a terminal in place, each in one write; elsewhere one plain line a second.
 */
import { styleText } from "node:util";
import { drawFrame, drawLine, type Paint } from "./draw.ts";
import type { PairState } from "./state.ts";

/** Something that frames are shown on. */
export interface Screen {
  /** Milliseconds from one frame to the next. */
  readonly paceMs: number;
  show(state: PairState): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

const FRAME_MS = 200;
const LINE_MS = 1000;

// The second screen of a terminal, so that what was on the first one is there again in the end.
// Without a cursor, and without going on in the next line where a terminal is too narrow.
const OPEN = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const CLOSE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const TO_END_OF_LINE = "\u001b[K";
const TO_END_OF_SCREEN = "\u001b[J";

/** The screen that suits standard output. */
export function openScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  return out.isTTY && process.env["TERM"] !== "dumb" ? terminal(out) : lines(out);
}

function terminal(out: NodeJS.WriteStream): Screen {
  const paint: Paint = paints(out) ? (style, text) => styleText(style, text) : (_, text) => text;
  let isOpen = true;
  const close = () => {
    if (isOpen) out.write(CLOSE);
    isOpen = false;
  };
  // Whatever ends the process, the cursor is there again.
  process.once("exit", close);
  out.write(OPEN);
  return {
    paceMs: FRAME_MS,
    close,
    show: (state) => {
      // The last column stays empty: behind a character there, the end of the line is that character.
      const frame = drawFrame(state, { columns: out.columns - 1, rows: out.rows }, paint);
      // No line break after the last line: it would scroll.
      if (isOpen) out.write(`${HOME}${frame.join(`${TO_END_OF_LINE}\r\n`)}${TO_END_OF_LINE}${TO_END_OF_SCREEN}`);
    },
  };
}

function lines(out: NodeJS.WriteStream): Screen {
  return {
    paceMs: LINE_MS,
    close: () => undefined,
    show: (state) => {
      out.write(`${drawLine(state)}\n`);
    },
  };
}

function paints(out: NodeJS.WriteStream): boolean {
  return (process.env["NO_COLOR"] ?? "") === "" && out.hasColors();
}
