/**
 * Making one mailbox of two on one node.
 */
import { expect, test } from "vitest";
import {
  absorbMailbox,
  appendMessages,
  createMailbox,
  expungeMessages,
  parseUidSet,
} from "../../src/operations/index.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { checkStore, recordsIn } from "../store/checks.ts";
import { decorated } from "../sync/support/stores.ts";
import { onBothStores } from "./stores.ts";

const A = "ann@example.org";

async function make(store: MailboxStore, name: string, ...texts: readonly string[]): Promise<void> {
  await createMailbox(store, A, name, { mailboxId: () => name });
  await deliver(store, name, ...texts);
}

async function deliver(store: MailboxStore, name: string, ...texts: readonly string[]): Promise<void> {
  const messages = texts.map((text) => ({ bytes: Buffer.from(text), flags: ["\\Seen"], internalDate: 7 }));
  await appendMessages(store, A, name, messages);
}

async function texts(store: MailboxStore, name: string): Promise<string[]> {
  const live = (await recordsIn(store, A, name)).filter((record) => !record.expunged);
  return Promise.all(live.map(async ({ guid, size }) => Buffer.from(await store.readBody(guid, 0, size)).toString()));
}

onBothStores((on) => {
  test(
    "P6, P7: what the one has beyond the other is appended, each as often as it is more, then the one is deleted",
    on(async (store) => {
      await make(store, "from", "both", "twice", "twice", "own", "gone");
      await make(store, "into", "both", "twice", "other");
      await expungeMessages(store, A, "from", parseUidSet("5"));
      expect(await absorbMailbox(store, A, "from", "into")).toBe(2);
      expect(await texts(store, "into")).toEqual(["both", "twice", "other", "twice", "own"]);
      expect(await store.mailboxNamed(A, "from")).toBeNull();
      expect((await store.mailbox(A, "from"))?.entry.deleted).toBe(true);
      const [last] = (await recordsIn(store, A, "into")).slice(-1);
      expect(last).toMatchObject({ uid: 5, systemFlags: 1, internalDate: 7 });
      await checkStore(store);
    }),
  );

  test(
    "P6: mail that arrives meanwhile is not deleted unseen, and a call that goes on where one was killed copies nothing twice",
    on(async (store) => {
      await make(store, "from", "first");
      await make(store, "into");
      let calls = 0;
      const busy = decorated(store, {
        apply: async (change) => {
          if (++calls === 2) await deliver(store, "from", "second");
          return store.apply(change);
        },
      });
      await absorbMailbox(busy, A, "from", "into");
      expect(await texts(store, "into")).toEqual(["first", "second"]);
      expect((await store.mailbox(A, "from"))?.entry.deleted).toBe(true);
      await checkStore(store);
    }),
  );
});
