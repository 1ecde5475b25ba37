/**
 * Mail in and below a directory that is not read with it: what belongs to which mailbox, only the user can say.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isEmlName, listEml } from "./eml.ts";
import { readRange, withFile } from "./file.ts";
import { directoriesOf } from "./maildir-reader.ts";
import { beginsAsMbox, isMboxName } from "./mbox.ts";
import type { SourceFault } from "./source.ts";

/** Enough for a From_ line. */
const START = 1024;
const HINT = "name it as a source of its own, with the --mailbox it goes to";

/**
 * A fault for each mbox in `root` or a directory below it, and for each directory below it that has `.eml` files beside other
 * things than those of a Maildir. Files whose names begin with a dot, and what cannot be read, count as nothing.
 */
export function* leftOut(root: string): Generator<SourceFault> {
  for (const directory of directoriesOf(root)) {
    if (directory !== root && listEml(directory).length > 0)
      yield faultAt(directory, `${directory} has .eml files, which were left out`);
    for (const path of mboxesIn(directory)) yield faultAt(path, `${path} is an mbox in a directory and was left out`);
  }
}

/** The mbox files right in a directory, sorted. @throws what the system says if it cannot be read. */
export function mboxesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith(".") && !isEmlName(entry.name))
    .map(({ name }) => join(directory, name))
    .filter(isMbox)
    .sort();
}

function isMbox(path: string): boolean {
  try {
    return withFile(path, (fd, { size }) => size > 0 && (isMboxName(path) || startsAsMbox(fd, size)));
  } catch {
    return false;
  }
}

function startsAsMbox(fd: number, size: number): boolean {
  return beginsAsMbox(readRange(fd, 0, Math.min(START, size)));
}

function faultAt(origin: string, what: string): SourceFault {
  return { kind: "fault", origin, sentence: `${what}; ${HINT}.` };
}
