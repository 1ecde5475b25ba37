/**
 * What may stand for the directory of a store on the command line.
 */
import { statSync } from "node:fs";
import { TandemError } from "../model/errors.ts";

const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\//i;
const HOST_PORT = /^[^/\\]+:\d+$/;

/**
 * The path as it was given. What was meant for a node must not become a directory of that name.
 * @throws TandemError `invalid-argument` if it is empty, a URL, or HOST:PORT where no directory is called so.
 */
export function checkedStorePath(path: string): string {
  const fault = storePathFault(path);
  if (fault !== null) throw new TandemError("invalid-argument", fault);
  return path;
}

/** Why the path cannot stand for the directory of a store, in one sentence; null if it can. */
export function storePathFault(path: string): string | null {
  if (path === "") return 'The name of the store is empty; give the path of a directory, e.g. "./mail".';
  if (URL_LIKE.test(path)) return `${shown(path)} is no directory; ${WAY}, or "./NAME" for a directory.`;
  if (!HOST_PORT.test(path) || isDirectory(path)) return null;
  return `${shown(path)} looks like the address of a node; ${WAY}, or ${shown(`./${path}`)} for a directory.`;
}

/** Only these go to nodes. */
const WAY = 'for a node write "ws://HOST:PORT" or "wss://HOST:PORT" (in sync, diff and verify)';

function shown(path: string): string {
  return JSON.stringify(path);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
