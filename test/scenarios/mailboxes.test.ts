/** Scenarios 39 to 47: mailboxes renamed, deleted, made anew, and accounts. */
import { expect } from "vitest";
import { dumpOf } from "../sync/support/checks.ts";
import type { World } from "../sync/support/world.ts";
import { scenario } from "./scenario.ts";

/** Mailboxes with one mail each, in agreement. */
async function onBoth({ a, converge }: World, ...names: string[]): Promise<void> {
  for (const name of names) {
    await a.create(name);
    await a.deliver(name, `mail of ${name}`);
  }
  await converge();
}

scenario(39, "renamed at A: the same id at B under the new name, no body sent", async (world) => {
  await onBoth(world, "Old");
  const id = await world.a.id("Old");
  await world.a.rename("Old", "New");
  const { recordsToA, recordsToB, bodiesToB } = await world.converge();
  expect({ recordsToA, recordsToB, bodiesToB }).toEqual({ recordsToA: 0, recordsToB: 0, bodiesToB: 0 });
  expect(await world.b.names()).toEqual(["New"]);
  expect(await world.b.id("New")).toBe(id);
  expect(await world.b.messages("New")).toEqual({ 1: "mail of Old" });
});

scenario(40, "renamed at A and at B: the newer name on both", async (world) => {
  await onBoth(world, "Old");
  await world.a.rename("Old", "First at A");
  await world.b.rename("Old", "First at B");
  await world.b.rename("First at B", "Second at B");
  await world.converge();
  expect(await world.a.names()).toEqual(["Second at B"]);
});

scenario(41, "three names in a circle between two exchanges", async (world) => {
  await onBoth(world, "A", "B", "C");
  const { a, b, converge } = world;
  const before = { A: await a.id("A"), B: await a.id("B"), C: await a.id("C") };
  await a.rename("A", "in between");
  await a.rename("C", "A");
  await a.rename("B", "C");
  await a.rename("in between", "B");
  const { recordsToA, recordsToB } = await converge();
  expect(recordsToA + recordsToB).toBe(0);
  expect({ A: await b.id("A"), B: await b.id("B"), C: await b.id("C") }).toEqual({
    A: before.C,
    B: before.A,
    C: before.B,
  });
  expect(await b.messages("B")).toEqual({ 1: "mail of A" });
});

scenario(42, "renamed at A, a new one with its old name made at B: both exist on both", async (world) => {
  await onBoth(world, "Old");
  const { a, b, converge } = world;
  await a.rename("Old", "New");
  await b.rename("Old", "Away");
  await b.create("Old");
  await b.deliver("Old", "in the new one");
  await b.rename("Away", "Old (2)");
  await converge();
  const texts = [];
  for (const name of await a.names()) texts.push(...Object.values(await a.messages(name)));
  expect(texts.sort()).toEqual(["in the new one", "mail of Old"]);
  expect(await a.messages("Old")).toEqual({ 1: "in the new one" });
});

scenario(42, "one renamed at A to a name that B gives to a new one: both exist, nothing is mixed", async (world) => {
  await onBoth(world, "Old");
  const { a, b, converge } = world;
  await a.rename("Old", "Wanted");
  await b.create("Wanted");
  await b.deliver("Wanted", "made at B");
  await converge();
  expect((await a.names()).length).toBe(2);
  const texts = [];
  for (const name of await b.names()) texts.push(Object.values(await b.messages(name)));
  expect(texts.sort()).toEqual([["made at B"], ["mail of Old"]]);
});

scenario(43, "deleted at A, unchanged at B: deleted on both", async (world) => {
  await onBoth(world, "Stays", "Goes");
  await world.a.delete("Goes");
  await world.converge();
  expect(await world.b.names()).toEqual(["Stays"]);
});

scenario(44, "deleted at A, new mail in it at B: the new mail survives, the old is gone", async (world) => {
  await onBoth(world, "Box");
  const id = await world.a.id("Box");
  await world.a.delete("Box");
  await world.b.deliver("Box", "new");
  await world.converge();
  expect(await world.a.names()).toEqual(["Box"]);
  expect(await world.a.id("Box")).toBe(id);
  expect(Object.values(await world.a.messages("Box"))).toEqual(["new"]);
});

scenario(44, "deleted at A, renamed at B: deleted on both, since nothing new is in it", async (world) => {
  await onBoth(world, "Box");
  await world.a.delete("Box");
  await world.b.rename("Box", "Renamed");
  await world.converge();
  expect(await world.a.names()).toEqual([]);
});

scenario(45, "deleted and created anew under the same name: the new one survives", async (world) => {
  await onBoth(world, "Box");
  const { a, b, converge } = world;
  const { uidValidity } = await a.state("Box");
  await a.delete("Box");
  const fresh = await a.create("Box");
  await a.deliver("Box", "in the new one");
  await converge();
  expect(await b.names()).toEqual(["Box"]);
  expect(await b.id("Box")).toBe(fresh.entry.mailboxId);
  expect(await b.messages("Box")).toEqual({ 1: "in the new one" });
  expect((await b.state("Box")).uidValidity).toBeGreaterThan(uidValidity);
});

scenario(46, "exists only at B, unknown to A: brought to A, never deleted", async (world) => {
  await onBoth(world, "INBOX");
  const { a, b, converge } = world;
  await b.create("Only at B");
  await b.deliver("Only at B", "1", "2");
  const { bodiesToA } = await converge();
  expect(bodiesToA).toBe(2);
  expect(await a.messages("Only at B")).toEqual({ 1: "1", 2: "2" });
  expect(await a.id("Only at B")).toBe(await b.id("Only at B"));
});

scenario(47, 'account "ua" deleted: account "uab" untouched', async ({ a, b, converge, sync }) => {
  for (const account of ["ua", "uab"]) {
    await a.create("INBOX", { account });
    await a.deliverAll("INBOX", [`mail of ${account}`], [], undefined, account);
  }
  await converge();
  const before = (await dumpOf(b.store)).accounts.find(({ account }) => account === "uab");
  await a.delete("INBOX", "ua");
  await sync({ account: "ua" });
  const after = (await dumpOf(b.store)).accounts.find(({ account }) => account === "uab");
  expect(after).toEqual(before);
  expect(await b.names("ua")).toEqual([]);
  await converge();
  expect(await b.messages("INBOX", "uab")).toEqual({ 1: "mail of uab" });
});
