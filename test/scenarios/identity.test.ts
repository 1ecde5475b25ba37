/** Scenarios 33 to 38: new numberings, mailboxes made twice, backups and lost stores. */
import { expect } from "vitest";
import { Node } from "../sync/support/node.ts";
import { scenario } from "./scenario.ts";

scenario(
  33,
  "a higher uidValidity at B, same mails: both get the higher, UIDs are kept",
  async ({ a, b, converge }) => {
    await a.create();
    await a.deliver("INBOX", "1", "2", "3");
    await a.set("INBOX", 2, "\\Seen");
    await converge();
    await b.create("Other", { uidValidity: 500 });
    await b.delete("Other");
    await b.rename("INBOX", "Other");
    await b.rename("Other", "INBOX");
    const { uidValidity } = await b.state("INBOX");
    expect(uidValidity).toBeGreaterThan(500);
    await converge();
    expect((await a.state("INBOX")).uidValidity).toBe(uidValidity);
    expect(await a.messages("INBOX")).toEqual({ 1: "1", 2: "2", 3: "3" });
    expect(await a.flags("INBOX")).toEqual({ 1: [], 2: ["\\Seen"], 3: [] });
  },
);

scenario(33, "a higher uidValidity at B and mail on both: nothing is lost or doubled", async (world) => {
  const { a, b, converge } = world;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await converge();
  await b.create("Other", { uidValidity: 500 });
  await b.delete("Other");
  await b.rename("INBOX", "Other");
  await b.rename("Other", "INBOX");
  await b.deliver("INBOX", "at B");
  await a.deliver("INBOX", "at A");
  const { bodiesToA, bodiesToB } = await converge();
  expect({ bodiesToA, bodiesToB }).toEqual({ bodiesToA: 1, bodiesToB: 1 });
  expect(await a.messages("INBOX")).toMatchObject({ 1: "1", 2: "2", 3: "3" });
  expect(Object.values(await a.messages("INBOX")).sort()).toEqual(["1", "2", "3", "at A", "at B"]);
});

scenario(34, "the same name made on both, B's never used: one identity", async ({ a, b, converge }) => {
  await a.create("Work", { uidValidity: 100 });
  await a.deliver("Work", "1", "2");
  await b.create("Work", { uidValidity: 100 });
  await converge();
  expect(await b.messages("Work")).toEqual({ 1: "1", 2: "2" });
  const { entry } = await a.mailbox("Work");
  expect([entry.mailboxId, ...entry.aliases].sort()).toEqual(["a1", "b1"]);
  expect(await a.names()).toEqual(["Work"]);
});

for (const [atA, atB] of [
  [100, 100],
  [100, 200],
  [200, 100],
] as const)
  scenario(
    35,
    `the same name made on both with mail, uidValidity ${atA} and ${atB}: all mail, each once`,
    async (world) => {
      const { a, b, converge } = world;
      await a.create("Work", { uidValidity: atA });
      await a.deliver("Work", "both", "only at A", "both");
      await b.create("Work", { uidValidity: atB });
      await b.deliver("Work", "only at B", "both");
      await converge();
      expect(await a.names()).toEqual(["Work"]);
      expect(Object.values(await a.messages("Work")).sort()).toEqual(["both", "both", "only at A", "only at B"]);
      expect((await a.state("Work")).uidValidity).toBe(Math.max(atA, atB));
    },
  );

scenario(36, "both nodes restored from one old backup: nothing is duplicated", async (world) => {
  const { a, b, converge } = world;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await a.set("INBOX", 2, "\\Seen");
  a.store = await world.backup(a);
  b.store = await world.backup(a);
  const before = await a.messages("INBOX");
  const { bodiesToA, bodiesToB } = await converge();
  expect(bodiesToA + bodiesToB).toBe(0);
  expect(await b.messages("INBOX")).toEqual(before);
});

scenario(
  36,
  "both nodes restored from one old backup, then written to: nothing is lost or duplicated",
  async (world) => {
    const { a, b, converge } = world;
    await a.create();
    await a.deliver("INBOX", "1", "2", "3");
    b.store = await world.backup(a);
    await a.deliver("INBOX", "at A");
    await b.deliver("INBOX", "at B");
    await b.expunge("INBOX", 2);
    await converge();
    expect(Object.values(await b.messages("INBOX")).sort()).toEqual(["1", "3", "at A", "at B"]);
  },
);

scenario(37, "B restored from a backup of last week catches up and keeps mail delivered since", async (world) => {
  const { a, b, converge } = world;
  await a.create();
  await a.deliver("INBOX", "1", "2", "3");
  await converge();
  const lastWeek = await world.backup(b);
  await b.deliver("INBOX", "lost with B");
  await a.expunge("INBOX", 1);
  await a.set("INBOX", 2, "\\Seen");
  await converge();
  b.store = lastWeek;
  await b.deliver("INBOX", "after the restore");
  await converge();
  const texts = Object.values(await b.messages("INBOX")).sort();
  expect(texts).toEqual(["2", "3", "after the restore", "lost with B"]);
  expect(await b.flags("INBOX")).toMatchObject({ 2: ["\\Seen"] });
});

scenario(38, "B wiped and made anew is filled again, nothing is deleted at A", async (world) => {
  const { a, b, converge } = world;
  await a.create();
  await a.create("Archive");
  await a.deliver("INBOX", "1", "2");
  await b.create("Made at B");
  await a.expunge("INBOX", 1);
  await a.deliver("Archive", "3");
  await converge();
  b.store = await world.fresh();
  await converge();
  const seen = new Node("b", b.store);
  expect(await seen.messages("INBOX")).toEqual({ 2: "2" });
  expect(await seen.names()).toEqual(["Archive", "INBOX", "Made at B"]);
  expect(await a.messages("Archive")).toEqual({ 1: "3" });
});
