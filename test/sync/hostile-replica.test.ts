/** Replicas that lie to the master (P12): the exchange ends with a code, and the master's store stays as it was. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeFrame } from "../../protocol/frame.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { packRecords } from "../../src/store/shared/blocks.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver } from "../../src/sync/session.ts";
import { type Dump, dumpOf, expectSound } from "./support/checks.ts";
import type { Node } from "./support/node.ts";
import { HELLO, inOtherVersion } from "./support/speaker.ts";
import { MEMORY } from "./support/stores.ts";
import { openWire } from "./support/wire.ts";
import { World } from "./support/world.ts";

let world: World;
let a: Node;
let b: Node;
let before: Dump;

beforeEach(async () => {
  world = await World.open(MEMORY);
  a = world.a;
  b = world.b;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await world.converge();
});
afterEach(() => world.close());

describe("a replica that lies to the master", () => {
  /** An exchange in which `twist` replaces what the replica says. */
  async function syncTwisted(twist: (message: Message) => Message | Uint8Array | undefined): Promise<SyncResult> {
    const wire = openWire(b.store, {
      onMessage: (message, direction) => {
        const twisted = direction === "toMaster" ? twist(message) : undefined;
        return twisted === undefined || twisted instanceof Uint8Array ? twisted : encodeFrame(twisted);
      },
    });
    try {
      return await syncOver(a.store, wire.master, DEFAULT_SYNC_OPTIONS);
    } finally {
      await wire.served;
    }
  }

  const ofType =
    (type: Message["t"], make: (message: never) => Message | Uint8Array) =>
    (message: Message): Message | Uint8Array | undefined =>
      message.t === type ? make(message as never) : undefined;

  beforeEach(async () => {
    await b.deliver("INBOX", "4 at B", "5 at B");
    await a.deliver("INBOX", "4 at A");
    before = await dumpOf(a.store);
  });

  async function expectMasterUntouched(): Promise<void> {
    expect(await dumpOf(a.store)).toEqual(before);
    await expectSound(a.store);
    await expectSound(b.store);
    await world.converge();
  }

  test.each<[string, (message: Message) => Message | Uint8Array | undefined, string]>([
    ["an answer of another kind", ofType("surveyed", ({ q }: { q: number }) => ({ t: "applied", q })), "bad-message"],
    ["a question", ofType("surveyed", ({ q }: { q: number }) => ({ t: "commit", q })), "bad-message"],
    ["a second greeting", ofType("surveyed", () => HELLO), "bad-message"],
    ["a frame that is none", ofType("surveyed", () => Buffer.from("rubbish")), "bad-frame"],
    ["an error", ofType("surveyed", () => ({ t: "error", code: "io", message: "The disk is full." })), "io"],
  ])("P12: %s in place of the survey ends the exchange", async (_, twist, code) => {
    await expect(syncTwisted(twist)).rejects.toMatchObject({ code });
    await expectMasterUntouched();
  });

  test("P12: a greeting of another version ends it before anything is said", async () => {
    const twist = ofType("hello", inOtherVersion);
    await expect(syncTwisted(twist)).rejects.toMatchObject({ code: "version" });
    await expectMasterUntouched();
  });

  test("P12: bytes that were not asked for are refused, and the master's mailbox stays", async () => {
    const twist = ofType("bodies", (message: Extract<Message, { t: "bodies" }>) => {
      return { ...message, data: Buffer.alloc(message.data.length, "?") };
    });
    const { issues } = await syncTwisted(twist);
    expect(issues).toMatchObject([{ mailbox: "INBOX", code: "bad-message" }]);
    expect((await dumpOf(a.store)).accounts).toEqual(before.accounts);
    await expectSound(a.store);
    await expectSound(b.store);
    await world.converge();
  });

  test("P12: a need for a message that no record named is refused", async () => {
    const twist = ofType("need", ({ q }: { q: number }) => ({ t: "need", q, missing: Buffer.from("ffff", "hex") }));
    const { issues } = await syncTwisted(twist);
    expect(issues).toMatchObject([{ mailbox: "INBOX", code: "bad-message" }]);
    await expectMasterUntouched();
  });

  test("P4, P11: a survey that lies about records and counters leaves a valid store that converges later", async () => {
    const twist = ofType("surveyed", (message: Extract<Message, { t: "surveyed" }>) => ({
      ...message,
      mailboxes: message.mailboxes.map((mailbox) => ({
        ...mailbox,
        state: { ...mailbox.state, uidNext: 4, digest: { count: 9, crc: 9, crcC: 9 } },
        changes: (mailbox.changes ?? []).map((bytes) => {
          const flagged = decodeBatch(bytes).map((record) =>
            record.expunged ? record : { ...record, systemFlags: 31 },
          );
          return ([...packRecords(flagged)][0] as { bytes: Uint8Array }).bytes;
        }),
      })),
    }));
    await syncTwisted(twist);
    await expectSound(a.store);
    await expectSound(b.store);
    await world.converge();
  });
});
