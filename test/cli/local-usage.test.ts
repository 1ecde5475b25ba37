/** The command line itself: help, version, exit statuses, and what goes wrong before anything is done. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { VERSION } from "../../src/cli/version.ts";
import { MAIN, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";

const COMMANDS = [
  "sync",
  "serve",
  "verify",
  "status",
  "wait",
  "allow",
  "forget",
  "import",
  "export",
  "ls",
  "dump",
  "cat",
  "append",
  "flag",
  "expunge",
  "compact",
  "purge",
];
const MAILBOX_COMMANDS = ["create", "rename", "delete"];

describe("help and version", () => {
  test("--version prints the version of the package", async () => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect((await succeed(["--version"])).stdout).toBe(`${VERSION}\n`);
    expect((await succeed(["-V"])).stdout).toBe(`${VERSION}\n`);
    expect(VERSION).toBe(manifest.version);
  });

  test("--help lists every command, with first steps and exit statuses", async () => {
    const { stdout } = await succeed(["--help"]);
    for (const command of [...COMMANDS, "mailbox"]) expect(stdout).toMatch(new RegExp(`^  ${command} .*`, "m"));
    expect(stdout).toContain("First steps:");
    expect(stdout).toContain("Exit status:");
  });

  test.each([...COMMANDS.map((name) => [name]), ...MAILBOX_COMMANDS.map((name) => ["mailbox", name])])(
    "%s %s --help teaches by examples",
    async (...names) => {
      const command = names.filter((name) => name !== undefined);
      const { stdout } = await succeed([...command, "--help"]);
      expect(stdout).toMatch(new RegExp(`Examples?:\n  tandem ${command.join(" ")} `));
      expect(stdout).toContain("Exit status:");
    },
  );

  test("help to a reader that goes away ends quietly", async () => {
    const child = spawn(process.execPath, [MAIN, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const stderr: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr: Buffer.concat(stderr).toString() }).toEqual({ code: 0, stderr: "" });
  });
});

describe("a wrong command line is told in one sentence with status 2", () => {
  test.each([
    [["imprt"], /unknown command 'imprt'.*Did you mean import/],
    [["import"], /missing required argument 'store'; see tandem import --help/],
    [["import", "store"], /missing required argument 'source'/],
    [["ls", "store", "--jsn"], /unknown option '--jsn'.*Did you mean --json/],
    [["ls", "store", "more"], /too many arguments/],
    [["ls", "store", "--account"], /argument missing/],
    [["serve", "store"], /--listen.*not specified/],
    [["mailbox", "make"], /unknown command 'make'/],
  ])("tandem %j", async (args, sentence) => {
    expect(await refuse(args, 2)).toMatch(sentence);
  });

  test("no command at all shows the help, on stderr", async () => {
    const { code, stdout, stderr } = await tandem([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("First steps:");
  });
});

describe("a store that is not there, or is none", () => {
  const READERS: [string, string[]][] = [
    ["ls", []],
    ["dump", []],
    ["export", ["DEST"]],
    ["cat", ["INBOX", "1"]],
    ["flag", ["INBOX", "1", "+Seen"]],
    ["expunge", ["INBOX", "1"]],
    ["compact", []],
    ["purge", []],
    ["mailbox rename", ["INBOX", "Other"]],
    ["mailbox delete", ["INBOX"]],
  ];

  test.each(READERS)("%s needs a store that is there, and makes none", async (command, rest) => {
    const store = await newStore();
    const sentence = await refuse([
      ...command.split(" "),
      store,
      ...rest.map((word) => word.replace("DEST", `${store}.out`)),
    ]);
    expect(sentence).toContain(store);
    expect(existsSync(store)).toBe(false);
    expect(existsSync(`${store}.out`)).toBe(false);
  });

  test.each([
    ["ls", []],
    ["append", ["INBOX"]],
    ["mailbox create", ["Work"]],
  ] as const)("%s leaves a directory that is no store alone", async (command, rest) => {
    const foreign = await tempDirectory({ "notes.txt": "mine" });
    expect(await refuse([...command.split(" "), foreign, ...rest], 1, { input: "S: x\n" })).toContain(foreign);
    expect(await readFile(join(foreign, "notes.txt"), "utf8")).toBe("mine");
    expect(existsSync(join(foreign, "index.db"))).toBe(false);
  });

  test("a store of a newer format asks for an upgrade and stays as it is", async () => {
    const [store, other] = [await newStore(), await newStore()];
    for (const one of [store, other]) await succeed(["mailbox", "create", one, "Work"]);
    const index = join(store, "index.db");
    const bytes = await readFile(index);
    // Where SQLite keeps the number that says which format a store has.
    bytes.writeUInt32BE(999, 60);
    await writeFile(index, bytes);
    for (const args of [
      ["ls", store],
      ["append", store, "Work"],
      ["verify", store, other],
    ])
      expect(await refuse(args, args[0] === "verify" ? 2 : 1, { input: "S: x\n" })).toMatch(
        /format 999.*upgrade Tandem/,
      );
    expect((await readFile(index)).equals(bytes)).toBe(true);
  });

  test("a path through a file is refused", async () => {
    const directory = await tempDirectory({ file: "x" });
    await refuse(["append", join(directory, "file/store"), "INBOX"], 1, { input: "S: x\n" });
    await refuse(["ls", join(directory, "file")]);
  });
});
