/**
 * The command line of `tandem`: its commands, options and help. What a command does is loaded when it runs.
 */
import { Command, CommanderError, Option } from "commander";
import { command, errorsOf, json, NEW_STORE, OLD_STORE, oneAccount, someAccount, someMailbox } from "./command.ts";
import { tuneEngine } from "./engine.ts";
import { PROGRAM_HELP } from "./help.ts";
import type {
  AccountOptions,
  AppendOptions,
  DiffOptions,
  JsonOption,
  MailboxOptions,
  PurgeOptions,
  SelectOptions,
  SyncOptions,
  VerifyOptions,
} from "./options.ts";
import { addDaemon } from "./program-daemon.ts";
import { fail, OK, run, USAGE } from "./run.ts";
import { VERSION } from "./version.ts";

const LOCATION = "a store directory, or ws://host:port or wss://host:port of a serving node";
const UIDSET = 'UIDs as in IMAP, e.g. "1:5,9,12:*"';

/** Runs the command that `argv` (as in `process.argv`) asks for and sets the exit status. Never throws. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  tuneEngine();
  try {
    await buildProgram().parseAsync(argv);
  } catch (error) {
    // Commander has said already what is wrong with the command line, or has printed the help it was asked for.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? OK : USAGE;
    else fail(error);
  }
}

function buildProgram(): Command {
  const program = new Command("tandem")
    .description("Makes the mailboxes of two mail stores identical: UIDs, flags and modseqs included.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("--help", "print help")
    .helpCommand("help [command]", "print help about a command")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(errorsOf("tandem"))
    .addHelpText("after", PROGRAM_HELP);
  for (const add of [addExchange, addDaemon, addMailFiles, addReading, addWriting, addMailbox]) add(program);
  return program;
}

function addExchange(program: Command): void {
  json(connecting(command(program, "sync")))
    .argument("<from>", `the master: ${LOCATION}; must exist`)
    .argument("<to>", `the replica: ${LOCATION}; a directory is made if it is not there`)
    .addOption(someAccount())
    .addOption(someMailbox())
    .option("--one-way", "never write FROM; refuse mailboxes in which TO has something of its own")
    .addOption(new Option("--mirror", "with --one-way: make TO exactly FROM, expunging what is only in TO"))
    .option("--dry-run", "print every decision and its reason, write nothing")
    .option("--full", "full resync even if the digests agree")
    .option("--allow-mass-deletion", "let through what the mass-deletion brake holds")
    .action((from: string, to: string, options: SyncOptions) =>
      run(async () => (await import("./commands/sync.ts")).runSync(from, to, options)),
    );
  json(connecting(command(program, "diff")))
    .argument("<a>", LOCATION)
    .argument("<b>", LOCATION)
    .addOption(someAccount())
    .addOption(someMailbox())
    .action((a: string, b: string, options: DiffOptions) =>
      run(async () => (await import("./commands/diff.ts")).runDiff(a, b, options), USAGE),
    );
  json(connecting(command(program, "verify")))
    .argument("<a>", LOCATION)
    .argument("<b>", LOCATION)
    .addOption(someAccount())
    .option("--deep", "recompute the digests and hash every body, also look for damage in stores on this machine")
    .addOption(new Option("--repair", "repair what is damaged in stores on this machine first").implies({ deep: true }))
    .action((a: string, b: string, options: VerifyOptions) =>
      run(async () => (await import("./commands/verify.ts")).runVerify(a, b, options), USAGE),
    );
}

function addMailFiles(program: Command): void {
  json(command(program, "import"))
    .argument("<store>", NEW_STORE)
    .argument("<source...>", "Maildir, mbox file, directory of .eml files, or single messages")
    .addOption(oneAccount())
    .option("--mailbox <name>", "mailbox to import to (default: INBOX); folders of a Maildir go below it")
    .action((store: string, sources: string[], options: MailboxOptions) =>
      run(async () => (await import("./commands/import.ts")).runImport(store, sources, options)),
    );
  json(command(program, "export"))
    .argument("<store>", OLD_STORE)
    .argument("<dest>", "directory of the Maildir++ tree: new, empty, or an earlier export of this account")
    .addOption(oneAccount())
    .option("--mailbox <name>", "only this mailbox (default: all)")
    .action((store: string, dest: string, options: MailboxOptions) =>
      run(async () => (await import("./commands/export.ts")).runExport(store, dest, options)),
    );
}

function addReading(program: Command): void {
  json(command(program, "ls"))
    .argument("<store>", OLD_STORE)
    .addOption(someAccount())
    .action((store: string, options: SelectOptions) =>
      run(async () => (await import("./commands/ls.ts")).runLs(store, options)),
    );
  json(command(program, "dump"))
    .argument("<store>", OLD_STORE)
    .addOption(someAccount())
    .addOption(someMailbox())
    .action((store: string, options: SelectOptions) =>
      run(async () => (await import("./commands/dump.ts")).runDump(store, options)),
    );
  command(program, "cat")
    .argument("<store>", OLD_STORE)
    .argument("<mailbox>", "name of the mailbox")
    .argument("<uid>", "UID of the message")
    .addOption(oneAccount())
    .action((store: string, mailbox: string, uid: string, options: AccountOptions) =>
      run(async () => (await import("./commands/cat.ts")).runCat(store, mailbox, uid, options)),
    );
}

function addWriting(program: Command): void {
  json(command(program, "append"))
    .argument("<store>", NEW_STORE)
    .argument("<mailbox>", "name of the mailbox; made if it is not there")
    .argument("[file]", "file with the message; none or - for standard input", "-")
    .addOption(oneAccount())
    .option("--flag <flag>", "flag or keyword to set; may be repeated", (flag: string, all: string[] = []) => [
      ...all,
      flag,
    ])
    .option("--date <iso>", "internal date, e.g. 2024-05-01T12:00:00Z; UTC if it names no zone (default: now)")
    .action((store: string, mailbox: string, file: string, options: AppendOptions) =>
      run(async () => (await import("./commands/append.ts")).runAppend(store, mailbox, file, options)),
    );
  json(command(program, "flag"))
    .argument("<store>", OLD_STORE)
    .argument("<mailbox>", "name of the mailbox")
    .argument("<uidset>", UIDSET)
    .argument("<change...>", "+FLAG sets, -FLAG clears; system flags with or without backslash")
    .addOption(oneAccount())
    .allowUnknownOption()
    .action((store: string, mailbox: string, uids: string, changes: string[], options: AccountOptions) =>
      run(async () => (await import("./commands/flag.ts")).runFlag(store, mailbox, uids, changes, options)),
    );
  json(command(program, "expunge"))
    .argument("<store>", OLD_STORE)
    .argument("<mailbox>", "name of the mailbox")
    .argument("<uidset>", UIDSET)
    .addOption(oneAccount())
    .action((store: string, mailbox: string, uids: string, options: AccountOptions) =>
      run(async () => (await import("./commands/expunge.ts")).runExpunge(store, mailbox, uids, options)),
    );
  json(command(program, "compact"))
    .argument("<store>", OLD_STORE)
    .action((store: string, options: JsonOption) =>
      run(async () => (await import("./commands/compact.ts")).runCompact(store, options)),
    );
  json(command(program, "purge"))
    .argument("<store>", OLD_STORE)
    .addOption(oneAccount())
    .option("--mailbox <name>", "only this mailbox (default: all)")
    .option("--all", "drop all tombstones, also those a peer has not confirmed")
    .action((store: string, options: PurgeOptions) =>
      run(async () => (await import("./commands/purge.ts")).runPurge(store, options)),
    );
}

function addMailbox(program: Command): void {
  const mailbox = command(program, "mailbox");
  json(command(mailbox, "create", "mailbox create"))
    .argument("<store>", NEW_STORE)
    .argument("<name>", 'name; "/" separates levels')
    .addOption(oneAccount())
    .action((store: string, name: string, options: AccountOptions) =>
      run(async () => (await import("./commands/mailbox.ts")).runCreate(store, name, options)),
    );
  json(command(mailbox, "rename", "mailbox rename"))
    .argument("<store>", OLD_STORE)
    .argument("<name>", "name it has")
    .argument("<newname>", "name it gets")
    .addOption(oneAccount())
    .action((store: string, name: string, newName: string, options: AccountOptions) =>
      run(async () => (await import("./commands/mailbox.ts")).runRename(store, name, newName, options)),
    );
  json(command(mailbox, "delete", "mailbox delete"))
    .argument("<store>", OLD_STORE)
    .argument("<name>", "name of the mailbox")
    .addOption(oneAccount())
    .action((store: string, name: string, options: AccountOptions) =>
      run(async () => (await import("./commands/mailbox.ts")).runDelete(store, name, options)),
    );
}

/** Options of the commands that connect to nodes. */
function connecting<T extends Command>(made: T): T {
  return made
    .option("--secret-file <file>", "file with the secret shared with the node (default: variable TANDEM_SECRET)")
    .option("--node <name>", "name to introduce this node by (default: the host's name)")
    .option("--ca-file <file>", "PEM file of the CA that the node's certificate must be from, for wss://")
    .option("--cert-file <file>", "PEM file of a client certificate, if the node wants one")
    .option("--key-file <file>", "PEM file of the key of the client certificate") as T;
}
