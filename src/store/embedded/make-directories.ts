/**
 * Making directories with those above them.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "./errors.ts";

/**
 * Makes a directory and those above it, as far as they are not there. What `mkdir` with `recursive` does, but it never ends
 * where a directory that is there takes none in: a working directory that was removed, /proc.
 * @param mode permissions of what is made.
 * @throws what the system says, e.g. ENOENT in such a place or below a dangling link.
 */
export async function makeDirectories(path: string, mode = 0o777): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    await makeDirectories(above, mode);
    await makeOne(path, mode);
  }
}

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) !== "EEXIST" || !(await stat(path)).isDirectory()) throw error;
  }
}
