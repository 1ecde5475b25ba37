/** Who may use the files of a store: its owner alone, or the group that its directory is shared with; never others. */
import { chmod, chown, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { StoreOwner } from "../../src/store/embedded/ownership.ts";
import { withDirectory } from "./checks.ts";
import { linesOf, startChild } from "./processes.ts";

const USER = process.getuid?.() ?? 0;
const IS_ROOT = USER === 0;

/** A command that starts another one under this umask. */
const under = (umask: string) => ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"];

/** Modes, in octal, of the store's own directories and files, each once. */
async function modesIn(directory: string): Promise<{ directories: string[]; files: string[] }> {
  const found = { directories: new Set<string>(), files: new Set<string>() };
  for (const name of await readdir(directory, { recursive: true })) {
    const { mode } = await stat(join(directory, name));
    ((mode & 0o170000) === 0o040000 ? found.directories : found.files).add((mode & 0o7777).toString(8));
  }
  return { directories: [...found.directories], files: [...found.files] };
}

/** Uses a store from another process under this umask, then, with all of its files there, from this one. @returns what `look` does. */
async function used<T>(directory: string, umask: string, look: () => Promise<T>): Promise<T> {
  const child = startChild("create", [directory], under(umask));
  child.process.stdin?.end("go");
  await linesOf(child);
  const store = await openEmbeddedStore(directory);
  await createMailbox(store, "ann", "INBOX");
  const messages = ["one", "large ".repeat(300_000)].map((text) => ({
    bytes: Buffer.from(text),
    flags: [],
    internalDate: 0,
  }));
  await appendMessages(store, "ann", "INBOX", messages);
  const writer = await store.stageLarge();
  for (let i = 0; i < 3; i++) await writer.write(Buffer.alloc(500_000, i));
  await writer.finish();
  await store.log.addChannel("peer");
  expect(await readdir(directory)).toEqual(expect.arrayContaining(["bell", "commits", "index.db-wal", "index.db-shm"]));
  const seen = await look();
  await store.close();
  return seen;
}

test("whatever the umask is, a new store is its owner's alone", () =>
  withDirectory(async (parent) => {
    for (const umask of ["000", "022", "077"]) {
      const directory = join(parent, `store${umask}`);
      expect(await used(directory, umask, () => modesIn(directory))).toEqual({ directories: ["700"], files: ["600"] });
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
    }
  }));

test("whatever the umask is, a store in a directory that hands its group on is that group's", () =>
  withDirectory(async (parent) => {
    for (const umask of ["000", "022", "077"]) {
      const directory = join(parent, `store${umask}`);
      await mkdir(directory);
      await chmod(directory, 0o2770);
      expect(await used(directory, umask, () => modesIn(directory))).toEqual({ directories: ["2770"], files: ["660"] });
    }
  }));

test("an index that others may read is closed to them when the store is opened", () =>
  withDirectory(async (directory) => {
    await (await openEmbeddedStore(directory, { create: true })).close();
    await chmod(join(directory, "index.db"), 0o644);
    await (await openEmbeddedStore(directory)).close();
    expect((await stat(join(directory, "index.db"))).mode & 0o777).toBe(0o600);
  }));

test("what root makes in the store of another user is that user's", () =>
  withDirectory(async (parent) => {
    const directory = join(parent, "store");
    const owner = IS_ROOT ? 1234 : USER;
    await mkdir(directory);
    await chown(directory, owner, process.getgid?.() ?? 0);
    const owners = async () => {
      const names = await readdir(directory, { recursive: true });
      return new Set(await Promise.all(names.map(async (name) => (await stat(join(directory, name))).uid)));
    };
    expect(await used(directory, "022", owners)).toEqual(new Set([owner]));
  }));

test("another user's store is refused with what to do, unless a group shares it or root asks", () => {
  const check = (isShared: boolean) => () => new StoreOwner(USER + 1, 0, isShared).checkUser("/srv/mail");
  expect(check(true)).not.toThrow();
  if (IS_ROOT) expect(check(false)).not.toThrow();
  else expect(check(false)).toThrow(/^The store "\/srv\/mail" is for the user .* alone.*; run this as that user/);
});
