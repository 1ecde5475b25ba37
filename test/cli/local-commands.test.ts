/** The local commands that read and change single mailboxes, as a user runs them. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { MailboxLine, RecordLine } from "../../src/cli/describe.ts";
import { jsonLines, MAIN, newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startNode } from "./nodes.ts";

let store: string;

beforeEach(async () => {
  store = await newStore();
});

async function append(input: string | Uint8Array, ...options: string[]): Promise<number> {
  return Number((await succeed(["append", store, "INBOX", ...options], { input })).stdout);
}

async function records(mailbox = "INBOX"): Promise<RecordLine[]> {
  return (await jsonLines(["dump", store, "--mailbox", mailbox])).slice(1) as RecordLine[];
}

async function flags(): Promise<string[]> {
  return (await records()).map((record) => record.flags.join(" "));
}

const guidOf = (text: string) => createHash("sha256").update(text).digest("hex");

describe("append and cat", () => {
  test("prints the UID; a file, standard input, flags and date arrive", async () => {
    const file = join(await tempDirectory({ "a.eml": "S: file\r\n" }), "a.eml");
    expect((await succeed(["append", store, "INBOX", file])).stdout).toBe("1\n");
    expect(
      await append("S: in\n", "-", "--flag", "\\Seen", "--flag", "Project", "--date", "2024-05-01T12:00:00+02:00"),
    ).toBe(2);
    expect(await records()).toMatchObject([
      { uid: 1, guid: guidOf("S: file\r\n"), size: 9, flags: [] },
      {
        uid: 2,
        guid: guidOf("S: in\n"),
        size: 6,
        flags: ["Project", "\\Seen"],
        internalDate: "2024-05-01T10:00:00.000Z",
      },
    ]);
    expect((await succeed(["cat", store, "inbox", "1"])).stdout).toBe("S: file\r\n");
  });

  test("--json tells where the message is", async () => {
    const { stdout } = await succeed(["append", store, "New/Box", "--json"], { input: "S: x\n" });
    expect(JSON.parse(stdout)).toEqual({
      mailbox: "New/Box",
      uidValidity: expect.any(Number),
      uid: 1,
      guid: guidOf("S: x\n"),
    });
  });

  test.each([
    "2024-05-01",
    "2024-05-01T00:00",
    "2024-05-01T00:00:00Z",
    "2024-05-01T02:00:00+0200",
    "2024-05-01 00:00:00.000",
  ])("--date %s", async (date) => {
    await append("S: x\n", "--date", date);
    expect((await records())[0]?.internalDate).toBe("2024-05-01T00:00:00.000Z");
  });

  test("a message too large for memory arrives through standard input", async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024 + 7, "large message\r\n");
    await append(bytes);
    expect((await succeed(["cat", store, "INBOX", "1"])).bytes.equals(bytes)).toBe(true);
  });

  test("bad input is refused and makes no store", async () => {
    expect(await refuse(["append", store, "INBOX"])).toMatch(/Standard input is empty/);
    expect(await refuse(["append", store, "INBOX", join(store, "none.eml")])).toMatch(/does not exist/);
    expect(await refuse(["append", store, "INBOX", "/dev/null"])).toMatch(
      /\/dev\/null is not a regular file, .*file\.$/,
    );
    const input = "S: x\n";
    expect(await refuse(["append", store, "INBOX", "--date", "yesterday"], 2, { input })).toMatch(
      /"yesterday" is not a date/,
    );
    expect(await refuse(["append", store, "INBOX", "--date", "2024-13-01"], 2, { input })).toMatch(/is not a date/);
    expect(await refuse(["append", store, "INBOX", "--flag", "\\Recent"], 2, { input })).toMatch(/system flags are/);
    expect(await refuse(["append", store, "INBOX", "--flag", "two words"], 2, { input })).toMatch(
      /does not allow in a keyword/,
    );
    expect(await refuse(["append", store, ""], 2, { input })).toMatch(/mailbox name "" is empty/);
    expect(existsSync(store)).toBe(false);
  });

  test("cat says what there is not", async () => {
    await append("S: x\n");
    expect(await refuse(["cat", store, "INBOX", "2"])).toMatch(/no message with UID 2 in "INBOX"/);
    expect(await refuse(["cat", store, "INBOX", "0"], 2)).toMatch(/"0" is not a UID/);
    expect(await refuse(["cat", store, "INBOX", "1:2"], 2)).toMatch(/"1:2" is not a UID/);
    expect(await refuse(["cat", store, "Work", "1"])).toMatch(/no mailbox "Work".*"INBOX"/);
    expect(await refuse(["cat", store, "INBOX", "1", "--account", "ann"])).toMatch(/no account "ann"/);
    await succeed(["expunge", store, "INBOX", "1"]);
    expect(await refuse(["cat", store, "INBOX", "1"])).toMatch(/no message with UID 1/);
  });

  test("damaged bytes are noticed", async () => {
    const text = `S: x\n\n${"body ".repeat(1000)}`;
    await append(text);
    const segments = join(store, "segments");
    for (const name of await readdir(segments)) {
      const bytes = await readFile(join(segments, name));
      const at = bytes.indexOf("body body");
      if (at !== -1) bytes.write("BODY", at);
      await writeFile(join(segments, name), bytes);
    }
    const { code, stderr } = await tandem(["cat", store, "INBOX", "1"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tandem: [^\n]+\.\n$/);
    const { code: exported, stdout } = await tandem(["export", store, `${store}.out`, "--json"]);
    expect(exported).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      mailboxes: [{ written: 0 }],
      errors: [expect.stringMatching(/^INBOX, UID 1: /)],
    });
    expect(await readdir(join(`${store}.out`, "cur"))).toEqual([]);
  });
});

describe("flag", () => {
  beforeEach(async () => {
    for (const input of ["1", "2", "3"]) await append(input);
  });

  test("sets and clears, by UID sets as in IMAP, under one new modseq", async () => {
    await succeed(["flag", store, "INBOX", "1:2", "+\\Seen", "+Project"]);
    expect(await flags()).toEqual(["Project \\Seen", "Project \\Seen", ""]);
    expect((await succeed(["flag", store, "INBOX", "2:*", "-\\Seen", "+\\Flagged", "-project"])).stdout).toBe(
      "2 changed\n",
    );
    expect(await flags()).toEqual(["Project \\Seen", "\\Flagged", "\\Flagged"]);
    const modseqs = (await records()).map(({ modseq }) => modseq);
    expect(modseqs[1]).toBe(modseqs[2]);
    expect(modseqs[1]).toBeGreaterThan(modseqs[0] ?? 0);
  });

  test("the backslash of system flags may be missing; options may stand anywhere", async () => {
    await succeed(["flag", store, "INBOX", "*", "+seen", "--account", "default"]);
    expect(await flags()).toEqual(["", "", "\\Seen"]);
    expect((await succeed(["flag", "--json", store, "INBOX", "1,3", "-h", "+Vtest", "-Seen"])).stdout).toBe(
      '{"changed":2}\n',
    );
    expect(await flags()).toEqual(["Vtest", "", "Vtest"]);
  });

  test("what changes nothing is no change", async () => {
    const before = await jsonLines(["dump", store]);
    expect((await succeed(["flag", store, "INBOX", "1:*", "-\\Seen"])).stdout).toBe("0 changed\n");
    expect((await succeed(["flag", store, "INBOX", "70:90", "+\\Seen"])).stdout).toBe("0 changed\n");
    expect(await jsonLines(["dump", store])).toEqual(before);
  });

  test("bad input is refused and changes nothing", async () => {
    const before = await jsonLines(["dump", store]);
    for (const set of ["", "0", "a", "1:", "1,,2", "4294967296", "1 2"])
      await refuse(["flag", store, "INBOX", set, "+\\Seen"], 2);
    expect(await refuse(["flag", store, "INBOX", "1", "Seen"], 2)).toMatch(/neither \+FLAG nor -FLAG/);
    expect(await refuse(["flag", store, "INBOX", "1", "+Seen", "--jsn"], 2)).toMatch(/"--jsn" is neither/);
    expect(await refuse(["flag", store, "INBOX", "1", "+\\Unknown"], 2)).toMatch(/system flags are/);
    expect(await refuse(["flag", store, "INBOX", "1", "+Seen", "-\\SEEN"], 2)).toMatch(/both set and cleared/);
    expect(await refuse(["flag", store, "Work", "1", "+Seen"])).toMatch(/no mailbox "Work"/);
    expect(await jsonLines(["dump", store])).toEqual(before);
  });
});

describe("expunge and purge", () => {
  test("expunged messages are tombstones until they are purged", async () => {
    for (const input of ["1", "2", "3"]) await append(input);
    expect((await succeed(["expunge", store, "INBOX", "1,3,99"])).stdout).toBe("2 expunged\n");
    expect((await records()).map(({ uid, expunged, guid, size, flags }) => [uid, expunged, guid, size, flags])).toEqual(
      [
        [1, true, guidOf("1"), null, []],
        [2, false, guidOf("2"), 1, []],
        [3, true, guidOf("3"), null, []],
      ],
    );
    await succeed(["purge", store, "--all"]);
    expect((await records()).map(({ uid }) => uid)).toEqual([2]);
    const [mailbox] = (await jsonLines(["ls", store])) as MailboxLine[];
    expect(mailbox).toMatchObject({ uidNext: 4, messages: 1 });
    expect(mailbox?.purgedModseq).toBeGreaterThan(0);
    expect(await append("4")).toBe(4);
  });

  test("compact gives the disk space of expunged messages back, also beside a daemon", async () => {
    const store = await newStore();
    for (const letter of ["a", "b", "c"]) await succeed(["append", store, "INBOX"], { input: letter.repeat(100_000) });
    const size = async () => {
      const names = await readdir(join(store, "segments"));
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(store, "segments", name))).size));
      return sizes.reduce((sum, one) => sum + one, 0);
    };
    const node = await startNode(store);
    await succeed(["expunge", store, "INBOX", "1:2"]);
    await succeed(["purge", store]);
    expect(await size()).toBeGreaterThan(300_000);
    expect((await succeed(["compact", store])).stdout).toBe("2 messages dropped, 0.2 MB freed\n");
    expect(await size()).toBeLessThan(101_000);
    expect(await jsonLines(["compact", store])).toEqual([{ dropped: 0, bytesFreed: 0 }]);
    expect((await succeed(["cat", store, "INBOX", "3"])).stdout).toBe("c".repeat(100_000));
    expect(await node.end()).toBe(0);
  });

  test("purge says whom it waits for, and a peer that is gone can be forgotten by its store's epoch", async () => {
    const copy = await newStore();
    for (const input of ["1", "2", "3"]) await append(input);
    await succeed(["sync", store, copy]);
    await succeed(["expunge", store, "INBOX", "1:2"]);
    const { stdout } = await succeed(["purge", store]);
    const epoch = /^waiting for store ([0-9a-f]{32}) \(no channel: .*\): it has not confirmed 1 mailbox$/m.exec(
      stdout,
    )?.[1];
    expect(stdout).toMatch(/^INBOX: 0 purged, 2 not confirmed by all peers\n/);
    expect(await jsonLines(["purge", store])).toMatchObject([
      {
        mailboxes: [{ mailbox: "INBOX", purged: 0, kept: 2 }],
        waitsFor: [{ storeEpoch: epoch, peer: null, since: null, mailboxes: 1 }],
      },
    ]);
    const forgotten = await succeed(["forget", store, "--peer", epoch ?? ""]);
    expect(forgotten.stdout).toBe(`forgot ${epoch}, for which 0 mailboxes waited\n`);
    expect((await succeed(["purge", store])).stdout).toBe("INBOX: 2 purged\n");
    await refuse(["forget", store, "--peer", "0".repeat(32)], 2);
    // It comes back all the same: nothing that was expunged does.
    await succeed(["sync", store, copy]);
    await succeed(["verify", store, copy, "--deep"]);
    expect((await records()).filter(({ expunged }) => !expunged).map(({ uid }) => uid)).toEqual([3]);
    await succeed(["expunge", store, "INBOX", "3"]);
    expect((await succeed(["purge", store])).stdout).toContain(`waiting for store ${epoch}`);
  });

  test("purge keeps to the mailbox it is given", async () => {
    await append("1");
    await succeed(["append", store, "Work"], { input: "1" });
    for (const mailbox of ["INBOX", "Work"]) await succeed(["expunge", store, mailbox, "1:*"]);
    await succeed(["purge", store, "--all", "--mailbox", "Work"]);
    expect(await records("Work")).toEqual([]);
    expect(await records("INBOX")).toHaveLength(1);
    expect(await refuse(["purge", store, "--account", "ann"])).toMatch(/it has "default"; choose by --account\.$/);
    expect(await refuse(["purge", store, "--mailbox", "Nowhere"])).toMatch(/no mailbox "Nowhere"/);
    expect(await refuse(["expunge", store, "INBOX", "x"], 2)).toMatch(/./);
  });
});

describe("mailbox", () => {
  test("create, rename, delete", async () => {
    const { stdout } = await succeed(["mailbox", "create", store, "Work/Old", "--json"]);
    const created = JSON.parse(stdout) as MailboxLine;
    expect(created).toMatchObject({ kind: "mailbox", account: "default", name: "Work/Old", uidNext: 1, messages: 0 });
    await succeed(["append", store, "Work/Old"], { input: "S: x\n" });
    await succeed(["mailbox", "rename", store, "Work/Old", "Work/New"]);
    const [renamed] = (await jsonLines(["ls", store])) as MailboxLine[];
    expect(renamed).toMatchObject({ mailboxId: created.mailboxId, name: "Work/New", messages: 1 });
    expect((await succeed(["mailbox", "delete", store, "Work/New"])).stdout).toBe("deleted Work/New (messages: 1)\n");
    expect(await jsonLines(["ls", store])).toEqual([]);
    expect(await jsonLines(["dump", store])).toEqual([]);
  });

  test("P4: a name made anew shows a higher uidValidity", async () => {
    const make = async () => (await jsonLines(["mailbox", "create", store, "Work"]))[0] as MailboxLine;
    const first = await make();
    await succeed(["mailbox", "delete", store, "Work"]);
    const second = await make();
    expect(second.uidValidity).toBeGreaterThan(first.uidValidity);
    expect(second.mailboxId).not.toBe(first.mailboxId);
  });

  test("names that are taken, not there or impossible", async () => {
    await succeed(["mailbox", "create", store, "A"]);
    await succeed(["mailbox", "create", store, "B"]);
    const before = await jsonLines(["ls", store]);
    expect(await refuse(["mailbox", "create", store, "A"])).toMatch(/"A"/);
    expect(await refuse(["mailbox", "rename", store, "A", "B"])).toMatch(/"B"/);
    expect(await refuse(["mailbox", "rename", store, "C", "D"])).toMatch(/no mailbox "C".*"A", "B"/);
    expect(await refuse(["mailbox", "delete", store, "C"])).toMatch(/no mailbox "C"/);
    expect(await refuse(["mailbox", "create", store, ""], 2)).toMatch(/is empty/);
    expect(await refuse(["mailbox", "create", store, "x".repeat(1001)], 2)).toMatch(/longer than 1000 bytes/);
    expect(await jsonLines(["ls", store])).toEqual(before);
  });
});

describe("ls and dump", () => {
  test("JSON Lines as documented, accounts and mailboxes sorted", async () => {
    await append("S: x\n", "--date", "2024-05-01");
    await succeed(["append", store, "Work", "--account", "ann"], { input: "S: y\n" });
    await succeed(["mailbox", "create", store, "Archive"]);
    const lines = await jsonLines(["dump", store]);
    expect(lines.map((line) => Object.keys(line as object))).toEqual([
      ...["mailbox", "record", "mailbox", "mailbox", "record"].map((kind) =>
        kind === "mailbox"
          ? [
              "kind",
              "account",
              "mailboxId",
              "name",
              "uidValidity",
              "uidNext",
              "highestModseq",
              "purgedModseq",
              "digest",
              "messages",
            ]
          : ["kind", "uid", "modseq", "guid", "size", "internalDate", "flags", "expunged"],
      ),
    ]);
    const mailboxes = lines.filter((line) => (line as MailboxLine).kind === "mailbox") as MailboxLine[];
    expect(mailboxes.map(({ account, name }) => [account, name])).toEqual([
      ["ann", "Work"],
      ["default", "Archive"],
      ["default", "INBOX"],
    ]);
    for (const { digest } of mailboxes) expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(await jsonLines(["ls", store])).toEqual(mailboxes);
    expect(await jsonLines(["dump", store, "--mailbox", "INBOX"])).toEqual(lines.slice(3));
    expect(await jsonLines(["dump", store, "--account", "ann"])).toEqual(lines.slice(0, 2));
    expect(await refuse(["dump", store, "--mailbox", "Nowhere"])).toMatch(/No account has a mailbox "Nowhere"/);
    expect(await refuse(["ls", store, "--account", "bob"])).toMatch(/no account "bob".*"ann", "default"/);
  });

  test("for people: tables with the same, and nothing that steers a terminal", async () => {
    await append("S: x\n", "--flag", "\\Seen");
    await append("S: y\n");
    await succeed(["expunge", store, "INBOX", "2"]);
    await succeed(["mailbox", "create", store, "\u001b[31mred"]);
    const table = (await succeed(["dump", store])).stdout;
    expect(table).toMatch(new RegExp(`^ +1 +\\d+ +5 +\\S+Z +${guidOf("S: x\n")} +\\\\Seen$`, "m"));
    expect(table).toMatch(new RegExp(`^ +2 +\\d+ +- +\\(expunged\\) +${guidOf("S: y\n")}$`, "m"));
    const list = (await succeed(["ls", store])).stdout;
    expect(list).toMatch(/^account default\n +messages .* name\n/);
    expect(list).toContain("\\u001b[31mred");
    expect(list + table).not.toContain("\u001b");
  });

  test("a reader that goes away ends dump quietly", async () => {
    const messages = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`cur/${i}.a`, `S: ${i}\n`]));
    await succeed(["import", store, await tempDirectory(messages)]);
    const child = spawn(process.execPath, [MAIN, "dump", store, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.once("data", () => child.stdout.destroy());
    const stderr: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr: Buffer.concat(stderr).toString() }).toEqual({ code: 0, stderr: "" });
  });

  test("output that cannot be written is an error", async () => {
    await append("S: x\n");
    const code = await new Promise((resolve) => {
      const shell = spawn("sh", ["-c", '"$0" "$1" dump "$2" > /dev/full', process.execPath, MAIN, store], {
        stdio: "ignore",
      });
      shell.on("close", resolve);
    });
    expect(code).toBe(1);
  });
});
