/** Waiting for a peer: until what was there at the call is done, no longer, and for as long as the caller wants. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { waitForPeer } from "../../src/replicator/wait.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";

let store: MemoryStore;

beforeEach(async () => {
  store = new MemoryStore();
  await createMailbox(store, "ann", "INBOX");
  await store.log.addChannel("b");
});

afterEach(() => store.close());

async function deliver(): Promise<void> {
  await appendMessages(store, "ann", "INBOX", [{ bytes: Buffer.from("hello"), flags: [], internalDate: 0 }]);
}

/** What a worker does: all that is due is done, up to where it was read. */
async function settle(): Promise<void> {
  const entries = await store.log.due("b", Number.MAX_SAFE_INTEGER, 100);
  await store.log.settle(
    "b",
    entries.map(({ account, mailboxId, seq }) => ({ kind: "done", account, mailboxId, seq, at: 1 })),
  );
}

test("is over at once if nothing waits", async () => {
  expect(await waitForPeer(store, "b")).toBe(0);
});

test("is over once what waited is done, though more came meanwhile", async () => {
  await deliver();
  const waited = waitForPeer(store, "b");
  const [entry] = await store.log.due("b", Number.MAX_SAFE_INTEGER, 100);
  await deliver();
  const { account, mailboxId, seq } = entry ?? { account: "", mailboxId: "", seq: 0 };
  await store.log.settle("b", [{ kind: "done", account, mailboxId, seq, at: 1 }]);
  expect(await waited).toBe(0);
  expect(await store.log.countUpTo("b", await store.log.lastSeq())).toBe(1);
});

test("an account that is brought as a whole is there once its mailboxes are, which get their entries later", async () => {
  await store.log.add("b", [{ account: "ann", mailboxId: "" }]);
  let isOver = false;
  const waited = waitForPeer(store, "b").finally(() => {
    isOver = true;
  });
  const [whole] = await store.log.due("b", Number.MAX_SAFE_INTEGER, 100);
  await store.log.add("b", [{ account: "ann", mailboxId: "its mailbox" }]);
  await store.log.settle("b", [{ kind: "done", account: "ann", mailboxId: "", seq: whole?.seq ?? 0, at: 1 }]);
  // The log rings in a later turn of the event loop, and the waiting looks again in a few more.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(isOver).toBe(false);
  await settle();
  expect(await waited).toBe(0);
});

test("gives up at its timeout, or when it is told to, and says how much waits", async () => {
  await deliver();
  expect(await waitForPeer(store, "b", { timeoutMs: 0 })).toBe(1);
  const controller = new AbortController();
  const waited = waitForPeer(store, "b", { signal: controller.signal });
  controller.abort();
  expect(await waited).toBe(1);
  expect(await waitForPeer(store, "b", { signal: AbortSignal.abort() })).toBe(1);
});

test("a channel that is not there, or is removed meanwhile, is told by name", async () => {
  await expect(waitForPeer(store, "c")).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringMatching(/"c"; there are b\.$/),
  });
  await deliver();
  const waited = waitForPeer(store, "b");
  await store.log.removeChannel("b");
  await expect(waited).rejects.toMatchObject({ code: "not-found" });
});
