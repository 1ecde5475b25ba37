/**
 * Store contract: whoever serves clients is told that a mailbox may have changed, wherever the change came from.
 */
import { describe, expect, test } from "vitest";
import type { MailboxStore } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  changeOf,
  entryOf,
  live,
  makeMailbox,
  PEER,
  put,
  type StoreFactory,
  stageFor,
  withStore,
} from "./fixtures.ts";

/** Resolves at the next call. */
function called(store: MailboxStore): Promise<void> {
  return new Promise((resolve) => {
    const end = store.watch(() => {
      end();
      resolve();
    });
  });
}

export function watchContract(factory: StoreFactory): void {
  const on = (body: Parameters<typeof withStore>[1]) => () =>
    withStore(factory, async (store) => {
      await makeMailbox(store);
      await body(store);
    });

  describe("watching mailboxes", () => {
    test(
      "whatever changes a mailbox calls those who watch: also what came from a peer, and without any channel",
      on(async (store) => {
        const entry = entryOf("new", "New", 2);
        const actions: (() => Promise<unknown>)[] = [
          () => put(store, [live(1, 2)]),
          () => put(store, [live(2, 3)], { origin: PEER }),
          () => put(store, [live(1, 4, { systemFlags: 1 })], { origin: PEER }),
          () =>
            store.applyTree({ account: ACCOUNT, before: 1, after: 2, puts: [{ entry, uidValidity: 5 }], origin: PEER }),
        ];
        for (const action of actions) {
          const call = called(store);
          await action();
          await call;
        }
      }),
    );

    test(
      "a change can be read by the time that it is told of",
      on(async (store) => {
        const seen = new Promise<number | undefined>((resolve) => {
          const end = store.watch(() => {
            end();
            void store.mailbox(ACCOUNT, "box").then((mailbox) => resolve(mailbox?.state.uidNext));
          });
        });
        await put(store, [live(7, 2)], { origin: PEER });
        expect(await seen).toBe(8);
      }),
    );

    test(
      "changes that are made at the same moment call once, and one that is ended is called no more",
      on(async (store) => {
        const others = ["b", "c", "d"];
        for (const name of others) await makeMailbox(store, name, name);
        await stageFor(store, [live(1, 2)]);
        const changes = await Promise.all(others.map((mailboxId) => changeOf(store, [live(1, 2)], { mailboxId })));
        let calls = 0;
        const end = store.watch(() => calls++);
        const ended = store.watch(() => expect.unreachable());
        ended();
        const call = called(store);
        await Promise.all(changes.map((change) => store.apply(change)));
        await call;
        end();
        const next = called(store);
        await put(store, [live(1, 2)]);
        await next;
        expect(calls).toBe(1);
      }),
    );
  });
}
