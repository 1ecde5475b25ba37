/**
 * What all commands of the command line have in common: their help, their options, and how wrong usage is told.
 */
import { type Command, Option, type OutputConfiguration } from "commander";
import { COMMAND_HELP } from "./help.ts";
import { printError } from "./run.ts";

/** Where commands write that make their store. */
export const NEW_STORE = "directory of the store; made if it is not there";
export const OLD_STORE = "directory of the store";
/** Wrong usage as one line that names the help to read. */
export function errorsOf(command: string): OutputConfiguration {
  return {
    outputError: (text) => {
      const sentence = text
        .trim()
        .replace(/^error: /, "")
        .replaceAll("\n", " ")
        .replace(/\.$/, "");
      printError(`${sentence}; see ${command} --help.`);
    },
  };
}

export function command(parent: Command, name: string, helpName: string = name): Command {
  const help = COMMAND_HELP[helpName];
  const made = parent
    .command(name)
    .helpOption("--help", "print help")
    .configureOutput(errorsOf(`tandem ${helpName}`));
  if (help === undefined) return made;
  return made.summary(help.summary).description(help.description).addHelpText("after", help.after);
}

export function json<T extends Command>(made: T): T {
  return made.option("--json", "print results as JSON") as T;
}

export function oneAccount(): Option {
  return new Option("--account <name>", "account to work on").default("default");
}

export function someAccount(): Option {
  return new Option("--account <name>", "only this account (default: all)");
}

export function someMailbox(): Option {
  return new Option("--mailbox <name>", "only the mailbox of this name (default: all)");
}
