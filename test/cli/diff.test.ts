/** `tandem diff`, and what `tandem verify` says of UIDs, from outside, as an administrator runs them. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openEmbeddedStore, setMailboxAttribute } from "../../src/index.ts";
import { newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startNode } from "./nodes.ts";

/** Two identical stores with three messages in INBOX, and one in Archive. */
async function twins(): Promise<[string, string]> {
  const a = await newStore();
  for (const text of ["one", "two", "three"])
    await succeed(["append", a, "INBOX", "--date", "2024-05-01T12:00:00Z"], { input: `Subject: ${text}\r\n\r\n` });
  await succeed(["append", a, "Archive"], { input: "Subject: old\r\n\r\n" });
  const b = join(await tempDirectory(), "b");
  await succeed(["sync", a, b]);
  return [a, b];
}

/** The JSON lines of a diff that must find something. */
async function differing(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await tandem(["diff", ...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  const lines = stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("diff", () => {
  test("two identical locations are the same, directories and nodes", async () => {
    const [a, b] = await twins();
    expect((await succeed(["diff", a, b])).stdout).toBe("the same: 2 mailboxes\n");
    const node = await startNode(b);
    expect((await succeed(["diff", a, node.url, "--json"])).stdout).toBe(
      `${JSON.stringify({ same: true, mailboxes: 2, differing: 0, differences: 0, visible: 0 })}\n`,
    );
    await node.end();
  });

  test("names UIDs and fields, and says what clients do not see", async () => {
    const [a, b] = await twins();
    await succeed(["flag", b, "INBOX", "2", "+Flagged"]);
    await succeed(["expunge", b, "INBOX", "3"]);
    await succeed(["append", a, "Archive"], { input: "Subject: new\r\n\r\n" });
    const { code, stdout } = await tandem(["diff", a, b]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^default\/Archive$/m);
    expect(stdout).toMatch(/^ {2}UID 2: record message [0-9a-f]{64} \| none$/m);
    expect(stdout).toMatch(/^ {2}UID 2: flags - \| \\Flagged; modseq 3 \| 5; flagStamps - \| \\flagged=5$/m);
    expect(stdout).toMatch(/^ {2}UID 3: record message [0-9a-f]{64} \| tombstone, modseq 6$/m);
    expect(stdout).toMatch(/^different: \d+ differences in 2 of 2 mailboxes, \d+ of them seen by clients$/m);
    const only = await differing(a, b, "--mailbox", "INBOX");
    expect(new Set(only.map(({ mailbox }) => mailbox))).toEqual(new Set(["INBOX", undefined]));
    expect(only).toContainEqual({
      kind: "difference",
      account: "default",
      mailbox: "INBOX",
      uid: 2,
      field: "flags",
      a: "",
      b: "\\Flagged",
      visible: true,
    });
    expect(only.find(({ field }) => field === "highestModseq")).toMatchObject({ uid: null, visible: false });
    expect(only.at(-1)).toMatchObject({ same: false, mailboxes: 1, differing: 1 });
  });

  test("tombstones, counters and attributes differ too; a sync makes all of it the same", async () => {
    const [a, b] = await twins();
    await succeed(["expunge", a, "INBOX", "1"]);
    await succeed(["sync", a, b]);
    await succeed(["purge", b, "--all"]);
    const purged = await differing(a, b);
    expect(purged.slice(0, -1).every(({ visible }) => visible === false)).toBe(true);
    expect(purged.map(({ field }) => field)).toEqual(["purgedModseq", "record", undefined]);
    expect((await tandem(["verify", a, b])).code).toBe(0);
    const store = await openEmbeddedStore(a);
    await setMailboxAttribute(store, "default", "INBOX", "subscribed", "yes");
    await store.close();
    expect(await differing(a, b)).toContainEqual(
      expect.objectContaining({ field: "attribute subscribed", a: "yes", b: null, visible: true }),
    );
    await succeed(["sync", a, b]);
    await succeed(["diff", a, b]);
  });

  test("mailboxes that are on one side only, deleted, or of another numbering", async () => {
    const [a, b] = await twins();
    await succeed(["mailbox", "delete", b, "Archive"]);
    await succeed(["mailbox", "create", b, "New"]);
    const other = join(await tempDirectory(), "other");
    await cp(a, other, { recursive: true });
    const lines = await differing(a, b);
    expect(lines).toContainEqual(
      expect.objectContaining({ mailbox: "Archive", field: "deleted", a: "false", b: "true" }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ mailbox: "New", field: "mailbox", a: null, visible: true }));
    await succeed(["mailbox", "rename", other, "Archive", "Moved"]);
    expect(await differing(a, other)).toContainEqual(
      expect.objectContaining({ field: "name", a: "Archive", b: "Moved" }),
    );
  });

  test("what cannot be told is status 2", async () => {
    const [a] = await twins();
    expect(await refuse(["diff", a, await newStore()], 2)).toMatch(/There is no store/);
    expect(await refuse(["diff", a, a], 2)).toMatch(/are the same; name two different stores/);
  });
});

test("one thing is told as one", async () => {
  const [a, b] = [await newStore(), await newStore()];
  await succeed(["append", a, "INBOX"], { input: "Subject: x\r\n\r\n" });
  expect((await succeed(["sync", a, b, "--dry-run"])).stdout).toMatch(/^dry run: 1 mailbox compared, /m);
  expect((await succeed(["sync", a, b])).stdout).toMatch(/^1 mailbox exchanged, 1 record and 1 body sent, /);
  expect((await succeed(["sync", a, b])).stdout).toMatch(/ back, 1 round trip, /);
  expect((await succeed(["verify", a, b])).stdout).toBe("equal: 1 mailbox, 1 message\n");
  expect((await succeed(["diff", a, b])).stdout).toBe("the same: 1 mailbox\n");
  await succeed(["flag", b, "INBOX", "1", "+Seen"]);
  expect((await tandem(["verify", a, b])).stdout).toMatch(/^different: 1 difference in 1 mailbox$/m);
});

test("verify names the UIDs under which messages differ", async () => {
  const [a, b] = await twins();
  await succeed(["flag", b, "INBOX", "2", "+Seen"]);
  const { code, stdout } = await tandem(["verify", a, b]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^default\/INBOX: 3 messages .* in A, 3 messages .* in B; they differ in UID 2$/m);
});
