/**
 * Failures of SQLite and of the file system, in Tandem's own words. The one place where they are translated.
 */
import { type ErrorCode, TandemError } from "../../model/errors.ts";

interface Wording {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly says: (where: string) => string;
}

/** The first pattern that fits the code of the failure decides. */
const WORDINGS: readonly Wording[] = [
  {
    pattern: /^(SQLITE_FULL|ENOSPC|EDQUOT|EFBIG)$/,
    code: "io",
    says: (where) =>
      `There is no space left for the store ${where}; nothing was changed, free some space and try again.`,
  },
  {
    pattern: /^SQLITE_BUSY/,
    code: "io",
    says: (where) => `Another process keeps the store ${where} locked; try again when it is done or stop it.`,
  },
  {
    pattern: /^(SQLITE_READONLY.*|SQLITE_PERM|SQLITE_CANTOPEN.*|EACCES|EPERM|EROFS)$/,
    code: "io",
    says: (where) => `The store ${where} cannot be read or written; check the permissions of its directory and files.`,
  },
  {
    pattern: /^(SQLITE_CORRUPT.*|SQLITE_NOTADB)$/,
    code: "io",
    says: (where) =>
      `The index of the store ${where} is damaged; restore it from a copy, or make a new store and sync into it.`,
  },
  {
    pattern: /^(EMFILE|ENFILE)$/,
    code: "io",
    says: (where) => `Too many files are open for the store ${where}; raise the limit (ulimit -n) and try again.`,
  },
  {
    pattern: /^(ENOENT|ENOTDIR|EEXIST|ELOOP|ENAMETOOLONG)$/,
    code: "io",
    says: (where) =>
      `Something on the path of the store ${where} is missing, a file, a dangling link or too long; check the path.`,
  },
  {
    pattern: /^(SQLITE_.*|E[A-Z0-9]+)$/,
    code: "io",
    says: (where) => `The disk of the store ${where} failed; look at the system's log and try again.`,
  },
];

/** Translates a failure of the store in `directory`; what is not one of SQLite or the file system is a fault of ours. */
export function toTandemError(error: unknown, directory: string): TandemError {
  if (error instanceof TandemError) return error;
  const code = codeOf(error);
  const wording = WORDINGS.find(({ pattern }) => pattern.test(code));
  const where = JSON.stringify(directory);
  if (wording === undefined)
    return new TandemError("internal", `The store ${where} met a fault of Tandem itself; please report it.`, {
      cause: error,
    });
  return new TandemError(wording.code, wording.says(where), { cause: error });
}

/** Runs `action`, its failures translated. */
export async function translated<T>(directory: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toTandemError(error, directory);
  }
}

/** The code of a failed system call or SQLite operation, "" if it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}
