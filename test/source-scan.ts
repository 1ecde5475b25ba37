/**
 * A small scanner of TypeScript source: comments and texts blanked out, functions with their lengths, imports.
 */

/** A function with a body, and how many lines it takes from its head to its end. */
export interface ScannedFunction {
  readonly name: string;
  readonly lines: number;
}

const WORD_BEFORE_BODY =
  /\b(function)\b[\s*]*([\w$]*)|^ *(?:(?:static|async|override|get|set) +|\*)*(#?[\w$]+) *(?=[<(])/gm;
const NOT_A_METHOD = new Set(["if", "for", "while", "switch", "catch", "return", "function", "super", "await", "with"]);

/** The source with comments, texts and regular expressions blanked out; every line break stays. */
export function blanked(source: string): string {
  let out = "";
  let at = 0;
  while (at < source.length) {
    const end = skipped(source, at, out);
    out += end === at ? source[at] : source.slice(at, end).replace(/[^\n]/g, " ");
    at = Math.max(end, at + 1);
  }
  return out;
}

/** All texts of a source, with their quotes; templates whole. */
export function textsOf(source: string): string[] {
  const found: string[] = [];
  let before = "";
  for (let at = 0; at < source.length; ) {
    const end = skipped(source, at, before);
    if (end > at && /["'`]/.test(source[at] ?? "")) found.push(source.slice(at, end));
    before = end > at ? before : `${before.slice(-80)}${source[at]}`;
    at = Math.max(end, at + 1);
  }
  return found;
}

/** Where the comment, text or regular expression that begins at `at` ends; `at` if none begins there. */
function skipped(source: string, at: number, before: string): number {
  const two = source.slice(at, at + 2);
  if (two === "//") return endOr(source, source.indexOf("\n", at));
  if (two === "/*") return endOr(source, source.indexOf("*/", at) + 2);
  const one = source[at] ?? "";
  if (one === '"' || one === "'" || one === "`") return quoted(source, at);
  if (one === "/" && /(^|[=(,:[!&|?{};>]|\breturn)\s*$/.test(before)) return quoted(source, at);
  return at;
}

function endOr(source: string, end: number): number {
  return end < 2 ? source.length : end;
}

/** The end of a text or regular expression; in a template, what stands in `${}` is skipped with it. */
function quoted(source: string, start: number): number {
  const quote = source[start];
  let isInClass = false;
  for (let at = start + 1; at < source.length; at++) {
    const here = source[at];
    if (here === "\\") at++;
    else if (quote === "/" && here === "[") isInClass = true;
    else if (here === "]") isInClass = false;
    else if (quote === "`" && source.startsWith("${", at)) at = closing(source, at + 1);
    else if (here === quote && !isInClass) return at + 1;
  }
  return source.length;
}

/** Where the bracket that opens at `open` closes. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const here = code[at] ?? "";
    if (here === "`") at = quoted(code, at) - 1;
    else if ("([{".includes(here)) depth++;
    else if (")]}".includes(here) && --depth === 0) return at;
  }
  return code.length;
}

/** All functions, methods and arrow functions with a body. */
export function functionsOf(source: string): ScannedFunction[] {
  const code = blanked(source);
  const lineOf = (at: number) => code.slice(0, at).split("\n").length;
  const found: ScannedFunction[] = [];
  const add = (name: string, start: number, body: number) => {
    if (body >= 0) found.push({ name, lines: lineOf(closing(code, body)) - lineOf(start) + 1 });
  };
  for (const match of code.matchAll(WORD_BEFORE_BODY)) {
    const name = match[2] || match[3] || "function";
    const start = match.index + match[0].search(/\S/);
    if (match[1] !== undefined || !NOT_A_METHOD.has(name))
      add(name, start, bodyAfter(code, match.index + match[0].length));
  }
  for (const match of code.matchAll(/=>\s*\{/g)) add("=>", match.index, match.index + match[0].length - 1);
  return found;
}

/** Where the body of a function begins whose name ends at `at`: behind its parameters and its type; -1 if it has none. */
function bodyAfter(code: string, at: number): number {
  const open = code.indexOf("(", at);
  if (open < 0 || /[^<>\w\s,.[\]|&"=-]/.test(code.slice(at, open))) return -1;
  let here = closing(code, open) + 1;
  let last = ")";
  for (; here < code.length; here++) {
    const char = code[here] ?? "";
    if (/\s/.test(char)) continue;
    if (char === "{" && !/[:|&<,(>]/.test(last)) return last === ")" || /[\w>\]})]/.test(last) ? here : -1;
    if (";=".includes(char) || (last === ")" && char !== ":" && char !== "{")) return -1;
    if ("{[(".includes(char)) here = closing(code, here);
    last = code[here] ?? "";
    if (last === ">" && /^\s*\{/.test(code.slice(here + 1))) return code.indexOf("{", here);
  }
  return -1;
}

/** What a file imports, dynamic imports included. */
export function importsOf(source: string): string[] {
  const found = source.matchAll(
    /^(?:import|export)\b[^;"']*?\bfrom\s+["']([^"']+)["']|^import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}
