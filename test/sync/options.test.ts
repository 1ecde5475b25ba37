/** What the options of an exchange do: dry run, brake, full resync, and the choice of accounts and mailboxes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ReportedDecision } from "../../src/sync/report.ts";
import { makeBusy } from "./support/busy.ts";
import { dumpOf } from "./support/checks.ts";
import { ACCOUNT, type Node } from "./support/node.ts";
import { MEMORY } from "./support/stores.ts";
import { type SyncSettings, World } from "./support/world.ts";

let world: World;
let a: Node;
let b: Node;

beforeEach(async () => {
  world = await World.open(MEMORY);
  a = world.a;
  b = world.b;
});
afterEach(() => world.close());

const bothDumps = async () => [await dumpOf(a.store), await dumpOf(b.store)];

/** An exchange and all it told of its decisions. */
async function decisionsOf(settings: SyncSettings): Promise<ReportedDecision[]> {
  const decisions: ReportedDecision[] = [];
  await world.sync({ ...settings, onDecision: (decision) => decisions.push(decision) });
  return decisions;
}

const key = ({ mailbox, row, uid, newUid }: ReportedDecision) => `${mailbox} ${row} ${uid ?? ""} ${newUid ?? ""}`;

describe("dry run", () => {
  test("writes nothing at all, cursors included, and tells the rows that the real run then takes", async () => {
    await makeBusy(world);
    const before = await bothDumps();
    const planned = await decisionsOf({ dryRun: true });
    expect(await bothDumps()).toEqual(before);
    const done = await decisionsOf({});
    const rows = new Set(planned.map(({ row }) => row));
    for (const row of ["M02", "M05", "M07", "M11", "T02", "T03", "T05", "T07"]) expect(rows).toContain(row);
    expect(planned.every(({ reason }) => reason.length > 10)).toBe(true);
    const isMerged = ({ mailbox }: ReportedDecision) => mailbox === "INBOX" || mailbox === "Flags";
    expect(planned.filter(isMerged).map(key).sort()).toEqual(done.filter(isMerged).map(key).sort());
    await world.expectConverged();
  });

  test("of a first copy writes nothing, not even an account", async () => {
    await a.create();
    await a.deliver("INBOX", "mail");
    const before = await bothDumps();
    const decisions = await decisionsOf({ dryRun: true });
    expect(decisions.map(key)).toEqual(["INBOX T02  ", "INBOX M07 1 "]);
    expect(await bothDumps()).toEqual(before);
  });

  test("one-way tells what it would refuse", async () => {
    await a.create();
    await world.sync();
    await b.deliver("INBOX", "TO's own");
    const { result } = await world.sync({ dryRun: true, direction: "one-way", issues: true });
    expect(result.issues).toMatchObject([{ code: "refused", mailbox: "INBOX" }]);
  });
});

describe("the mass-deletion brake", () => {
  const texts = Array.from({ length: 150 }, (_, i) => `mail ${i}`);

  async function manyOnBoth(): Promise<void> {
    await a.create();
    await a.deliverAll("INBOX", texts);
    await world.sync();
  }

  test("stops a mailbox deletion (T03) of over 100 messages and over half, until it is allowed", async () => {
    await manyOnBoth();
    await a.delete("INBOX");
    const before = await b.live("INBOX");
    const { result } = await world.sync({ issues: true });
    expect(result.issues).toMatchObject([{ code: "brake" }]);
    expect(result.issues[0]?.message).toContain("150 of the 150");
    expect(await b.live("INBOX")).toEqual(before);
    await world.converge({ allowMassDeletion: true });
    expect(await b.names()).toEqual([]);
  });

  test("stops purged deletions (M08), until they are allowed", async () => {
    await manyOnBoth();
    await a.expunge("INBOX", ...texts.map((_, i) => i + 1));
    await a.purge("INBOX");
    const { result } = await world.sync({ issues: true });
    expect(result.issues).toMatchObject([{ code: "brake" }]);
    expect(await b.live("INBOX")).toHaveLength(150);
    await world.converge({ allowMassDeletion: true });
    expect(await b.live("INBOX")).toEqual([]);
  });

  test("stops a mirror that would expunge most of TO", async () => {
    await a.create();
    await world.sync();
    await b.deliverAll("INBOX", texts);
    const { result } = await world.sync({ direction: "mirror", issues: true });
    expect(result.issues).toMatchObject([{ code: "brake" }]);
    expect(await b.live("INBOX")).toHaveLength(150);
    await world.sync({ direction: "mirror", allowMassDeletion: true });
    expect(await b.live("INBOX")).toEqual([]);
  });

  test("counts over all mailboxes of an account", async () => {
    for (const name of ["One", "Two"]) {
      await a.create(name);
      await a.deliverAll(name, texts.slice(0, 80));
    }
    await world.sync();
    await a.delete("One");
    await a.delete("Two");
    const { result } = await world.sync({ issues: true });
    expect(result.issues).toMatchObject([{ code: "brake" }]);
    expect((await b.names()).length).toBe(1);
  });

  test("lets tombstones through, however many: somebody expunged these messages", async () => {
    await manyOnBoth();
    await a.expunge("INBOX", ...texts.map((_, i) => i + 1));
    await world.converge();
    expect(await b.live("INBOX")).toEqual([]);
  });

  test("lets a small deletion through", async () => {
    await manyOnBoth();
    await a.create("Small");
    await a.deliver("Small", "mail");
    await world.sync();
    await a.delete("Small");
    await world.converge();
    expect(await b.names()).toEqual(["INBOX"]);
  });
});

describe("full", () => {
  test("compares whole mailboxes though the digests agree, and finds nothing", async () => {
    await a.create();
    await a.deliver("INBOX", "1", "2");
    await world.converge();
    const before = (await dumpOf(b.store)).accounts;
    const { result } = await world.sync({ full: true });
    expect(result).toMatchObject({ fullResyncs: 1, recordsSent: 0, recordsReceived: 0 });
    expect((await dumpOf(b.store)).accounts).toEqual(before);
  });
});

describe("the choice", () => {
  beforeEach(async () => {
    for (const [account, name] of [
      ["ann", "INBOX"],
      ["ann", "Work"],
      ["bob", "INBOX"],
    ] as const) {
      await a.create(name, { account });
      await a.deliverAll(name, [`mail of ${account} in ${name}`], [], undefined, account);
    }
  });

  test("of an account touches no other", async () => {
    await world.sync({ account: "ann" });
    expect(await b.store.accounts()).toEqual(["ann"]);
    expect(await b.names("ann")).toEqual(["INBOX", "Work"]);
    await world.converge();
  });

  test("of a mailbox touches no other, in every account", async () => {
    await world.sync({ mailbox: "INBOX" });
    expect(await b.names("ann")).toEqual(["INBOX"]);
    expect(await b.messages("INBOX", "bob")).toEqual({ 1: "mail of bob in INBOX" });
    await world.converge();
  });

  test("of an account that is nowhere does nothing", async () => {
    const before = await bothDumps();
    const { result } = await world.sync({ account: "nobody" });
    expect(result).toMatchObject({ mailboxes: 0, recordsSent: 0 });
    expect(await bothDumps()).toEqual(before);
  });

  test("of a mailbox leaves renames and deletions of others alone", async () => {
    await world.converge();
    await a.create("Chosen");
    await a.create("Other");
    await world.sync({ mailbox: "Chosen", account: ACCOUNT });
    expect(await b.names()).toEqual(["Chosen"]);
    await world.converge();
  });
});
