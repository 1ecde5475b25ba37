/**
 * The directory of a store: what is in it, how it is recognised, and how it is made.
 *
 * A store is made whole under another name and then linked into place, so that of several processes that make the
 * same store at one moment exactly one wins, and all use the winner's.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TandemError } from "../../model/errors.ts";
import type { Driver } from "./connection.ts";
import { codeOf } from "./errors.ts";
import { makeDirectories } from "./make-directories.ts";
import { checkWritable, ownerOf, type StoreOwner } from "./ownership.ts";
import { rowSum } from "./row-sums.ts";
import { APPLICATION_ID, SCHEMA, STORE_FORMAT } from "./schema.ts";

const INDEX = "index.db";
const OUR_NAMES = new Set([INDEX, `${INDEX}-wal`, `${INDEX}-shm`, "segments", "spool", "bell", "mail-bell", "commits"]);
const SQLITE_MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const FORMAT_AT = 60;
const APPLICATION_ID_AT = 68;

/** Where the parts of a store lie. */
export interface StorePaths {
  readonly directory: string;
  readonly index: string;
  readonly segments: string;
  readonly spool: string;
  /** Written to by whoever changed the change log, so that watchers are told; its contents mean nothing. */
  readonly bell: string;
  /** The same for whoever changed a mailbox. */
  readonly mailBell: string;
  /** How many commits are known to be on the disk: see `lost-commits.ts`. */
  readonly commits: string;
}

export function pathsOf(directory: string): StorePaths {
  const path = (name: string) => join(directory, name);
  return {
    directory,
    index: path(INDEX),
    segments: path("segments"),
    spool: path("spool"),
    bell: path("bell"),
    mailBell: path("mail-bell"),
    commits: path("commits"),
  };
}

/**
 * Makes sure that there is a store that this process may use, made now if there is none and `create` says so.
 * @returns whose files are to be.
 * @throws TandemError `not-a-store` if the directory is missing, foreign, or a store of another format; `io` if it is another
 * user's, or cannot be written to.
 */
export async function prepareDirectory(driver: Driver, paths: StorePaths, create: boolean): Promise<StoreOwner> {
  const owner = await ownerOf(paths);
  const found = await foundBy(owner, paths);
  if (found === "store") {
    await checkWritable(paths);
    owner.adoptPath(paths.index);
    return owner;
  }
  const where = JSON.stringify(paths.directory);
  if (!create)
    throw new TandemError(
      "not-a-store",
      found === "nothing"
        ? `There is no store ${where}; check the path, or create it first.`
        : `The directory ${where} is empty, not a store; check the path, or create a store in it first.`,
    );
  await createStore(driver, paths, owner);
  return owner;
}

/** A store, nothing, or a directory in which a store may be made: it is empty, or the making of one was interrupted. */
type Found = "store" | "room" | "nothing";

/** @throws TandemError `not-a-store` if there is something else, or a store of another format. */
export async function whatIsThere(paths: StorePaths): Promise<Found> {
  return foundBy(await ownerOf(paths), paths);
}

async function foundBy(owner: StoreOwner, paths: StorePaths): Promise<Found> {
  if (await hasIndex(paths, owner)) return "store";
  const names = await listed(paths.directory);
  if (names === null) return "nothing";
  const where = JSON.stringify(paths.directory);
  if (!names.every((name) => OUR_NAMES.has(name)))
    throw new TandemError("not-a-store", `The directory ${where} holds other files and is not a store; name another.`);
  if (await hasSegments(paths))
    throw new TandemError(
      "not-a-store",
      `The directory ${where} has the messages of a store, but its index, index.db, is gone; restore it from a copy, or name another directory.`,
    );
  return "room";
}

/** A name in the spool directory that tells which process it belongs to. */
export function spoolName(kind: string): string {
  return `${process.pid}-${randomBytes(8).toString("hex")}.${kind}`;
}

/** The process that a name made by `spoolName` belongs to, null for any other name. */
export function spoolOwner(name: string): number | null {
  const pid = /^(\d+)-[0-9a-f]{16}\./.exec(name)?.[1];
  return pid === undefined ? null : Number(pid);
}

/** Makes what was created, renamed or removed in a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Names in a directory, null if it is not there. @throws TandemError `not-a-store` if it is a file. */
async function listed(directory: string): Promise<string[] | null> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    if (codeOf(error) !== "ENOTDIR") throw error;
    throw new TandemError("not-a-store", `${JSON.stringify(directory)} is not a directory; name that of a store.`);
  }
}

/** Whether messages were ever written: a store whose making was broken off has none. */
async function hasSegments({ segments }: StorePaths): Promise<boolean> {
  const names = await listed(segments);
  return names !== null && names.length > 0;
}

/** Looks at the header of the file only, so that a foreign directory is left as it is. */
async function hasIndex({ index, directory }: StorePaths, owner: StoreOwner): Promise<boolean> {
  const header = await headerOf(index).catch((error) => {
    if (codeOf(error) === "EACCES") owner.checkUser(directory);
    throw error;
  });
  if (header === null) return false;
  const isOurs =
    header.length === HEADER_BYTES &&
    header.toString("latin1", 0, SQLITE_MAGIC.length) === SQLITE_MAGIC &&
    header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
  const where = JSON.stringify(directory);
  if (!isOurs) throw new TandemError("not-a-store", `The directory ${where} is not a store of Tandem; name another.`);
  checkFormat(header.readUInt32BE(FORMAT_AT), directory);
  owner.checkUser(directory);
  return true;
}

function checkFormat(format: number, directory: string): void {
  if (format === STORE_FORMAT) return;
  const where = `The store ${JSON.stringify(directory)} has format ${format}, this Tandem knows format ${STORE_FORMAT}`;
  const hint =
    format > STORE_FORMAT ? "upgrade Tandem" : "make a new store and sync into it with the Tandem that made it";
  throw new TandemError("not-a-store", `${where}; ${hint}.`);
}

async function headerOf(file: string): Promise<Buffer | null> {
  try {
    const handle = await open(file, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
    if (codeOf(error) === "EISDIR") return Buffer.alloc(0);
    throw error;
  }
}

async function createStore(driver: Driver, paths: StorePaths, owner: StoreOwner): Promise<void> {
  await makeDirectories(dirname(paths.directory));
  for (const directory of [paths.directory, paths.segments, paths.spool])
    await mkdir(directory, 0o700).catch(unlessExists);
  for (const directory of [paths.segments, paths.spool]) owner.adoptPath(directory);
  const draft = join(paths.spool, spoolName("new"));
  try {
    createIndex(driver, draft);
    owner.adoptPath(draft);
    await link(draft, paths.index).catch(unlessExists);
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(paths.directory);
}

/** "It exists now" is what was wanted. */
function unlessExists(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

function createIndex(driver: Driver, path: string): void {
  const db = new driver(path);
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${STORE_FORMAT}`);
    db.exec(SCHEMA);
    const epoch = randomBytes(16).toString("hex");
    db.prepare("INSERT INTO meta VALUES (?, ?, 0)").run(epoch, rowSum(epoch));
    db.prepare("INSERT INTO sequence VALUES (1, 1, ?)").run(rowSum(1, 1));
    db.prepare("INSERT INTO log_sequence VALUES (0, ?)").run(rowSum(0));
  } finally {
    // The last connection copies the log into the file and removes it.
    db.close();
  }
}
