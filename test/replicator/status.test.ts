/** What `status` is told by the store alone. */
import { describe, expect, it } from "vitest";
import { SIGN_OF_LIFE_MS } from "../../src/replicator/channel.ts";
import { type ChannelNote, formatNote, parseNote } from "../../src/replicator/note.ts";
import { readStatus } from "../../src/replicator/status.ts";
import { STORE_KINDS } from "../sync/support/stores.ts";

const NOTE: ChannelNote = { state: "connected", at: 1000, since: 500, error: null, nextTry: null };

describe("notes", () => {
  it("come back as they were, and anything else is no note", () => {
    expect(parseNote(formatNote(NOTE))).toEqual(NOTE);
    for (const text of ["", "{}", "null", "[1", '{"state":"asleep"}']) expect(parseNote(text)).toBeNull();
  });
});

describe.each(STORE_KINDS)("status on the $kind store", (kind) => {
  it("tells per peer and account what waits and why", async () => {
    const { store, cleanup } = await kind.open();
    try {
      await store.log.addChannel("b");
      await store.log.noteChannel({ name: "b", peer: "e".repeat(32), note: formatNote(NOTE) });
      expect(await readStatus(store, 2000)).toEqual([
        {
          peer: "b",
          inSync: true,
          connection: "connected",
          since: 500,
          error: null,
          nextTry: null,
          waiting: 0,
          oldest: null,
          accounts: [],
        },
      ]);
      await store.log.add("b", [
        { account: "ann", mailboxId: "x" },
        { account: "ann", mailboxId: "y" },
        { account: "bob", mailboxId: "z" },
      ]);
      const error = { code: "io", message: "The disk is full." } as const;
      await store.log.settle("b", [
        { kind: "failed", account: "ann", mailboxId: "x", failures: 3, nextTry: 9e15, error },
        { kind: "done", account: "bob", mailboxId: "z", seq: Number.MAX_SAFE_INTEGER, at: 1500 },
      ]);
      const [status] = await readStatus(store, 2000);
      expect(status).toMatchObject({ inSync: false, waiting: 2 });
      expect(status?.accounts).toMatchObject([
        {
          account: "ann",
          inSync: false,
          waiting: 2,
          failing: 1,
          lastError: { ...error, mailboxId: "x" },
          nextTry: 9e15,
          lastSuccess: null,
        },
        { account: "bob", inSync: true, waiting: 0, lastSuccess: 1500, lastError: null },
      ]);
    } finally {
      await cleanup();
    }
  });

  it("a daemon that gives no sign of life counts as gone", async () => {
    const { store, cleanup } = await kind.open();
    try {
      await store.log.addChannel("b");
      expect((await readStatus(store, 0))[0]).toMatchObject({ connection: "none", inSync: false, since: null });
      await store.log.noteChannel({ name: "b", peer: null, note: formatNote(NOTE) });
      const late = NOTE.at + 4 * SIGN_OF_LIFE_MS;
      expect((await readStatus(store, late))[0]).toMatchObject({ connection: "none", inSync: false, since: NOTE.at });
      await store.log.noteChannel({ name: "b", peer: null, note: formatNote({ ...NOTE, state: "stopped" }) });
      expect((await readStatus(store, 1001))[0]).toMatchObject({ connection: "none", inSync: false, since: 500 });
    } finally {
      await cleanup();
    }
  });
});
