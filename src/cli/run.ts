/**
 * Runs one command: sets the exit status and says in one sentence what went wrong.
 */
import { isTandemError } from "../model/errors.ts";
import { printable } from "./output.ts";

/** All is well. */
export const OK = 0;
/** Something went wrong, and a sentence on stderr says what. */
export const FAILED = 1;
/** The command line, a value in it, or the configuration is wrong, or a command that answers a question could not tell. */
export const USAGE = 2;

/** Runs `work` and makes its result the exit status; `failure` is the status if it throws, but for values that are not valid. */
export async function run(work: () => Promise<number>, failure = FAILED): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    fail(error, isTandemError(error, "invalid-argument") ? USAGE : failure);
  }
}

/** Says in one sentence what went wrong and sets the exit status. */
export function fail(error: unknown, status = FAILED): void {
  printError(errorSentence(error));
  if (process.env["TANDEM_DEBUG"] === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = status;
}

/** One line on stderr, whatever characters the names in it have. */
export function printError(sentence: string): void {
  process.stderr.write(`tandem: ${printable(sentence)}\n`);
}

function errorSentence(error: unknown): string {
  if (isTandemError(error)) return error.message;
  if ((error as NodeJS.ErrnoException | null)?.syscall === "uv_cwd")
    return "The working directory is not there any more; change to another.";
  const text = error instanceof Error ? error.message : String(error);
  return `internal error: ${text.replaceAll(/\s+/g, " ")}; please report it with what TANDEM_DEBUG=1 adds.`;
}
