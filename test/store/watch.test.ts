/**
 * Changes that other processes make on an embedded store are noticed, also without notices of the file system.
 */
import { readdir, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createMailbox } from "../../src/operations/index.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { withDirectory } from "./checks.ts";
import { linesOf, startChild } from "./processes.ts";

/** A store with an INBOX and the channel "east" that has nothing to bring. */
async function withWatchable(body: (store: MailboxStore, directory: string) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const store = await openEmbeddedStore(directory, { create: true });
    await createMailbox(store, "ann", "INBOX");
    await store.log.addChannel("east");
    await body(store, directory);
    await store.close();
  });
}

/** Resolves once the listener was called and there is something in the change log. */
function logged(store: MailboxStore): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = store.log.watch(() => {
      store.log.due("east", Date.now(), 1).then(([entry]) => {
        if (entry === undefined) return;
        end();
        resolve();
      }, reject);
    });
  });
}

function appendElsewhere(directory: string): Promise<string[]> {
  return linesOf(startChild("append", [directory, "1", "elsewhere"]));
}

test("a change made by another process is noticed", async () => {
  await withWatchable(async (store, directory) => {
    const noticed = logged(store);
    await appendElsewhere(directory);
    await noticed;
    expect(await readdir(directory)).toContain("bell");
  });
});

test("a change made by a writer that was killed before it rang is noticed", async () => {
  await withWatchable(async (store, directory) => {
    const noticed = logged(store);
    const child = startChild("unrung", [directory, "east"]);
    expect(await child.exited).toBeNull();
    await noticed;
  });
});

test("where the file system cannot give notice, a change made by another process is noticed all the same", async () => {
  await withWatchable(async (store, directory) => {
    const bell = join(directory, "bell");
    await unlink(bell);
    await symlink(join(directory, "missing", "bell"), bell);
    const other = await openEmbeddedStore(directory);
    const noticed = logged(other);
    await appendElsewhere(directory);
    await noticed;
    await other.close();
    expect(await store.log.due("east", Date.now(), 9)).toHaveLength(1);
  });
});

test("a bell that is removed while it is watched keeps no change from being noticed", async () => {
  await withWatchable(async (store, directory) => {
    const noticed = logged(store);
    await unlink(join(directory, "bell"));
    await appendElsewhere(directory);
    await noticed;
  });
});

test("a change made through another store object of this process is noticed", async () => {
  await withWatchable(async (store, directory) => {
    const other = await openEmbeddedStore(directory);
    const noticed = logged(other);
    await store.log.add("east", [{ account: "ann", mailboxId: "" }]);
    await noticed;
    await other.close();
  });
});

test("a mailbox that another process changed is noticed, without any channel and log", async () => {
  await withWatchable(async (store, directory) => {
    await store.log.removeChannel("east");
    const noticed = new Promise<number | undefined>((resolve) => {
      const end = store.watch(() => {
        void store.mailboxNamed("ann", "INBOX").then((mailbox) => {
          if (mailbox?.state.uidNext !== 2) return;
          end();
          resolve(mailbox.state.digest.count);
        });
      });
    });
    await appendElsewhere(directory);
    expect(await noticed).toBe(1);
    expect(await readdir(directory)).toContain("mail-bell");
  });
});

test("what concerns no client calls nobody who watches mailboxes", async () => {
  await withWatchable(async (store) => {
    let calls = 0;
    store.watch(() => calls++);
    await store.log.add("east", [{ account: "ann", mailboxId: "" }]);
    await store.log.noteChannel({ name: "east", peer: null, note: "alive" });
    await store.writeNote("name", "value");
    await setImmediate();
    expect(calls).toBe(0);
    await createMailbox(store, "ann", "Archive");
    await setImmediate();
    expect(calls).toBe(1);
  });
});

test("watching keeps no process alive", async () => {
  await withWatchable(async (_, directory) => {
    const child = startChild("watch", [directory]);
    expect(await linesOf(child)).toEqual(["watching"]);
  });
});

test("a closed store calls nobody any more, and nothing can be watched on it", async () => {
  await withWatchable(async (store, directory) => {
    const closed = await openEmbeddedStore(directory);
    let calls = 0;
    const listener = () => {
      calls++;
    };
    const end = closed.log.watch(listener);
    await closed.log.add("east", [{ account: "ann", mailboxId: "1" }]);
    await closed.close();
    const before = calls;
    closed.log.watch(listener)();
    closed.watch(listener)();
    end();
    await store.log.settle("east", [{ account: "ann", mailboxId: "1", kind: "done", seq: 9, at: 0 }]);
    const noticed = logged(store);
    await appendElsewhere(directory);
    await noticed;
    await setImmediate();
    expect(calls).toBe(before);
  });
});
