/** Peers that may see some accounts only, or only read: on both stores, and against peers that try for more. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Message, MessageOf } from "../../protocol/messages/index.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import { isVisible, limitedStore } from "../../src/sync/access.ts";
import { type ReplicaOptions, serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver, syncStores } from "../../src/sync/session.ts";
import { type Access, FULL_ACCESS } from "../../src/sync/trust.ts";
import { createPair } from "../../src/transport/pair.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { type Dump, dumpOf, expectIdentical, expectSound } from "./support/checks.ts";
import { change, newRecord } from "./support/lies.ts";
import type { Node } from "./support/node.ts";
import { HELLO, Speaker } from "./support/speaker.ts";
import { STORE_KINDS } from "./support/stores.ts";
import { World } from "./support/world.ts";

const HIDDEN = "boss@example.org";
/** The account that all helpers use is visible. */
const LIMITED: Access = { accounts: ["default", "team-*"], readOnly: false };
const READ_ONLY: Access = { accounts: null, readOnly: true };
const SECRET_MAIL = "what only the boss may read";

function granting(access: Access): ReplicaOptions {
  const admit = (node: string) => ({ node, secret: null, certificate: null, access });
  return { node: "replica", random: randomBytes, admit };
}

test.each<[string, string, boolean]>([
  ["ann", "ann", true],
  ["ann", "anna", false],
  ["ann", "Ann", false],
  ["*", "", true],
  ["*", "anything", true],
  ["team-*", "team-", true],
  ["team-*", "team", false],
  ["*@example.org", "ann@example.org", true],
  ["*@example.org", "ann@example.org.evil", false],
  ["a*b*c", "abc", true],
  ["a*b*c", "aXbYc", true],
  ["a*b*c", "acb", false],
  ["a*a", "a", false],
  ["a*aa*a", "aaa", false],
  ["a.c", "abc", false],
  ["", "", true],
])("pattern %j and account %j: %s", (pattern, account, visible) => {
  expect(isVisible({ accounts: ["no-match", pattern], readOnly: false }, account)).toBe(visible);
});

test("no pattern matches nothing, and null everything", () => {
  expect(isVisible({ accounts: [], readOnly: false }, "ann")).toBe(false);
  expect(isVisible(FULL_ACCESS, "ann")).toBe(true);
});

describe.each(STORE_KINDS)("on the $kind store", (kind) => {
  let world: World;
  let a: Node;
  let b: Node;
  let secretGuid: string;

  beforeEach(async () => {
    world = await World.open(kind);
    a = world.a;
    b = world.b;
    await b.create("INBOX");
    await b.deliver("INBOX", "1 for all", "2 for all");
    await b.create("INBOX", { account: HIDDEN, mailboxId: "hiddenbox" });
    await b.deliverAll("INBOX", [SECRET_MAIL], [], undefined, HIDDEN);
    secretGuid = (await b.live("INBOX", HIDDEN))[0]?.guid as string;
  });
  afterEach(() => world.close());

  /** One exchange of A as master with B, which grants this access; and every byte B sent. */
  async function sync(access: Access): Promise<{ result: SyncResult; heard: Buffer }> {
    const [master, replica] = createPair();
    const frames: Uint8Array[] = [];
    const served = serveReplica(b.store, overhearing(replica, frames), granting(access));
    const result = await syncOver(a.store, master, DEFAULT_SYNC_OPTIONS);
    await served;
    return { result, heard: Buffer.concat(frames) };
  }

  function expectNothingOfHidden(heard: Buffer): void {
    const told = [
      HIDDEN,
      "hiddenbox",
      SECRET_MAIL,
      Buffer.from(secretGuid, "hex"),
      Buffer.from(secretGuid.slice(0, 8), "hex"),
    ];
    expect(told.filter((one) => heard.includes(one))).toEqual([]);
  }

  const contents = (dump: Dump, account: string) => dump.accounts.find((one) => one.account === account);

  describe("a peer limited to accounts", () => {
    test("gets and gives those, and hears nothing of others", async () => {
      await a.create("INBOX");
      await a.deliver("INBOX", "3 from A");
      await a.set("INBOX", 1, "\\Seen");
      for (let i = 0; i < 2; i++) {
        const { result, heard } = await sync(LIMITED);
        expect(result.issues).toEqual([]);
        expectNothingOfHidden(heard);
      }
      expect(await a.store.accounts()).toEqual(["default"]);
      const [left, right] = [await dumpOf(a.store), await dumpOf(b.store)];
      expect(contents(left, "default")).toEqual(contents(right, "default"));
      expect(Object.values(await b.messages("INBOX")).sort()).toEqual(["1 for all", "2 for all", "3 from A"]);
      await expectSound(b.store);
    });

    test("changes flags and copies without sending a message that is there for it", async () => {
      await sync(LIMITED);
      await a.set("INBOX", 1, "\\Seen");
      await a.create("Copies");
      await a.copy("INBOX", 2, "Copies");
      const { result, heard } = await sync(LIMITED);
      expect(result).toMatchObject({ issues: [], bodiesSent: 0 });
      expectNothingOfHidden(heard);
      expect(await b.messages("Copies")).toEqual({ 1: "2 for all" });
    });

    test("may not write an account it does not see, whether or not it is there", async () => {
      await a.create("INBOX", { account: HIDDEN });
      await a.create("INBOX", { account: "nobody@example.org" });
      const before = contents(await dumpOf(b.store), HIDDEN);
      const { result, heard } = await sync(LIMITED);
      const codes = result.issues.map(({ account, code }) => [account, code]);
      expect(codes.sort()).toEqual([
        [HIDDEN, "denied"],
        ["nobody@example.org", "denied"],
      ]);
      const texts = result.issues.map(({ account, message }) => message.replaceAll(account, "X"));
      expect(new Set(texts).size).toBe(1);
      expect(heard.includes(SECRET_MAIL)).toBe(false);
      expect(contents(await dumpOf(b.store), HIDDEN)).toEqual(before);
      expect(await b.store.accounts()).toEqual([HIDDEN, "default"]);
    });

    test("an account is visible from the connection on whose access names it", async () => {
      await sync(LIMITED);
      await sync({ ...LIMITED, accounts: ["*"] });
      await expectIdentical(a.store, b.store);
    });

    test("every way to ask for a hidden account answers as for one that is not there", async () => {
      const store = limitedStore(b.store, LIMITED);
      const asked = async (account: string) => ({
        accounts: (await store.accounts()).includes(account),
        tree: await store.tree(account),
        mailbox: await store.mailbox(account, "hiddenbox"),
        named: await store.mailboxNamed(account, "INBOX"),
        snapshot: await said(store.snapshot(account, "hiddenbox")),
        tree2: await said(store.applyTree({ account, before: 0, after: 1, puts: [] })),
      });
      const hidden = JSON.stringify(await asked(HIDDEN)).replaceAll(HIDDEN, "X");
      expect(hidden).toBe(JSON.stringify(await asked("nobody")).replaceAll("nobody", "X"));
      const state = (await b.mailbox("INBOX", HIDDEN)).state;
      const cursor = { latest: { ...state, entryModseq: 1 }, agreed: null };
      await store.saveCursors("d".repeat(32), [{ account: HIDDEN, mailboxId: "hiddenbox", cursor }]);
      expect(await b.store.cursors("d".repeat(32))).toEqual([]);
      await b.store.saveCursors("d".repeat(32), [{ account: HIDDEN, mailboxId: "hiddenbox", cursor }]);
      expect([await store.cursors("d".repeat(32)), await store.peers()]).toEqual([[], []]);
    });
  });

  describe("a peer limited to accounts that knows the hash of a hidden message", () => {
    /** Speaks as one, past the greeting. */
    async function limited(access = LIMITED): Promise<Speaker> {
      const speaker = new Speaker(b.store, granting(access));
      await speaker.say(HELLO);
      expect((await speaker.hear()).t).toBe("challenge");
      const hello = (await speaker.hear()) as MessageOf<"hello">;
      expect(Buffer.from(hello.recent).includes(Buffer.from(secretGuid.slice(0, 8), "hex"))).toBe(false);
      return speaker;
    }

    const naming = (over: Partial<LiveRecord> = {}) =>
      newRecord(b, { guid: secretGuid, size: SECRET_MAIL.length, ...over });

    test("cannot fetch it", async () => {
      const own = (await b.live("INBOX"))[0]?.guid as string;
      const speaker = await limited();
      await speaker.say({ t: "fetch", q: 1, guids: [secretGuid, "0".repeat(64), own] });
      expect(await speaker.hear()).toMatchObject({ t: "bodies", sizes: [9] });
      expect(await speaker.hear()).toEqual({ t: "fetched", q: 1, missing: [0, 1] });
      await speaker.expectServed();
    });

    test("is told that it lacks, as of a hash that nobody has", async () => {
      const speaker = await limited();
      const heard: Message[] = [];
      for (const [q, guid] of [secretGuid, "0".repeat(64)].entries()) {
        await speaker.say(await change(b, { q: q + 1, records: [await naming({ guid })] }));
        heard.push({ ...(await speaker.hear()), q: 1 } as Message);
      }
      expect(heard[0]).toMatchObject({ t: "need" });
      expect(heard[0]).toEqual(heard[1]);
      await speaker.expectServed();
    });

    test("cannot take it into an account of its own", async () => {
      const before = await dumpOf(b.store);
      const speaker = await limited();
      await speaker.say(await change(b, { records: [await naming()] }), { t: "commit", q: 1 });
      await speaker.expectFailure(1, "body-missing");
      expect(await dumpOf(b.store)).toEqual(before);
    });

    test("has it once it sent the bytes", async () => {
      const speaker = await limited();
      const bytes = Buffer.from(SECRET_MAIL);
      await speaker.say(
        await change(b, { records: [await naming()] }),
        { t: "bodies", q: 1, sizes: [bytes.length], data: bytes },
        { t: "commit", q: 1 },
      );
      expect([(await speaker.hear()).t, (await speaker.hear()).t]).toEqual(["need", "applied"]);
      await speaker.say({ t: "fetch", q: 2, guids: [secretGuid] });
      expect((await speaker.hear()).t).toBe("bodies");
      expect((await speaker.hear()).t).toBe("fetched");
      await speaker.expectServed();
    });

    test("may count on it once it is delivered to a visible account", async () => {
      const speaker = await limited();
      await speaker.say({ t: "fetch", q: 1, guids: [secretGuid] });
      expect(await speaker.hear()).toMatchObject({ t: "fetched", missing: [0] });
      await b.deliver("INBOX", SECRET_MAIL);
      await speaker.say({ t: "fetch", q: 2, guids: [secretGuid] });
      expect((await speaker.hear()).t).toBe("bodies");
      expect((await speaker.hear()).t).toBe("fetched");
      await speaker.expectServed();
    });

    test("cannot pull, audit or change a hidden mailbox by its id", async () => {
      const speaker = await limited();
      await speaker.say({ t: "pull", q: 1, account: HIDDEN, mailboxId: "hiddenbox", sinceModseq: null });
      expect(await speaker.hear()).toMatchObject({ t: "failed", code: "not-found" });
      await speaker.say({ t: "audit", q: 2, account: HIDDEN, mailboxId: "hiddenbox" });
      expect(await speaker.hear()).toMatchObject({ t: "failed", code: "not-found" });
      const state = (await b.mailbox("INBOX", HIDDEN)).state;
      const lie = { ...(await change(b)), q: 3, account: HIDDEN, mailboxId: "hiddenbox", before: state, after: state };
      await speaker.say(lie);
      expect(await speaker.hear()).toMatchObject({ t: "failed", q: 3, code: "denied" });
      await speaker.say({
        t: "survey",
        list: null,
        q: 4,
        account: HIDDEN,
        mailboxId: null,
        base: new Uint8Array(16),
        complete: true,
      });
      expect(await speaker.hear()).toMatchObject({ trees: [{ account: HIDDEN, modseq: 0 }], mailboxes: [] });
      const latest = { ...state, entryModseq: 1 };
      await speaker.say({
        t: "agree",
        q: 5,
        survey: null,
        rows: [{ account: HIDDEN, mailboxId: "hiddenbox", latest }],
      });
      expect(await speaker.hear()).toEqual({ t: "agreed", q: 5, saved: 0 });
      await speaker.expectServed();
    });
  });

  describe("a peer that only reads", () => {
    test("gets everything, and its next exchange is quiet", async () => {
      expect((await sync(READ_ONLY)).result.issues).toEqual([]);
      await expectIdentical(a.store, b.store);
      expect((await sync(READ_ONLY)).result).toMatchObject({ issues: [], recordsReceived: 0, roundTrips: 1 });
    });

    test("writes nothing: no record, no mailbox, no message, whatever it brings", async () => {
      await sync(READ_ONLY);
      const before = (await dumpOf(b.store)).accounts;
      await a.deliver("INBOX", "from A");
      await a.set("INBOX", 1, "\\Seen");
      await a.create("Made at A");
      const { result } = await sync(READ_ONLY);
      expect(new Set(result.issues.map(({ code }) => code))).toEqual(new Set(["denied"]));
      expect((await dumpOf(b.store)).accounts).toEqual(before);
      expect(await b.store.unnamedBodies()).toEqual([]);
      await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
      await expectIdentical(a.store, b.store);
    });

    test("bodies out of turn are dropped, and it is served on", async () => {
      const speaker = new Speaker(b.store, granting(READ_ONLY));
      await speaker.say(HELLO);
      await speaker.say({ t: "bodies", q: 9, sizes: [5], data: Buffer.from("spare") });
      await speaker.expectServed();
      expect(await b.store.unnamedBodies()).toEqual([]);
    });

    test("the store refuses every write itself", async () => {
      const store = limitedStore(b.store, READ_ONLY);
      const { state, entry } = await b.mailbox("INBOX");
      const same = { account: "default", mailboxId: entry.mailboxId, before: state, after: state, records: [] };
      const writes = [
        store.apply(same),
        store.applyTree({ account: "default", before: 1, after: 2, puts: [] }),
        store.stage([Buffer.from("x")]),
        store.stageLarge(),
        store.openSpool(),
        store.compact(),
      ];
      for (const write of writes) expect(await said(write)).toMatch(/^denied/);
    });
  });
});

/** Code and text of what a promise fails with. */
function said(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
  );
}

/** The connection, with a copy of everything that is sent on it. */
function overhearing(inner: FrameConnection, frames: Uint8Array[]): FrameConnection {
  return {
    send: (frame) => {
      frames.push(frame);
      return inner.send(frame);
    },
    receive: () => inner.receive(),
    end: () => inner.end(),
    destroy: () => inner.destroy(),
    proven: () => inner.proven(),
    stats: inner.stats,
    peerAddress: inner.peerAddress,
    peerNames: inner.peerNames,
  };
}
