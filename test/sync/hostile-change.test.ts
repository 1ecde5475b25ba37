/** Changes that lie (P12): each fails with the code that `protocol/errors.md` promises, and the store stays as it was. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../../protocol/messages/index.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import { packRecords } from "../../src/store/shared/blocks.ts";
import { type Dump, dumpOf, expectSound } from "./support/checks.ts";
import { change, type Lie, newRecord, piece } from "./support/lies.ts";
import type { Node } from "./support/node.ts";
import { Speaker } from "./support/speaker.ts";
import { MEMORY } from "./support/stores.ts";
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
  before = await dumpOf(b.store);
});
afterEach(() => world.close());

/** Nothing at all has changed at B, and it still serves A. */
async function expectUntouched(): Promise<void> {
  expect(await dumpOf(b.store)).toEqual(before);
  await expectSound(b.store);
  await a.deliver("INBOX", "an honest mail");
  await world.converge();
}

describe("a change that lies", () => {
  async function expectFailed(lie: Lie, code: string): Promise<void> {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(await change(b, { ...lie, commit: true }));
    await speaker.say({ t: "commit", q: 1 });
    await speaker.expectFailure(1, code);
    await expectUntouched();
  }

  const known = async (over: Partial<LiveRecord> = {}): Promise<LiveRecord> => {
    const [first] = await b.live("INBOX");
    const { highestModseq } = await b.state("INBOX");
    return { ...(first as LiveRecord), modseq: highestModseq + 1, systemFlags: 1, ...over };
  };

  test("P4: counters that fall", async () => {
    await expectFailed({ records: [await known()], after: { uidNext: 2 } }, "invalid-change");
  });

  test("P5: a modseq that was announced already", async () => {
    await expectFailed({ records: [await known({ modseq: 2 })] }, "invalid-change");
  });

  test("P3: a UID that is not below its uidNext", async () => {
    const [first] = await b.live("INBOX");
    const record = await newRecord(b, { guid: (first as LiveRecord).guid, size: 1 });
    await expectFailed({ records: [record], after: { uidNext: record.uid } }, "invalid-change");
  });

  test("P1: a known UID for another message", async () => {
    const [, second] = await b.live("INBOX");
    await expectFailed({ records: [await known({ guid: (second as LiveRecord).guid })] }, "invalid-change");
  });

  test("P9: a digest that does not come out", async () => {
    await expectFailed(
      { records: [await known()], after: { digest: { count: 3, crc: 1, crcC: 2 } } },
      "invalid-change",
    );
  });

  test("P12: a message whose bytes never came", async () => {
    await expectFailed({ records: [await newRecord(b)] }, "body-missing");
  });

  test("P12: records that are not in UID order over their batches", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    const [first, second] = [await known(), await known({ uid: 2 })];
    const message = await change(b, { records: [first, second] });
    const batches = [second, first].flatMap((record) => [...packRecords([record])].map(({ bytes }) => bytes));
    await speaker.say({ ...message, batches, commit: true });
    await speaker.expectFailure(1, "invalid-change");
    await expectUntouched();
  });

  test("P12: a batch that is not one", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say({ ...(await change(b, { commit: true })), batches: [Buffer.from("ffffffff", "hex")] });
    await speaker.expectRefusal("bad-frame");
    await expectUntouched();
  });

  test("P12: pieces of a message that do not continue each other", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(await change(b, { records: [await newRecord(b)] }), { ...piece(5), q: 1 } as Message);
    await speaker.expectRefusal("bad-message");
    await expectUntouched();
  });

  test("P12: a message whose bytes are not those of its GUID", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(
      await change(b, { records: [await newRecord(b, { size: 10 })] }),
      { ...piece(0), q: 1 } as Message,
      { ...piece(5), q: 1 } as Message,
      { t: "commit", q: 1 },
    );
    await speaker.expectFailure(1, "body-missing");
    await expectUntouched();
  });

  test("P12: a mailbox that is not there", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say({ t: "pull", q: 1, account: "default", mailboxId: "nowhere", sinceModseq: null });
    await speaker.expectFailure(1, "not-found");
    await expectUntouched();
  });

  test("P13: a state that has passed is a conflict, with the mailbox as it is", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    const message = await change(b, { records: [await known()], commit: true });
    await speaker.say({ ...message, before: { ...message.before, highestModseq: 1 } });
    expect(await speaker.hear()).toMatchObject({ t: "conflict", q: 1, mailbox: { state: await b.state("INBOX") } });
    await speaker.expectServed();
    await expectUntouched();
  });

  test("P13: a tree change on another tree is a conflict, a name that is taken is refused", async () => {
    const { entry } = await b.mailbox("INBOX");
    const twin = { ...entry, mailboxId: "twin", modseq: 50 };
    const put = (q: number, treeBefore: number): Message => {
      return {
        t: "tree",
        q,
        account: "default",
        before: treeBefore,
        after: 50,
        puts: [{ entry: twin, uidValidity: 9 }],
      };
    };
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(put(1, 40));
    expect(await speaker.hear()).toMatchObject({ t: "conflict", q: 1 });
    await speaker.say(put(2, (await b.store.tree("default")).modseq));
    await speaker.expectFailure(2, "exists");
    await expectUntouched();
  });

  test("P6: cursors for states that B never was in are not saved", async () => {
    const state = await b.state("INBOX");
    const latest = { ...state, uidNext: 100, highestModseq: 100, entryModseq: 1 };
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say({
      t: "agree",
      q: 1,
      survey: null,
      rows: [{ account: "default", mailboxId: await b.id("INBOX"), latest }],
    });
    expect(await speaker.hear()).toEqual({ t: "agreed", q: 1, saved: 0 });
    await speaker.expectServed();
    await expectUntouched();
  });
});
