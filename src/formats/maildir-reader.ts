/**
 * Reads a Maildir, a Maildir++ tree (`.Folder.Sub`) or a tree of plain directories that are Maildirs.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isTandemError } from "../model/errors.ts";
import { keywordFault } from "../model/flags.ts";
import { nameFault } from "../model/mailbox.ts";
import { fileError, readMessageFile } from "./file.ts";
import {
  compareDelivery,
  type DeliveryKey,
  deliveryKey,
  flagsOfFile,
  MAX_LETTERS,
  mailboxOfDirectory,
  mailboxOfFolder,
} from "./maildir-names.ts";
import type { SourceFault, SourceItem, SourceMessage } from "./source.ts";

/** In a folder whose mailbox name its directory cannot express: a file with the name in UTF-8. */
export const NAME_FILE = "tandem-name";
/** Dovecot's list of keywords: one line `0 keyword` for each letter from `a`. */
export const KEYWORDS_FILE = "dovecot-keywords";
const OWN_DIRECTORIES = new Set(["cur", "new", "tmp"]);

interface Folder {
  readonly directory: string;
  /** null: the root. */
  readonly mailbox: string | null;
}

interface Found {
  readonly folders: Folder[];
  /** Everywhere it was looked. */
  readonly directories: string[];
  readonly faults: SourceFault[];
}

/** True if `directory` is a Maildir itself or one lies in it. Anything unreadable counts as nothing. */
export function isMaildirTree(directory: string): boolean {
  return isMaildir(directory) || findFolders(directory).folders.length > 0;
}

/**
 * All messages, folder by folder (the root first, then by name), each in order of delivery. The names of one folder's
 * files are held in memory, its messages are not. Files whose names begin with a dot are not messages.
 */
export async function* readMaildir(directory: string): AsyncGenerator<SourceItem> {
  const { folders, faults } = findFolders(directory);
  yield* faults;
  for (const folder of folders) yield* readFolder(folder);
}

/** `root` and the directories below it that are looked into for Maildirs; not `cur`, `new` and `tmp`, nor what cannot be read. */
export function directoriesOf(root: string): readonly string[] {
  return findFolders(root).directories;
}

/** True if `directory` has `cur` or `new` in it. */
function isMaildir(directory: string): boolean {
  return isDirectory(join(directory, "cur")) || isDirectory(join(directory, "new"));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function findFolders(root: string): Found {
  const found: Found = { folders: [], directories: [], faults: [] };
  const visited = new Set<string>();
  const walk = (directory: string, mailbox: string | null): void => {
    // Links are followed, so a directory may be met again.
    const { dev, ino } = statSync(directory);
    if (visited.has(`${dev}:${ino}`)) return;
    visited.add(`${dev}:${ino}`);
    if (isMaildir(directory)) found.folders.push({ directory, mailbox: namedInside(directory) ?? mailbox });
    const prefix = mailbox === null ? "" : `${mailbox}/`;
    const children = subdirectories(directory);
    found.directories.push(directory);
    for (const child of children) {
      const path = join(directory, child);
      if (!child.startsWith(".")) attempt(path, () => walk(path, prefix + mailboxOfDirectory(child)));
      else if (isMaildir(path)) {
        found.folders.push({ directory: path, mailbox: namedInside(path) ?? prefix + mailboxOfFolder(child) });
        found.directories.push(path);
      }
    }
  };
  const attempt = (path: string, visit: () => void): void => {
    try {
      visit();
    } catch (error) {
      found.faults.push(faultOf(path, error));
    }
  };
  attempt(root, () => walk(root, null));
  return found;
}

function subdirectories(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isDirectory(join(directory, entry.name))))
    .map((entry) => entry.name)
    .filter((name) => !OWN_DIRECTORIES.has(name))
    .sort();
}

function namedInside(directory: string): string | null {
  const name = readIfThere(join(directory, NAME_FILE));
  return name === null || nameFault(name) !== null ? null : name;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function* readFolder(folder: Folder): Generator<SourceItem> {
  const { keywords, faults } = readKeywords(folder.directory);
  yield* faults;
  const listing = listMessages(folder.directory);
  yield* listing.faults;
  yield { kind: "mailbox", mailbox: folder.mailbox, expected: listing.files.length };
  for (const { name, place } of listing.files) yield readMessage(folder, place, name, keywords);
}

type Place = "cur" | "new";

function listMessages(directory: string): { files: (DeliveryKey & { place: Place })[]; faults: SourceFault[] } {
  const faults: SourceFault[] = [];
  const files = (["cur", "new"] as const).flatMap((place) => {
    const path = join(directory, place);
    try {
      return listPlace(path).map((key) => ({ ...key, place }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") faults.push(faultOf(path, error));
      return [];
    }
  });
  return { files: files.sort(compareDelivery), faults };
}

function listPlace(path: string): DeliveryKey[] {
  return readdirSync(path)
    .filter((name) => !name.startsWith("."))
    .map(deliveryKey)
    .map((key) => (key.seconds === null ? { ...key, seconds: fileSeconds(join(path, key.name)) } : key));
}

function fileSeconds(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) / 1000;
}

function readMessage(folder: Folder, place: Place, name: string, keywords: readonly (string | undefined)[]) {
  const path = join(folder.directory, place, name);
  try {
    const { content, internalDate } = readMessageFile(path);
    const flags = flagsOfFile(name, keywords);
    const message: SourceMessage = {
      kind: "message",
      mailbox: folder.mailbox,
      // What lies in `new` was never shown to anybody.
      flags: place === "new" ? flags.filter((flag) => flag !== "\\Seen") : flags,
      internalDate,
      content,
      origin: path,
    };
    return message;
  } catch (error) {
    return faultOf(path, error);
  }
}

/** Keywords by letter; a line that IMAP does not allow as a keyword is left out and reported. */
function readKeywords(directory: string): { keywords: (string | undefined)[]; faults: SourceFault[] } {
  const path = join(directory, KEYWORDS_FILE);
  const keywords: (string | undefined)[] = [];
  const faults: SourceFault[] = [];
  for (const [index, keyword] of parseKeywords(readIfThere(path) ?? "")) {
    const fault = keywordFault(keyword);
    if (fault === null) keywords[index] = keyword;
    else
      faults.push({
        kind: "fault",
        origin: path,
        sentence: `${path}: the keyword ${JSON.stringify(keyword)} ${fault}; it was left out.`,
      });
  }
  return { keywords, faults };
}

/** The lines of a `dovecot-keywords` file as letter number (0 to 25) and keyword; anything else in it is passed over. */
export function parseKeywords(text: string): [number, string][] {
  return text.split(/\r?\n/).flatMap((line): [number, string][] => {
    const match = /^(\d{1,2}) (.+)$/.exec(line);
    const index = Number(match?.[1]);
    return match?.[2] !== undefined && index < MAX_LETTERS ? [[index, match[2]]] : [];
  });
}

function faultOf(origin: string, error: unknown): SourceFault {
  if (isTandemError(error)) return { kind: "fault", origin, sentence: error.message };
  return { kind: "fault", origin, sentence: fileError("read", origin, error).message };
}
