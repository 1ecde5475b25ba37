/**
 * Secrets from files and the environment: never from the command line, where other users can read them.
 */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { TandemError } from "../model/errors.ts";
import { MIN_SECRET_BYTES } from "../sync/trust.ts";

/** Permissions of group and others. */
const OTHERS = 0o077;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The secret in a file: its bytes but for a newline at the end.
 * @throws TandemError `invalid-argument` if it cannot be read, others may read it, or it is too short. No error names a byte
 * of it.
 */
export function readSecretFile(path: string): Uint8Array {
  return checkedSecret(withoutNewline(readPrivate(path)), `The secret in ${path}`);
}

/** The secret in an environment variable, null if it is not set. @throws TandemError `invalid-argument` if it is too short. */
export function secretFromEnvironment(name: string): Uint8Array | null {
  const value = process.env[name];
  return value === undefined ? null : checkedSecret(withoutNewline(Buffer.from(value)), `The secret in ${name}`);
}

function readPrivate(path: string): Buffer {
  let file: number | null = null;
  try {
    file = openSync(path, "r");
    // Asked of the open file: the one that is read, whatever happens to the path meanwhile.
    if (process.platform !== "win32" && (fstatSync(file).mode & OTHERS) !== 0)
      throw new TandemError("invalid-argument", `Others may read the secret in ${path}; run: chmod 600 ${path}.`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof TandemError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new TandemError(
      "invalid-argument",
      `The secret file ${path} cannot be read (${code}); check path and owner.`,
    );
  } finally {
    if (file !== null) closeSync(file);
  }
}

function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== NEWLINE) return bytes;
  return bytes.subarray(0, bytes.at(-2) === RETURN ? -2 : -1);
}

function checkedSecret(bytes: Buffer, what: string): Uint8Array {
  if (bytes.length >= MIN_SECRET_BYTES) return bytes;
  const least = `${what} has ${bytes.length} bytes, ${MIN_SECRET_BYTES} are needed`;
  throw new TandemError("invalid-argument", `${least}; make one with: openssl rand -hex 32.`);
}
