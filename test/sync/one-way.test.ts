/** One-way exchanges: FROM is never written, what TO has of its own is refused with a list, or overruled by a mirror. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SyncOptions } from "../../src/sync/report.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncStores } from "../../src/sync/session.ts";
import { dumpOf, expectSound } from "./support/checks.ts";
import { type Node, recordsOf } from "./support/node.ts";
import { STORE_KINDS } from "./support/stores.ts";
import { World } from "./support/world.ts";

describe.each(STORE_KINDS)("on the $kind store", (kind) => {
  let world: World;
  let from: Node;
  let to: Node;

  beforeEach(async () => {
    world = await World.open(kind);
    from = world.a;
    to = world.b;
    await from.create();
    await from.deliver("INBOX", "1", "2", "3");
  });
  afterEach(() => world.close());

  /** Syncs from A to B and checks that nothing at all was written at A. */
  async function copy(options: Partial<SyncOptions> = {}): Promise<SyncResult> {
    const before = await dumpOf(from.store);
    const result = await syncStores(from.store, to.store, {
      ...DEFAULT_SYNC_OPTIONS,
      direction: "one-way",
      ...options,
    });
    expect(await dumpOf(from.store)).toEqual(before);
    await expectSound(to.store);
    return result;
  }

  const mirror = (options: Partial<SyncOptions> = {}) => copy({ direction: "mirror", ...options });

  /** A client sees the same at TO as at FROM. */
  async function expectSameMail(): Promise<void> {
    expect(await to.names()).toEqual(await from.names());
    for (const name of await from.names()) expect(await to.live(name)).toEqual(await from.live(name));
  }

  test("TO gets everything that FROM has, and again what changed", async () => {
    expect(await copy()).toMatchObject({ issues: [], recordsSent: 3, recordsReceived: 0 });
    await from.set("INBOX", 2, "\\Seen");
    await from.expunge("INBOX", 1);
    await from.deliver("INBOX", "4");
    await from.rename("INBOX", "Renamed");
    await from.create("Another");
    expect(await copy()).toMatchObject({ issues: [], recordsSent: 3, bodiesSent: 1, fullResyncs: 0 });
    expect((await dumpOf(to.store)).accounts).toEqual((await dumpOf(from.store)).accounts);
    expect(await copy()).toMatchObject({ issues: [], recordsSent: 0, bodiesSent: 0 });
  });

  test("a mailbox deleted at FROM is deleted at TO", async () => {
    await from.create("Goes");
    await from.deliver("Goes", "mail");
    await copy();
    await from.delete("Goes");
    expect((await copy()).issues).toEqual([]);
    expect(await to.names()).toEqual(["INBOX"]);
  });

  test("what TO has of its own is refused with a list of it, other mailboxes are done", async () => {
    await from.create("Other");
    await copy();
    await from.deliver("Other", "new");
    await to.deliver("INBOX", "4 at TO", "5 at TO");
    await to.set("INBOX", 1, "\\Flagged");
    const before = await to.records("INBOX");
    const { issues } = await copy();
    expect(issues).toMatchObject([{ mailbox: "INBOX", code: "refused" }]);
    expect(issues[0]?.message).toMatch(/: UID 1 \(\\Flagged set\), UID 4, UID 5;.*--mirror/);
    expect(await to.records("INBOX")).toEqual(before);
    expect(await to.messages("Other")).toEqual({ 1: "new" });
  });

  test("the list names nothing that FROM did, and TO's flags as they were set there", async () => {
    await copy();
    await from.set("INBOX", 1, "\\Seen");
    await from.deliver("INBOX", "4", "5");
    await from.expunge("INBOX", 3);
    await to.set("INBOX", 1, "\\Flagged");
    await to.expunge("INBOX", 2);
    const { issues } = await copy();
    expect(issues[0]?.message).toMatch(/lacks: UID 1 \(\\Flagged set\), UID 2 \(expunged\);/);
  });

  test("where TO only went further ahead in its counters, it gets what is new at FROM", async () => {
    await copy();
    await to.deliver("INBOX", "4 at TO");
    await to.expunge("INBOX", 4);
    await to.set("INBOX", 1, "\\Seen");
    await to.clear("INBOX", 1, "\\Seen");
    await from.set("INBOX", 2, "\\Flagged");
    const { highestModseq } = await to.state("INBOX");
    expect((await copy()).issues).toEqual([]);
    expect(await to.flags("INBOX")).toEqual(await from.flags("INBOX"));
    expect((await to.record("INBOX", 2))?.modseq).toBeGreaterThan(highestModseq);
    expect(await copy()).toMatchObject({ issues: [], recordsSent: 0, flagsMerged: 0 });
  });

  test("a message of FROM's under a UID that TO used up is refused, and said to be that", async () => {
    await copy();
    await to.deliver("INBOX", "4 at TO");
    await to.expunge("INBOX", 4);
    await from.deliver("INBOX", "4 at FROM");
    const { issues } = await copy();
    expect(issues[0]?.message).toMatch(/lacks: UID 4 \(used up, another message at FROM\);/);
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
  });

  test("a mailbox that TO deleted is refused, be it empty or not", async () => {
    await from.create("Empty");
    await copy();
    await to.delete("INBOX");
    await to.delete("Empty");
    const { issues } = await copy();
    expect(issues.map(({ mailbox, code }) => `${mailbox} ${code}`).sort()).toEqual(["Empty refused", "INBOX refused"]);
    expect(issues[0]?.message).toContain("TO deleted mailbox");
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
  });

  test("a mailbox with mail that only TO has is refused by name and left alone", async () => {
    await copy();
    await to.create("Own");
    await to.deliver("Own", "mail");
    const { issues } = await copy();
    expect(issues).toMatchObject([{ mailbox: "Own", code: "refused" }]);
    expect(await to.messages("Own")).toEqual({ 1: "mail" });
  });

  test("a mailbox that TO renamed is refused and keeps its name", async () => {
    await copy();
    await to.rename("INBOX", "Renamed at TO");
    const { issues } = await copy();
    expect(issues).toMatchObject([{ mailbox: "Renamed at TO", code: "refused" }]);
    expect(await to.names()).toEqual(["Renamed at TO"]);
  });

  test("mirror: mail and flags of TO's own go, as tombstones that clients are told of", async () => {
    await copy();
    await to.deliver("INBOX", "4 at TO");
    await to.set("INBOX", 1, "\\Flagged");
    const { highestModseq } = await to.state("INBOX");
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
    const grave = await to.record("INBOX", 4);
    expect(grave).toMatchObject({ expunged: true });
    expect(grave?.modseq).toBeGreaterThan(highestModseq);
    expect(await mirror()).toMatchObject({ issues: [], recordsSent: 0 });
  });

  test("mirror: one UID used on both sides is FROM's message at TO", async () => {
    await copy();
    await from.deliver("INBOX", "4 at FROM");
    await to.deliver("INBOX", "4 at TO", "5 at TO");
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
    expect(await to.messages("INBOX")).toEqual({ 1: "1", 2: "2", 3: "3", 4: "4 at FROM" });
  });

  test("mirror: mail that TO expunged is there again", async () => {
    await copy();
    await to.expunge("INBOX", 1, 3);
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
  });

  test("mirror: a mailbox of TO's own is deleted, one that TO deleted or renamed is as at FROM", async () => {
    await from.create("Deleted at TO");
    await from.deliver("Deleted at TO", "kept at FROM");
    await copy();
    await to.create("Own");
    await to.deliver("Own", "mail");
    await to.delete("Deleted at TO");
    await to.rename("INBOX", "Renamed at TO");
    expect((await mirror()).issues).toEqual([]);
    await expectSameMail();
    expect(await mirror()).toMatchObject({ issues: [], recordsSent: 0 });
  });

  test("mirror: a mailbox made on both sides under one name is as at FROM", async () => {
    await to.create("INBOX");
    await to.deliver("INBOX", "TO's own", "2");
    await mirror();
    await expectSameMail();
    expect(await to.id("INBOX")).toBe(await from.id("INBOX"));
  });

  describe.each([
    ["older", 50],
    ["newer", 200],
  ])("an INBOX made on both sides, TO's %s", (_, uidValidity) => {
    beforeEach(async () => {
      await to.create("INBOX", { uidValidity });
      await to.deliver("INBOX", "own 1", "2", "own 3", "own 4");
      await to.set("INBOX", 2, "\\Flagged");
    });

    test("is refused with TO's own mail under TO's UIDs", async () => {
      const before = await to.records("INBOX");
      const { issues } = await copy();
      expect(issues[0]?.message).toMatch(/lacks: UID 1, UID 2 \(\\Flagged set\), UID 3, UID 4;.*--mirror/);
      expect(await to.records("INBOX")).toEqual(before);
    });

    test("is as at FROM after a mirror, and follows it, by either way", async () => {
      expect((await mirror()).issues).toEqual([]);
      await expectSameMail();
      expect(await to.id("INBOX")).toBe(await from.id("INBOX"));
      expect(await mirror()).toMatchObject({ issues: [], recordsSent: 0 });
      expect(await copy()).toMatchObject({ issues: [], recordsSent: 0 });
      const { uidValidity: shown } = await to.state("INBOX");
      expect(shown).toBe(Math.max(100, uidValidity + 1));
      await from.deliver("INBOX", "4");
      await from.expunge("INBOX", 1);
      expect((await copy()).issues).toEqual([]);
      expect(await to.messages("INBOX")).toEqual(await from.messages("INBOX"));
      await from.set("INBOX", 2, "\\Seen");
      expect((await mirror()).issues).toEqual([]);
      await expectSameMail();
      expect((await to.state("INBOX")).uidValidity).toBe(shown);
    });

    test("is one with FROM's for a two-way exchange after a mirror", async () => {
      await mirror();
      await world.converge();
      expect(Object.values(await from.messages("INBOX"))).toEqual(["1", "2", "3"]);
    });
  });

  test("an INBOX made at TO that was never used takes FROM's mail, whatever its uidValidity", async () => {
    await to.create("INBOX", { uidValidity: 200 });
    expect((await copy()).issues).toEqual([]);
    await expectSameMail();
    expect(await copy()).toMatchObject({ issues: [], recordsSent: 0 });
  });

  test("an expunge at FROM takes no message of a numbering that TO made itself", async () => {
    await to.create("INBOX", { uidValidity: 200 });
    await to.deliver("INBOX", "1", "2", "3");
    await from.expunge("INBOX", 2);
    expect((await copy()).issues[0]?.message).toMatch(/lacks: UID 2;/);
  });

  test("after a mirror a two-way exchange finds both sides in agreement", async () => {
    await copy();
    await to.deliver("INBOX", "4 at TO");
    await mirror();
    await world.sync();
    const [id, texts] = [await from.id("INBOX"), Object.values(await from.messages("INBOX"))];
    expect(texts).toEqual(["1", "2", "3"]);
    expect(await recordsOf(to.store, "default", id)).toEqual(await recordsOf(from.store, "default", id));
  });
});
