/**
 * Draws the state of both servers for a terminal of any width and height. Pure: the same state gives the same lines.
 */
import { printable } from "../../src/cli/output.ts";
import { counted } from "../../src/model/counted.ts";
import {
  isInStep,
  type MailboxLine,
  type MailboxPair,
  type NodeState,
  type PairState,
  pairedMailboxes,
} from "./state.ts";
import { bars, fitted, type Side, span } from "./text.ts";

/** Colours that the view uses. */
export type Style = "bold" | "dim" | "green" | "yellow" | "red";
/** Gives a text a colour, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** The terminal, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

interface Column {
  readonly head: string;
  readonly width: number;
  readonly side: Side;
  readonly value: (line: MailboxLine) => string;
}

const right = { side: "right" } as const;
const MESSAGES: Column = { ...right, head: "messages", width: 8, value: ({ messages }) => String(messages) };
const UID_NEXT: Column = { ...right, head: "uidNext", width: 8, value: ({ uidNext }) => String(uidNext) };
const MODSEQ: Column = { ...right, head: "modseq", width: 8, value: ({ highestModseq }) => String(highestModseq) };
const DIGEST: Column = { side: "left", head: "digest", width: 16, value: ({ digest }) => digest };
const SHORT_DIGEST: Column = { ...DIGEST, width: 8, value: ({ digest }) => digest.slice(0, 8) };

/** Terminals with so many columns have room for more. */
const WIDE = 112;
const MEDIUM = 84;
/** Columns for what waits, where something stands beside it. */
const LAG_WIDTH = 58;

/** Columns for each server, by the width of the terminal; the first that fit. */
const LAYOUTS: readonly { readonly least: number; readonly columns: readonly Column[] }[] = [
  { least: WIDE, columns: [MESSAGES, UID_NEXT, MODSEQ, DIGEST] },
  { least: MEDIUM, columns: [{ ...MESSAGES, head: "mails", width: 6 }, UID_NEXT, MODSEQ, SHORT_DIGEST] },
  {
    least: 0,
    columns: [{ ...MESSAGES, head: "mails", width: 5 }, { ...MODSEQ, width: 6 }, SHORT_DIGEST],
  },
];

/** Lines that are always there, besides mailboxes and happenings. */
const FIXED_LINES = 14;
/** Happenings are left out where there is no room for so many. */
const LEAST_HAPPENINGS = 2;
const MOST_HAPPENINGS = 12;
/** Between the two servers: room for a blank, the mark and a blank. */
const MARK_WIDTH = 3;

/** The lines of a frame, each of exactly `columns`, not more than `rows`. */
export function drawFrame(state: PairState, { columns, rows }: Size, paint: Paint): string[] {
  const pairs = pairedMailboxes(state.nodes);
  const body = [
    header(state, columns, paint),
    "",
    ...state.nodes.map((node) => nodeLine(node, columns, paint)),
    "",
    ...table(state, pairs, { columns, rows: Math.max(1, rows - FIXED_LINES) }, paint),
    totalLine(state, pairs, columns, paint),
    "",
    ...rateLines(state, columns, paint),
    "",
  ];
  const end = [...happenings(state, { columns, rows: rows - body.length - 1 }, paint), hint(state, columns, paint)];
  return [...body, ...end].slice(0, rows);
}

function header({ elapsedMs, isStopping }: PairState, columns: number, paint: Paint): string {
  const title = " Tandem: two mail servers, kept identical";
  const end = isStopping ? "ending " : `${span(elapsedMs)}, Ctrl-C ends `;
  return paint("bold", fitted(fitted(title, Math.max(0, columns - end.length)) + end, columns));
}

function nodeLine({ name, url, pid, connection, waiting, oldestMs }: NodeState, columns: number, paint: Paint): string {
  const isConnected = connection === "connected";
  const oldest = oldestMs === null ? "" : `, the oldest for ${span(oldestMs)}`;
  const lag = waiting === 0 ? "nothing waits" : `${counted(waiting, "mailbox waits", "mailboxes wait")}${oldest}`;
  const where = columns >= WIDE ? `${url}, process ${pid}` : columns >= MEDIUM ? `process ${pid}` : "";
  const width = columns >= MEDIUM ? LAG_WIDTH : columns - 2;
  const mark = paint(isConnected ? "green" : "red", isConnected ? " ●" : " ○");
  const text = fitted(` ${name}  ${fitted(connection, 13)} ${lag}`, width);
  return mark + text + paint("dim", fitted(where, columns - 2 - width));
}

function table(state: PairState, pairs: readonly MailboxPair[], { columns, rows }: Size, paint: Paint): string[] {
  const layout = columnsFor(columns);
  const name = nameWidth(columns, layout);
  const side = sideWidth(layout);
  const heads = layout.map(({ head, width, side }) => fitted(head, width, side)).join(" ");
  const over = ({ name }: NodeState) => ` ${name} `.padEnd(side, "─");
  const gap = " ".repeat(MARK_WIDTH);
  const shown = pairs.length <= rows ? pairs : pairs.slice(0, rows - 1);
  const hidden = pairs.length - shown.length;
  const more = hidden === 0 ? [] : [paint("dim", fitted(` and ${hidden} more`, columns))];
  return [
    paint("dim", " ".repeat(name + 1) + state.nodes.map(over).join(gap)),
    paint("dim", ` ${fitted("mailbox", name)}${heads}${gap}${heads}`),
    ...shown.map((pair) => row(pair, layout, name, paint)),
    ...more,
  ];
}

function row(pair: MailboxPair, layout: readonly Column[], name: number, paint: Paint): string {
  const cells = (line: MailboxLine | null) =>
    layout.map(({ value, width, side }) => fitted(line === null ? "-" : value(line), width, side)).join(" ");
  const mark = pair.isSame ? paint("green", " = ") : paint("yellow", " ≠ ");
  const right = cells(pair.b);
  const label = fitted(printable(pair.name), name - 1);
  return ` ${label} ${cells(pair.a)}${mark}${pair.isSame ? right : paint("yellow", right)}`;
}

function totalLine(state: PairState, pairs: readonly MailboxPair[], columns: number, paint: Paint): string {
  const differing = pairs.filter((pair) => !pair.isSame).length;
  const [a = 0, b = 0] = state.nodes.map(messagesOf);
  const messages = a === b ? `${counted(a, "message")} on both` : `${a} messages on a, ${b} on b`;
  const all = `${counted(pairs.length, "mailbox", "mailboxes")}, ${messages}`;
  if (isInStep(state)) return paint("green", fitted(` IN STEP  ${all}`, columns));
  const what = differing === 0 ? "" : `${counted(differing, "mailbox differs", "mailboxes differ")}; `;
  return paint("yellow", fitted(` MERGING  ${what}${all}`, columns));
}

function messagesOf({ mailboxes }: NodeState): number {
  return mailboxes.reduce((sum, { messages }) => sum + messages, 0);
}

function rateLines({ rates, totals, history }: PairState, columns: number, paint: Paint): string[] {
  const rate = (value: number) => value.toFixed(1).padStart(5);
  const clients = [
    ` clients ${rate(rates.delivered)} mails/s in`,
    `${rate(rates.flagged)} flagged`,
    `${rate(rates.expunged)} expunged`,
    `${rate(rates.filed)} filed`,
    ` ${totals.mailboxes} mailboxes made or renamed`,
  ];
  const engine = [
    ` merged  ${rate(rates.records)} records/s`,
    `${rate(rates.bodies)} bodies`,
    `${rate(rates.exchanges)} exchanges`,
    ` ${totals.records} records so far`,
  ];
  const graph = ` records/s  ${bars(history.slice(-Math.max(0, columns - 13)))}`;
  return [asFits(clients, columns), asFits(engine, columns), paint("dim", fitted(graph, columns))];
}

/** As many of the pieces as fit, in their order. */
function asFits(pieces: readonly string[], columns: number): string {
  let line = "";
  for (const piece of pieces) {
    const longer = line === "" ? piece : `${line},${piece}`;
    if (longer.length > columns) break;
    line = longer;
  }
  return fitted(line, columns);
}

/** With a heading and a blank line, or nothing where there is no room. */
function happenings({ nodes, happenings }: PairState, { columns, rows }: Size, paint: Paint): string[] {
  const room = Math.min(MOST_HAPPENINGS, rows - 2);
  if (room < LEAST_HAPPENINGS) return [];
  const lines = happenings.slice(0, room).map(({ at, node, what, isFault }) => {
    const [other] = nodes.filter(({ name }) => name !== node);
    const line = fitted(` ${at}  ${node}${isFault ? "    " : ` → ${other?.name}`}  ${printable(what)}`, columns);
    return isFault ? paint("red", line) : line;
  });
  return [paint("dim", fitted(" merged last", columns)), ...lines, ""];
}

function hint({ data, isStopping }: PairState, columns: number, paint: Paint): string {
  const text = isStopping
    ? " No more mail arrives; waiting until both are in step. Ctrl-C again does not wait."
    : ` Meanwhile, in another terminal: npx tandem status ${data}/a`;
  return isStopping ? paint("yellow", fitted(text, columns)) : paint("dim", fitted(text, columns));
}

/** The state in one line, for output that is no terminal. */
export function drawLine(state: PairState): string {
  const pairs = pairedMailboxes(state.nodes);
  const differing = pairs.filter((pair) => !pair.isSame).length;
  const sides = state.nodes.map((node) => {
    const link = node.connection === "connected" ? "" : `, ${node.connection}`;
    return `${node.name} has ${counted(messagesOf(node), "message")}, ${node.waiting} waiting${link}`;
  });
  const step = isInStep(state) ? "in step" : `${differing} of ${pairs.length} mailboxes differ`;
  const { delivered, records } = state.rates;
  const rates = `${delivered.toFixed(1)} mails/s in, ${records.toFixed(1)} records/s merged`;
  const word = state.isStopping ? "ending, " : "";
  return `${span(state.elapsedMs)}  ${word}${step}; ${sides.join("; ")}; ${rates}`;
}

function columnsFor(columns: number): readonly Column[] {
  return LAYOUTS.find(({ least }) => columns >= least)?.columns ?? [];
}

function sideWidth(layout: readonly Column[]): number {
  return layout.reduce((sum, { width }) => sum + width + 1, -1);
}

/** What the servers' columns leave for the name, one blank after it included. */
function nameWidth(columns: number, layout: readonly Column[]): number {
  return Math.max(2, columns - 1 - 2 * sideWidth(layout) - MARK_WIDTH);
}
