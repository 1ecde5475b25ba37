/** Scenarios 27 to 32: both nodes wrote, and flags are concerned. */
import { expect } from "vitest";
import type { World } from "../sync/support/world.ts";
import { scenario, scenarioFromA } from "./scenario.ts";

async function twoOnBoth({ a, converge }: World): Promise<void> {
  await a.create();
  await a.deliver("INBOX", "1", "2");
  await converge();
}

scenarioFromA(27, "a flag changed at A only is followed in one round trip", async (world) => {
  await twoOnBoth(world);
  await world.a.set("INBOX", 1, "\\Seen");
  const { recordsToA, recordsToB, bodiesToB, result } = await world.converge();
  expect({ recordsToA, recordsToB, bodiesToB }).toEqual({ recordsToA: 0, recordsToB: 1, bodiesToB: 0 });
  expect(result.roundTrips).toBe(1);
  expect(await world.b.flags("INBOX")).toEqual({ 1: ["\\Seen"], 2: [] });
});

scenarioFromA(28, "a flag changed at B only is taken over, nothing is reverted", async (world) => {
  await twoOnBoth(world);
  await world.b.set("INBOX", 1, "\\Seen");
  const { recordsToA, recordsToB } = await world.converge();
  expect({ recordsToA, recordsToB }).toEqual({ recordsToA: 1, recordsToB: 0 });
  expect(await world.a.flags("INBOX")).toEqual({ 1: ["\\Seen"], 2: [] });
});

scenario(29, "the same flag changed on both: the newer stamp wins on both", async (world) => {
  await twoOnBoth(world);
  await world.a.set("INBOX", 1, "\\Seen");
  await world.b.set("INBOX", 1, "\\Seen");
  await world.b.clear("INBOX", 1, "\\Seen");
  await world.converge();
  expect(await world.a.flags("INBOX")).toEqual({ 1: [], 2: [] });
});

scenario(29, "different flags changed on both: both changes stay", async (world) => {
  await twoOnBoth(world);
  await world.a.set("INBOX", 1, "\\Seen");
  await world.b.set("INBOX", 1, "\\Flagged");
  const { result } = await world.converge();
  expect(result.flagsMerged).toBe(1);
  expect(await world.b.flags("INBOX")).toEqual({ 1: ["\\Flagged", "\\Seen"], 2: [] });
});

scenario(30, "a keyword differing only in case is the same keyword", async (world) => {
  await twoOnBoth(world);
  await world.a.set("INBOX", 1, "$Work");
  await world.b.set("INBOX", 1, "$WORK");
  await world.converge();
  const flags = await world.a.flags("INBOX");
  expect(flags[1]?.map((flag) => flag.toLowerCase())).toEqual(["$work"]);
  await world.b.clear("INBOX", 1, "$work");
  await world.converge();
  expect(await world.a.flags("INBOX")).toEqual({ 1: [], 2: [] });
});

scenario(31, "expunged at B, flagged later at A: it stays expunged", async (world) => {
  await twoOnBoth(world);
  await world.b.expunge("INBOX", 1);
  await world.a.set("INBOX", 2, "\\Seen");
  await world.a.set("INBOX", 1, "\\Flagged");
  await world.converge();
  expect(await world.a.messages("INBOX")).toEqual({ 2: "2" });
  expect(await world.b.flags("INBOX")).toEqual({ 2: ["\\Seen"] });
});

scenario(32, "expunged on both: nothing is renumbered or sent again", async (world) => {
  await twoOnBoth(world);
  await world.a.expunge("INBOX", 1);
  await world.b.expunge("INBOX", 1);
  const { result, bodiesToA, bodiesToB } = await world.converge();
  expect({ renumbered: result.renumbered, bodiesToA, bodiesToB }).toEqual({
    renumbered: 0,
    bodiesToA: 0,
    bodiesToB: 0,
  });
  expect(await world.b.messages("INBOX")).toEqual({ 2: "2" });
});
