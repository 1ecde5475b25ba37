/** Clients that write while an exchange runs (P13), and messages whose bytes cannot be read meanwhile (scenario 22). */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dumpOf, expectSound } from "./support/checks.ts";
import type { Node } from "./support/node.ts";
import { decorated, interrupted, MEMORY, unreadable } from "./support/stores.ts";
import { World } from "./support/world.ts";

let world: World;
let a: Node;
let b: Node;

beforeEach(async () => {
  world = await World.open(MEMORY);
  a = world.a;
  b = world.b;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await world.converge();
});
afterEach(() => world.close());

async function texts(node: Node, mailbox = "INBOX"): Promise<string[]> {
  return Object.values(await node.messages(mailbox)).sort();
}

describe("clients that write in between", () => {
  test("P13: before several attempts in turn: planned anew each time, nothing lost", async () => {
    await a.deliver("INBOX", "at A");
    await b.deliver("INBOX", "at B");
    let written = 0;
    const stores = {
      a: interrupted(a.store, () => a.deliver("INBOX", `A in between ${++written}`), 2),
      b: interrupted(b.store, () => b.deliver("INBOX", `B in between ${++written}`), 3),
    };
    await world.converge({ stores });
    expect(written).toBe(5);
    expect((await texts(a)).length).toBe(3 + 2 + 5);
  });

  test("P13: before every attempt: given up with a conflict, both stores valid, the next exchange completes", async () => {
    await a.deliver("INBOX", "at A");
    let written = 0;
    const stores = { b: interrupted(b.store, () => b.deliver("INBOX", `in between ${++written}`), 1000) };
    const { result } = await world.sync({ stores, issues: true });
    expect(result.issues).toMatchObject([{ mailbox: "INBOX", code: "conflict" }]);
    expect(written).toBeLessThan(30);
    await expectSound(b.store);
    await world.converge();
    expect((await texts(a)).length).toBe(4 + written);
  });

  test("P6, P11: before every attempt on both nodes: the node that drives takes over what the other had all the same", async () => {
    await a.deliver("INBOX", "at A");
    await b.deliver("INBOX", "at B 1", "at B 2");
    let written = 0;
    const stores = { b: interrupted(b.store, () => b.deliver("INBOX", `B in between ${++written}`), 1000) };
    await world.sync({ stores, issues: true });
    expect(await texts(a)).toEqual(expect.arrayContaining(["1", "2", "3", "at A", "at B 1", "at B 2"]));
    await expectSound(a.store);
    await world.converge();
    expect((await texts(a)).length).toBe(6 + written);
    // Nothing was renumbered more often than there were meetings in which its UID was taken.
    for (const { formerUids } of await a.live("INBOX")) expect(formerUids.length).toBeLessThan(5);
  });

  test("P6: an expunge in between is not undone", async () => {
    await a.set("INBOX", 2, "\\Seen");
    const stores = { b: interrupted(b.store, () => b.expunge("INBOX", 2)) };
    await world.converge({ stores });
    expect(await texts(a)).toEqual(["1", "3"]);
  });

  test("P8: a flag set in between is kept beside the one that is on its way", async () => {
    await a.set("INBOX", 2, "\\Seen");
    const stores = { b: interrupted(b.store, () => b.set("INBOX", 2, "\\Flagged")) };
    await world.converge({ stores });
    expect(await a.flags("INBOX")).toMatchObject({ 2: ["\\Flagged", "\\Seen"] });
  });

  test("P12: a mailbox renamed in between is done, at the latest, by the next exchange", async () => {
    await a.deliver("INBOX", "at A");
    await world.sync({ stores: { b: interrupted(b.store, () => b.rename("INBOX", "Renamed")) }, issues: true });
    await expectSound(b.store);
    await world.converge();
    expect(await texts(b, "Renamed")).toEqual(["1", "2", "3", "at A"]);
  });

  test("T04: a mailbox deleted in between keeps just what the deleter never saw", async () => {
    await a.deliver("INBOX", "at A");
    await world.sync({ stores: { b: interrupted(b.store, () => b.delete("INBOX")) }, issues: true });
    await expectSound(b.store);
    await world.converge();
    expect(await texts(b)).toEqual(["at A"]);
  });

  test("P13: a mailbox made in between, while the tree is written: both are there", async () => {
    await a.create("At A");
    let isFirst = true;
    const { store } = b;
    const busy = decorated(store, {
      applyTree: async (change) => {
        if (isFirst) await b.create("At B");
        isFirst = false;
        return store.applyTree(change);
      },
    });
    await world.converge({ stores: { b: busy } });
    expect(await a.names()).toEqual(["At A", "At B", "INBOX"]);
  });
});

describe("scenario 22: bytes that cannot be read", () => {
  const guidOf = (text: string) => createHash("sha256").update(text).digest("hex");
  const bad = (...lost: string[]) => {
    const guids = new Set(lost.map(guidOf));
    return (guid: string) => guids.has(guid);
  };

  test.each(["a", "b"] as const)("on the first copy from %s: the rest of all mailboxes is there", async (side) => {
    const [from, to] = side === "a" ? [a, b] : [b, a];
    const large = "x".repeat(300 * 1024);
    await from.create("New");
    await from.deliver("New", "good", "bad", large, "as good");
    await from.create("Other");
    await from.deliver("Other", "other");
    const stores = { [side]: unreadable(from.store, bad("bad", large)) };
    const { result } = await world.sync({ stores, issues: true });
    expect(result.issues.map(({ mailbox, code }) => ({ mailbox, code }))).toEqual([
      { mailbox: "New", code: "body-unreadable" },
      { mailbox: "New", code: "body-unreadable" },
    ]);
    expect(await texts(to, "New")).toEqual(["as good", "good"]);
    expect(await texts(to, "Other")).toEqual(["other"]);
    await world.converge();
    expect((await texts(to, "New")).length).toBe(4);
  });

  test("on both nodes at once: each keeps its own, all else converges, and it stays so", async () => {
    await a.deliver("INBOX", "bad at A", "good at A");
    await b.deliver("INBOX", "bad at B", "good at B");
    const stores = { a: unreadable(a.store, bad("bad at A")), b: unreadable(b.store, bad("bad at B")) };
    await world.sync({ stores, issues: true });
    await world.sync({ stores, issues: true });
    const settled = [(await dumpOf(a.store)).accounts, (await dumpOf(b.store)).accounts];
    const { result } = await world.sync({ stores, issues: true });
    expect([(await dumpOf(a.store)).accounts, (await dumpOf(b.store)).accounts]).toEqual(settled);
    expect(result).toMatchObject({ recordsSent: 0, recordsReceived: 0, renumbered: 0 });
    for (const node of [a, b]) expect(await texts(node)).toEqual(expect.arrayContaining(["good at A", "good at B"]));
    await world.converge();
    expect(await texts(a)).toEqual(["1", "2", "3", "bad at A", "bad at B", "good at A", "good at B"]);
  });

  test("of a message that both have does not matter", async () => {
    await b.set("INBOX", 2, "\\Seen");
    await world.converge({ stores: { b: unreadable(b.store, bad("2")) } });
    expect(await a.flags("INBOX")).toMatchObject({ 2: ["\\Seen"] });
  });
});
