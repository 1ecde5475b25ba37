/**
 * Reads single message files, and directories of `.eml` files.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileError, readMessageFile } from "./file.ts";
import type { SourceFault, SourceItem, SourceMessage } from "./source.ts";

/** The names of the `.eml` files right in `directory`, sorted; directories below it and other files are left alone. */
export function listEml(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => isEmlName(name) && !name.startsWith("."))
    .sort();
}

/** True for names ending in `.eml`, in any case. */
export function isEmlName(name: string): boolean {
  return name.toLowerCase().endsWith(".eml");
}

/** All `.eml` files of a directory in the order of their names; an empty file is a message of no bytes. */
export async function* readEmlDirectory(directory: string): AsyncGenerator<SourceItem> {
  const names = listEml(directory);
  yield { kind: "mailbox", mailbox: null, expected: names.length };
  for (const name of names) yield readEml(join(directory, name));
}

/** One file as one message. */
export async function* readEmlFile(path: string): AsyncGenerator<SourceItem> {
  yield { kind: "mailbox", mailbox: null, expected: 1 };
  yield readEml(path);
}

function readEml(path: string): SourceMessage | SourceFault {
  try {
    return { kind: "message", mailbox: null, flags: [], origin: path, ...readMessageFile(path) };
  } catch (error) {
    return { kind: "fault", origin: path, sentence: fileError("read", path, error).message };
  }
}
