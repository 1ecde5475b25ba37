/** Scenarios 1 to 10: one node writes, the other follows. */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { DEFAULT_SYNC_OPTIONS, syncOver } from "../../src/sync/session.ts";
import { dumpOf, expectSound } from "../sync/support/checks.ts";
import { MEMORY } from "../sync/support/stores.ts";
import { openWire } from "../sync/support/wire.ts";
import { scenario, scenarioFromA } from "./scenario.ts";

scenario(1, "four new mails arrive with UIDs, dates, flags and modseqs", async ({ a, b, converge }) => {
  await a.create();
  await a.deliver("INBOX", "one", "two");
  await a.deliverWith("INBOX", "three", ["\\Seen", "$Forwarded"], 1_600_000_000_123);
  await a.deliver("INBOX", "four");
  const { recordsToB, bodiesToB, recordsToA } = await converge();
  expect({ recordsToA, recordsToB, bodiesToB }).toEqual({ recordsToA: 0, recordsToB: 4, bodiesToB: 4 });
  expect(await b.messages("INBOX")).toEqual({ 1: "one", 2: "two", 3: "three", 4: "four" });
  expect(await b.record("INBOX", 3)).toMatchObject({ internalDate: 1_600_000_000_123, modseq: 4, createdModseq: 4 });
  expect(await b.flags("INBOX")).toMatchObject({ 3: ["$Forwarded", "\\Seen"] });
});

scenario(2, "a flag set and cleared is followed both times", async ({ a, b, converge }) => {
  await a.create();
  await a.deliver("INBOX", "mail");
  await converge();
  await a.set("INBOX", 1, "\\Seen");
  await converge();
  expect(await b.flags("INBOX")).toEqual({ 1: ["\\Seen"] });
  await a.clear("INBOX", 1, "\\Seen");
  const { recordsToB, bodiesToB } = await converge();
  expect({ recordsToB, bodiesToB }).toEqual({ recordsToB: 1, bodiesToB: 0 });
  expect(await b.flags("INBOX")).toEqual({ 1: [] });
});

scenario(3, "nothing changed: no record is sent, no counter touched", async ({ a, b, sync, converge }) => {
  await a.create();
  await a.deliver("INBOX", "mail");
  await converge();
  const before = await dumpOf(b.store);
  const { recordsToA, recordsToB } = await sync();
  expect({ recordsToA, recordsToB }).toEqual({ recordsToA: 0, recordsToB: 0 });
  expect(await dumpOf(b.store)).toEqual(before);
});

scenario(4, "the same body in three mailboxes crosses once", async ({ a, b, converge }) => {
  for (const name of ["INBOX", "Archive", "Work"]) {
    await a.create(name);
    await a.deliver(name, "the same mail");
  }
  const { recordsToB, bodiesToB } = await converge();
  expect({ recordsToB, bodiesToB }).toEqual({ recordsToB: 3, bodiesToB: 1 });
  expect(await b.messages("Work")).toEqual({ 1: "the same mail" });
});

scenario(5, "a body that the other node holds in another mailbox is not sent", async ({ a, b, converge }) => {
  await a.create("INBOX");
  await a.create("Archive");
  await a.deliver("INBOX", "a mail to keep");
  await converge();
  await a.copy("INBOX", 1, "Archive");
  const { recordsToB, bodiesToB } = await converge();
  expect({ recordsToB, bodiesToB }).toEqual({ recordsToB: 1, bodiesToB: 0 });
  expect(await b.messages("Archive")).toEqual({ 1: "a mail to keep" });
});

scenario(6, "an expunge leaves a tombstone with the same modseq", async ({ a, b, converge }) => {
  await a.create();
  await a.deliver("INBOX", "stays", "goes");
  await converge();
  await a.expunge("INBOX", 2);
  await converge();
  expect(await b.messages("INBOX")).toEqual({ 1: "stays" });
  expect(await b.record("INBOX", 2)).toEqual(await a.record("INBOX", 2));
  expect(await b.record("INBOX", 2)).toMatchObject({ expunged: true, modseq: (await a.state("INBOX")).highestModseq });
});

scenario(7, "deletions purged while the other was away arrive, nothing comes back", async ({ a, b, converge }) => {
  await a.create();
  await a.deliver("INBOX", "1", "2", "3", "4");
  await converge();
  await a.expunge("INBOX", 2, 4);
  await a.purge("INBOX");
  await converge();
  expect(await a.messages("INBOX")).toEqual({ 1: "1", 3: "3" });
  expect(await b.messages("INBOX")).toEqual({ 1: "1", 3: "3" });
});

const NAMES = [
  "with space",
  'with "quotes"',
  "Entwürfe",
  "100%",
  "a*b",
  "a/b/c",
  "x".repeat(1000),
  "caf\u00e9",
  "cafe\u0301",
  "收件箱 📬",
  "back\\slash & ~tilde.",
  "\ttab\r\n",
];

scenario(8, "names arrive as they are, whatever is in them", async ({ a, b, converge }) => {
  for (const name of NAMES) await a.create(name);
  await a.deliver("caf\u00e9", "composed");
  await a.deliver("cafe\u0301", "decomposed");
  await converge();
  expect(await b.names()).toEqual([...NAMES].sort());
  expect(await b.messages("cafe\u0301")).toEqual({ 1: "decomposed" });
});

const BODIES = [
  "no final newline",
  "with\0NUL\0bytes\r\n",
  "bare\rCR\r",
  "LF only\n\nbody\n",
  "19 bytes of a mail.",
  "",
  randomBytes(1024 * 1024),
  randomBytes(256 * 1024 + 1),
];

scenario(9, "mails arrive byte for byte, whatever is in them", async ({ a, b, converge }) => {
  await a.create();
  await a.deliver("INBOX", ...BODIES);
  const { bodiesToB } = await converge();
  expect(bodiesToB).toBe(BODIES.length);
  const seen = await b.messages("INBOX");
  for (const [i, body] of BODIES.entries())
    expect(seen[i + 1] === Buffer.from(body as string).toString("latin1")).toBe(true);
});

const MANY = 20_000;

scenarioFromA(
  10,
  "20,000 mails do not starve other mailboxes, and an interruption half way sends no body again",
  async ({ a, b, expectConverged }) => {
    await a.create("A big one");
    const texts = Array.from({ length: MANY }, (_, i) => `Subject: ${i}\r\n\r\nmail number ${i}`);
    await a.deliverAll("A big one", texts);
    for (let i = 0; i < 12; i++) {
      await a.create(`other ${i}`);
      await a.deliver(`other ${i}`, `mail of ${i}`);
    }
    const wire = openWire(b.store, { cutWhen: ({ bodiesToReplica }) => bodiesToReplica > MANY / 2 });
    await expect(syncOver(a.store, wire.master, DEFAULT_SYNC_OPTIONS)).rejects.toMatchObject({ code: "disconnected" });
    await wire.served;
    for (let i = 0; i < 12; i++) expect(await b.messages(`other ${i}`)).toEqual({ 1: `mail of ${i}` });
    expect(await b.live("A big one")).toEqual([]);
    await expectSound(b.store);
    const again = openWire(b.store);
    const { bodiesSent } = await syncOver(a.store, again.master, DEFAULT_SYNC_OPTIONS);
    await again.served;
    expect(bodiesSent).toBe(MANY + 12 - wire.counts.bodiesToReplica);
    await expectConverged();
  },
  [MEMORY],
);
