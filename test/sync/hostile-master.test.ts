/**
 * Masters that break the rules above the frame (P12): every one is refused with the code that `protocol/errors.md`
 * promises, the store stays as it was, and others are served.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_IN_FLIGHT } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { type Dump, dumpOf, expectSound } from "./support/checks.ts";
import { change, newRecord, piece, UNKNOWN_Q } from "./support/lies.ts";
import type { Node } from "./support/node.ts";
import { HELLO, inOtherVersion, Speaker } from "./support/speaker.ts";
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

describe("a master at the wrong point", () => {
  test.each<[string, Message[], string]>([
    [
      "no greeting",
      [{ t: "survey", q: 1, account: null, mailboxId: null, base: new Uint8Array(16), list: null, complete: true }],
      "bad-message",
    ],
    ["a second greeting", [HELLO, HELLO], "bad-message"],
    ["an answer in place of a question", [HELLO, { t: "applied", q: 1 }], "bad-message"],
    ["an answer to what nobody asked", [HELLO, { t: "need", q: 1, missing: null }], "bad-message"],
    ["more of a pull that is not open", [HELLO, { t: "more", q: UNKNOWN_Q }], "bad-message"],
  ])("P12: %s is refused", async (_, messages, code) => {
    const speaker = new Speaker(b.store);
    await speaker.say(...messages);
    await speaker.expectRefusal(code);
    await expectUntouched();
  });

  test("P12: another version is refused", async () => {
    const speaker = new Speaker(b.store);
    await speaker.saySomething(inOtherVersion(HELLO));
    await speaker.expectRefusal("version");
    await expectUntouched();
  });

  test.each<[string, Message]>([
    ["part", { t: "part", q: UNKNOWN_Q, batches: [] }],
    ["commit", { t: "commit", q: UNKNOWN_Q }],
    ["drop", { t: "drop", q: UNKNOWN_Q }],
    ["bodyPart", piece(0)],
    ["bodies", { t: "bodies", q: UNKNOWN_Q, sizes: [5], data: Buffer.from("spare") }],
  ])("P12: %s for a change that is not open means nothing", async (_, message) => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(message);
    await speaker.expectServed();
    await expectUntouched();
  });

  test("P12: more open requests than the limit are refused", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    for (let q = 1; q <= MAX_IN_FLIGHT + 1; q++) await speaker.say(await change(b, { q }));
    await speaker.expectRefusal("limit");
    await expectUntouched();
  });

  test("P12: a request number that is in use is refused", async () => {
    const speaker = new Speaker(b.store);
    await speaker.greet();
    await speaker.say(await change(b), await change(b));
    await speaker.expectRefusal("bad-message");
    await expectUntouched();
  });
});

describe("several connections", () => {
  test("P12: one that breaks the rules, and one that stops in the middle, do not hold up an honest one", async () => {
    const [hostile, silent] = [new Speaker(b.store), new Speaker(b.store)];
    await silent.greet();
    await silent.say(await change(b, { records: [await newRecord(b)] }));
    expect((await silent.hear()).t).toBe("need");
    await hostile.say(HELLO, HELLO);
    await a.deliver("INBOX", "honest");
    const { issues } = await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
    expect(issues).toEqual([]);
    await hostile.expectRefusal("bad-message");
    await silent.expectServed();
    expect(await b.messages("INBOX")).toEqual({ 1: "1", 2: "2", 3: "3", 4: "honest" });
    await world.converge();
  });
});
