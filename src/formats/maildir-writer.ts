/**
 * Writes a Maildir++ tree: INBOX in its root, every other mailbox in a folder `.Name.Sub`, flags in the file names,
 * internal dates as file times.
 *
 * A tree carries a mark of the account it was exported from. A second export into it adds only what is not there yet,
 * told by the GUIDs in the file names (counted, so copies stay as many), and brings flags up to date.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../model/errors.ts";
import type { Guid } from "../model/record.ts";
import { fileError } from "./file.ts";
import {
  baseOfFile,
  compareDelivery,
  deliveryKey,
  exportedBase,
  exportedGuid,
  folderOfMailbox,
  infoOfFlags,
  MAX_LETTERS,
} from "./maildir-names.ts";
import { KEYWORDS_FILE, NAME_FILE, parseKeywords } from "./maildir-reader.ts";

/** The mark: a file in the root of an exported tree with the account's name. */
const MARK_FILE = "tandem-export";

/** A message to be written. */
export interface ExportMessage {
  readonly uid: number;
  readonly guid: Guid;
  readonly size: number;
  /** Milliseconds since 1970; becomes the file's time, to the file system's precision and range. */
  readonly internalDate: number;
  readonly flags: readonly string[];
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What became of a message: newly written, there already with other flags, or there already. */
export type Written = "written" | "flags-changed" | "present";

/**
 * Makes `directory` the root of a tree for `account`, or checks that it is one. The directory above it has to be there.
 * @throws TandemError `refused` if it has other things in it or another account's mail, `io`.
 */
export async function openMaildirTree(directory: string, account: string): Promise<void> {
  try {
    await mkdir(directory).catch(unlessExists);
    const entries = await readdir(directory);
    if (entries.length === 0) await writeFile(join(directory, MARK_FILE), account);
    else await checkMark(directory, account, entries.includes(MARK_FILE));
  } catch (error) {
    throw fileError("written", directory, error);
  }
}

/** Whether it is a directory shows when it is read. */
function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function checkMark(directory: string, account: string, marked: boolean): Promise<void> {
  if (!marked)
    throw new TandemError(
      "refused",
      `${directory} is not empty and was not made by "tandem export"; name a new or empty directory.`,
    );
  const owner = await readFile(join(directory, MARK_FILE), "utf8");
  if (owner !== account)
    throw new TandemError(
      "refused",
      `${directory} holds an export of the account ${JSON.stringify(owner)}; name another directory for ${JSON.stringify(account)}.`,
    );
}

/** One mailbox of a tree being written. Close it in the end: only then is everything in it durable. */
export class MaildirFolder {
  readonly #directory: string;
  /** Files that are there and not yet claimed by a message, by GUID, in order of delivery. */
  readonly #present: Map<Guid, string[]>;
  readonly #keywords: (string | undefined)[];
  readonly #homeless = new Set<string>();
  #seconds = 0;

  private constructor(directory: string, present: Map<Guid, string[]>, keywords: (string | undefined)[]) {
    this.#directory = directory;
    this.#present = present;
    this.#keywords = keywords;
  }

  /** Opens, and makes if it is not there, the folder of `mailbox` in the tree `root`. @throws TandemError `io`. */
  static async open(root: string, mailbox: string): Promise<MaildirFolder> {
    try {
      const directory = await makeFolder(root, mailbox);
      return new MaildirFolder(directory, listExported(directory), readKeywords(directory));
    } catch (error) {
      throw fileError("written", root, error);
    }
  }

  /** Keywords that found no letter: a Maildir folder has 26. */
  get keywordsLeftOut(): string[] {
    return [...this.#homeless].sort();
  }

  /**
   * Brings one message into the folder; call it in UID order. Calls may overlap.
   * @throws TandemError `io`, or what reading `bytes` throws; nothing of the message is visible then.
   */
  async add(message: ExportMessage): Promise<Written> {
    this.#seconds = Math.max(this.#seconds, Math.floor(message.internalDate / 1000));
    const info = infoOfFlags(message.flags, (keyword) => this.#letterOf(keyword));
    const present = this.#present.get(message.guid)?.shift();
    if (present !== undefined) return this.#refreshFlags(present, info);
    const base = exportedBase(message, this.#seconds);
    const draft = join(this.#directory, "tmp", base);
    await writeMessage(draft, message);
    await rename(draft, join(this.#directory, "cur", base + info)).catch((error: unknown) => {
      throw fileError("written", this.#directory, error);
    });
    return "written";
  }

  /** Makes the names of all files durable. @throws TandemError `io`. */
  async close(): Promise<void> {
    for (const directory of [join(this.#directory, "cur"), this.#directory]) await syncDirectory(directory);
  }

  #refreshFlags(path: string, info: string): Written {
    const name = path.slice(path.indexOf("/") + 1);
    const wanted = `cur/${baseOfFile(name)}${info}`;
    if (path === wanted) return "present";
    try {
      renameSync(join(this.#directory, path), join(this.#directory, wanted));
    } catch (error) {
      throw fileError("written", join(this.#directory, path), error);
    }
    return "flags-changed";
  }

  /** The keyword's letter; a new one is written down before any file name uses it. */
  #letterOf(keyword: string): string | null {
    const known = this.#keywords.findIndex((other) => other?.toLowerCase() === keyword.toLowerCase());
    const index = known !== -1 ? known : this.#addKeyword(keyword);
    if (index === -1) this.#homeless.add(keyword);
    return index === -1 ? null : String.fromCharCode(97 + index);
  }

  #addKeyword(keyword: string): number {
    const index = Array.from({ length: MAX_LETTERS }, (_, i) => this.#keywords[i]).indexOf(undefined);
    if (index === -1) return -1;
    this.#keywords[index] = keyword;
    const lines = this.#keywords.flatMap((name, i) => (name === undefined ? [] : [`${i} ${name}\n`]));
    const path = join(this.#directory, KEYWORDS_FILE);
    try {
      writeFileSync(`${path}.tmp`, lines.join(""));
      renameSync(`${path}.tmp`, path);
    } catch (error) {
      throw fileError("written", path, error);
    }
    return index;
  }
}

async function makeFolder(root: string, mailbox: string): Promise<string> {
  if (mailbox === "INBOX") return makeMaildir(root);
  const { folder, exact } = folderOfMailbox(mailbox);
  const directory = await makeMaildir(join(root, folder));
  // Maildir++ (Courier): marks a folder below the root, so that a delivery agent finds the quota of the whole tree.
  await writeFile(join(directory, "maildirfolder"), "");
  if (!exact) await writeFile(join(directory, NAME_FILE), mailbox);
  return directory;
}

async function makeMaildir(directory: string): Promise<string> {
  for (const place of ["tmp", "new", "cur"]) await mkdir(join(directory, place), { recursive: true });
  return directory;
}

/** Files of earlier exports, as `cur/name` or `new/name`, by GUID. */
function listExported(directory: string): Map<Guid, string[]> {
  const present = new Map<Guid, string[]>();
  const files = ["cur", "new"].flatMap((place) =>
    readdirSync(join(directory, place)).map((name) => ({ ...deliveryKey(name), place })),
  );
  for (const { name, place } of files.sort(compareDelivery)) {
    const guid = exportedGuid(name);
    if (guid === null) continue;
    const paths = present.get(guid);
    if (paths === undefined) present.set(guid, [`${place}/${name}`]);
    else paths.push(`${place}/${name}`);
  }
  return present;
}

function readKeywords(directory: string): (string | undefined)[] {
  const keywords: (string | undefined)[] = [];
  if (!readdirSync(directory).includes(KEYWORDS_FILE)) return keywords;
  const text = readFileSync(join(directory, KEYWORDS_FILE), "utf8");
  for (const [index, keyword] of parseKeywords(text)) keywords[index] = keyword;
  return keywords;
}

async function writeMessage(path: string, message: ExportMessage): Promise<void> {
  try {
    const file = await open(path, "w", 0o600);
    try {
      await fill(file, message);
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw fileError("written", path, error);
  }
}

async function fill(file: FileHandle, message: ExportMessage): Promise<void> {
  for await (const chunk of message.bytes) await file.writeFile(chunk);
  // As a Date: Node takes a negative number for "now".
  const date = new Date(message.internalDate);
  await file.utimes(date, date);
  await file.sync();
}

async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError("written", directory, error);
  }
}
