/**
 * Who may use the files of a store: its owner alone; or a group, if the directory of the store is writable for that group and
 * hands it on to what is made in it (`chmod 2770`). Never others, whatever the umask is.
 *
 * A file that a process made for itself alone would lock all others out, and its owner too where that process is root's.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  type Stats,
  statSync,
} from "node:fs";
import { access, stat } from "node:fs/promises";
import { TandemError } from "../../model/errors.ts";
import type { StorePaths } from "./directory.ts";
import { codeOf } from "./errors.ts";

/** Set-group-ID, and writable for the group. */
const SHARED = 0o2020;
const PERMISSIONS = 0o777;

export class StoreOwner {
  readonly #uid: number;
  readonly #gid: number;
  readonly #isShared: boolean;

  constructor(uid: number, gid: number, isShared: boolean) {
    this.#uid = uid;
    this.#gid = gid;
    this.#isShared = isShared;
  }

  /** Opens a file to write to it, made if it is not there. */
  open(path: string): number {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o660);
    try {
      this.adopt(file);
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** Brings a file that this process has open to the store's mode, and one that root made to its owner. */
  adopt(file: number): void {
    const has = fstatSync(file);
    if (this.#isAnothers(has)) fchownSync(file, this.#uid, this.#gid);
    if (this.#needsMode(has, this.#fileMode)) whereThereAreModes(() => fchmodSync(file, this.#fileMode));
  }

  /** As `adopt`, by name. */
  adoptPath(path: string): void {
    const has = statSync(path);
    const mode = has.isDirectory() ? this.#directoryMode : this.#fileMode;
    if (this.#isAnothers(has)) chownSync(path, this.#uid, this.#gid);
    if (this.#needsMode(has, mode)) whereThereAreModes(() => chmodSync(path, mode));
  }

  /** @throws TandemError `io` if this process must not open the store: it is another user's. */
  checkUser(directory: string): void {
    const user = process.geteuid?.() ?? this.#uid;
    if (user === this.#uid || user === 0 || this.#isShared) return;
    const whose = `The store ${JSON.stringify(directory)} is for the user with the id ${this.#uid} alone, and this is ${user}`;
    throw new TandemError(
      "io",
      `${whose}; run this as that user, or let a group share it (chmod 2770 its directories, 660 its files).`,
    );
  }

  get #fileMode(): number {
    return this.#isShared ? 0o660 : 0o600;
  }

  get #directoryMode(): number {
    return this.#isShared ? 0o2770 : 0o700;
  }

  #isAnothers({ uid }: Stats): boolean {
    return process.geteuid?.() === 0 && uid !== this.#uid;
  }

  #needsMode({ mode, uid }: Stats, wanted: number): boolean {
    const user = process.geteuid?.();
    return (mode & PERMISSIONS) !== (wanted & PERMISSIONS) && (user === uid || user === 0);
  }
}

/** Whose the store is; where there is none yet, whose it will be. */
export async function ownerOf({ directory, index }: StorePaths): Promise<StoreOwner> {
  const [outer, inner] = [await statOrNull(directory), await statOrNull(index)];
  const { uid, gid } = inner ?? outer ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const isShared = outer !== null && (outer.mode & SHARED) === SHARED;
  return new StoreOwner(uid, isShared ? outer.gid : gid, isShared);
}

/** @throws TandemError `io`, with what to do, if this process may not write to the store: SQLite writes where it only reads, too. */
export async function checkWritable({ directory, index }: StorePaths): Promise<void> {
  try {
    for (const path of [directory, index]) await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (codeOf(error) !== "EROFS" && codeOf(error) !== "EACCES") throw error;
    const why = codeOf(error) === "EROFS" ? "is on a read-only file system" : "may not be written to by this user";
    const what = "also reading a store writes beside its index";
    throw new TandemError(
      "io",
      `The store ${JSON.stringify(directory)} ${why}, and ${what}; make it writable, or copy the whole directory and use the copy.`,
    );
  }
}

/** Not every file system keeps modes. */
function whereThereAreModes(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!/^(EPERM|ENOTSUP|ENOSYS)$/.test(codeOf(error))) throw error;
  }
}

/** Null if it is not there, or not to be seen. */
async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (/^(ENOENT|ENOTDIR|EACCES)$/.test(codeOf(error))) return null;
    throw error;
  }
}
