/** Scenarios 11 to 26: both nodes wrote, and messages are concerned. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { DEFAULT_SYNC_OPTIONS, syncOver } from "../../src/sync/session.ts";
import { dumpOf, expectSound } from "../sync/support/checks.ts";
import { interrupted, unreadable } from "../sync/support/stores.ts";
import { openWire } from "../sync/support/wire.ts";
import type { World } from "../sync/support/world.ts";
import { scenario, scenarioFromA } from "./scenario.ts";

function guidOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** UIDs 1 to 4 on both nodes, in agreement. */
async function fourOnBoth({ a, converge }: World): Promise<void> {
  await a.create();
  await a.deliver("INBOX", "1", "2", "3", "4");
  await converge();
}

/** UID 5 is E at A and F at B. */
async function collided(world: World): Promise<void> {
  await fourOnBoth(world);
  await world.a.deliver("INBOX", "E");
  await world.b.deliver("INBOX", "F");
}

const FIRST_FOUR = { 1: "1", 2: "2", 3: "3", 4: "4" };

scenario(11, "one UID for two mails: both are kept as 6 and 7, the lower GUID first", async (world) => {
  await collided(world);
  const { result } = await world.converge();
  const [lower, higher] = guidOf("E") < guidOf("F") ? ["E", "F"] : ["F", "E"];
  expect(await world.a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 6: lower, 7: higher });
  expect(await world.b.record("INBOX", 5)).toMatchObject({ expunged: true, graves: [] });
  expect(result.renumbered).toBe(2);
  expect(result.roundTrips).toBeLessThanOrEqual(3);
});

scenario(12, "one UID for two mails, one of them expunged: only the other is left, renumbered", async (world) => {
  await collided(world);
  await world.a.expunge("INBOX", 5);
  await world.converge();
  expect(await world.a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 6: "F" });
});

scenario(13, "one UID for two mails, both expunged: neither is there, now or later", async (world) => {
  await collided(world);
  await world.a.expunge("INBOX", 5);
  await world.b.expunge("INBOX", 5);
  await world.converge();
  expect(await world.a.messages("INBOX")).toEqual(FIRST_FOUR);
  expect(await world.a.record("INBOX", 5)).toMatchObject({
    expunged: true,
    graves: [{ guid: guidOf("F") }, { guid: guidOf("E") }].sort((x, y) => (x.guid < y.guid ? -1 : 1)),
  });
  expect(await world.a.deliver("INBOX", "next")).toEqual([6]);
  await world.converge();
  expect(await world.b.messages("INBOX")).toEqual({ ...FIRST_FOUR, 6: "next" });
});

scenario(14, "new mail at one node above the other's last gets the same UID there", async (world) => {
  await fourOnBoth(world);
  await world.b.deliver("INBOX", "new at B");
  const { recordsToA, recordsToB, bodiesToA } = await world.converge();
  expect({ recordsToA, recordsToB, bodiesToA }).toEqual({ recordsToA: 1, recordsToB: 0, bodiesToA: 1 });
  expect(await world.a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 5: "new at B" });
});

scenario(15, "several new mails at one node keep UIDs and order, in one exchange", async (world) => {
  await fourOnBoth(world);
  await world.b.deliver("INBOX", "five", "six", "seven");
  await world.converge();
  expect(await world.a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 5: "five", 6: "six", 7: "seven" });
});

scenario(16, "a mail in the middle that the other never had goes to the top, all others stay", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await a.deliver("INBOX", "only at A");
  await b.deliver("INBOX", "5 at B");
  await b.expunge("INBOX", 5);
  await b.purge("INBOX");
  await b.deliver("INBOX", "6", "7", "8");
  await world.converge();
  expect(await a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 6: "6", 7: "7", 8: "8", 9: "only at A" });
  expect(await b.record("INBOX", 5)).toMatchObject({ expunged: true });
  expect(await b.record("INBOX", 9)).toMatchObject({ formerUids: [5] });
});

scenario(17, "a UID above the other's last, its modseq below: UID kept, modseq raised", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  for (let i = 0; i < 5; i++) {
    await b.set("INBOX", 1, "\\Flagged");
    await b.clear("INBOX", 1, "\\Flagged");
  }
  await a.deliver("INBOX", "five");
  const announced = (await b.state("INBOX")).highestModseq;
  await world.converge();
  expect(await b.messages("INBOX")).toEqual({ ...FIRST_FOUR, 5: "five" });
  expect((await b.record("INBOX", 5))?.modseq).toBeGreaterThan(announced);
});

scenario(18, "a mail expunged and purged at A while B was away is removed at B", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await a.expunge("INBOX", 3);
  await a.purge("INBOX");
  await b.set("INBOX", 1, "\\Seen");
  await world.converge();
  expect(await b.messages("INBOX")).toEqual({ 1: "1", 2: "2", 4: "4" });
});

scenarioFromA(19, "the line breaks at the third of five bodies: nothing changed, then all is done", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  const before = await dumpOf(b.store);
  // Large enough to travel in pieces, each on its own.
  for (let i = 0; i < 5; i++) await a.deliver("INBOX", `${i}`.repeat(300 * 1024));
  const wire = openWire(b.store, { cutWhen: ({ bodiesToReplica }) => bodiesToReplica === 3 });
  await expect(syncOver(a.store, wire.master, DEFAULT_SYNC_OPTIONS)).rejects.toMatchObject({ code: "disconnected" });
  await wire.served;
  expect(await dumpOf(b.store)).toEqual(before);
  await expectSound(b.store);
  const { bodiesToB } = await world.converge();
  expect(bodiesToB).toBe(2);
});

scenario(20, "a client appends at B between planning and applying: planned anew, nothing lost", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await a.deliver("INBOX", "at A");
  const stores = { b: interrupted(b.store, () => b.deliver("INBOX", "at B, in between")) };
  await world.converge({ stores });
  expect(Object.values(await a.messages("INBOX")).sort()).toEqual(["1", "2", "3", "4", "at A", "at B, in between"]);
});

scenario(21, "a client appends at A between planning and applying: planned anew, nothing lost", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await b.deliver("INBOX", "at B");
  const stores = { a: interrupted(a.store, () => a.deliver("INBOX", "at A, in between")) };
  await world.converge({ stores });
  expect(Object.values(await a.messages("INBOX")).sort()).toEqual(["1", "2", "3", "4", "at A, in between", "at B"]);
});

scenario(22, "an unreadable body is reported, the rest converges, and nothing loops", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await b.deliver("INBOX", "good", "bad", "as good");
  const stores = { b: unreadable(b.store, (guid) => guid === guidOf("bad")) };
  const first = await world.sync({ stores, issues: true });
  expect(first.result.issues).toMatchObject([{ mailbox: "INBOX", code: "body-unreadable" }]);
  expect(first.result.issues[0]?.message).toContain(guidOf("bad"));
  expect(await a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 5: "good", 7: "as good" });
  const between = await dumpOf(b.store);
  const { recordsToA, recordsToB } = await world.sync({ stores, issues: true });
  expect({ recordsToA, recordsToB }).toEqual({ recordsToA: 0, recordsToB: 0 });
  expect((await dumpOf(b.store)).accounts).toEqual(between.accounts);
  await world.converge();
  expect(Object.values(await a.messages("INBOX")).sort()).toEqual(["1", "2", "3", "4", "as good", "bad", "good"]);
});

scenario(23, "tombstones of different messages under one UID: nothing happens", async (world) => {
  await collided(world);
  await world.a.expunge("INBOX", 5);
  await world.b.expunge("INBOX", 5);
  await world.converge();
  const settled = (await dumpOf(world.b.store)).accounts;
  for (let i = 0; i < 3; i++) await world.converge();
  expect((await dumpOf(world.b.store)).accounts).toEqual(settled);
});

scenario(24, "a modseq raised by a change that was undone is equal afterwards", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await b.set("INBOX", 2, "\\Seen");
  await b.clear("INBOX", 2, "\\Seen");
  const { highestModseq } = await b.state("INBOX");
  await world.converge();
  expect((await a.state("INBOX")).highestModseq).toBe(highestModseq);
  expect(await a.flags("INBOX")).toEqual({ 1: [], 2: [], 3: [], 4: [] });
});

scenario(25, "a uidNext that is higher with nothing there: the next delivery is above it", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await b.deliver("INBOX", "gone");
  await b.expunge("INBOX", 5);
  await b.purge("INBOX");
  await world.converge();
  expect((await a.state("INBOX")).uidNext).toBe(6);
  expect(await a.deliver("INBOX", "next")).toEqual([6]);
});

scenario(26, "the same mail delivered to both ends is there once", async (world) => {
  const { a, b } = world;
  await fourOnBoth(world);
  await a.deliver("INBOX", "the same");
  await b.deliver("INBOX", "before it", "the same");
  await world.converge();
  const texts = Object.values(await a.messages("INBOX")).sort();
  expect(texts).toEqual(["1", "2", "3", "4", "before it", "the same"]);
});

scenario(26, "the same mail delivered to both ends under the same UID keeps it", async (world) => {
  await fourOnBoth(world);
  await world.a.deliverWith("INBOX", "the same", ["\\Seen"], 1_700_000_001_000);
  await world.b.deliverWith("INBOX", "the same", ["\\Flagged"], 1_700_000_000_000);
  const { bodiesToA, bodiesToB } = await world.converge();
  expect(bodiesToA + bodiesToB).toBe(0);
  expect(await world.a.messages("INBOX")).toEqual({ ...FIRST_FOUR, 5: "the same" });
  expect(await world.b.record("INBOX", 5)).toMatchObject({ internalDate: 1_700_000_000_000 });
  expect(await world.b.flags("INBOX")).toMatchObject({ 5: ["\\Flagged", "\\Seen"] });
});
