/** Channels between nodes in one process, on both stores: what changes on one node comes to the others, once. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MAX_RECENT_BYTES } from "../../protocol/limits.ts";
import { TandemError } from "../../src/model/errors.ts";
import { appendMessages, createMailbox } from "../../src/operations/index.ts";
import { GREETING_MS } from "../../src/replicator/channel.ts";
import { SYSTEM } from "../../src/replicator/environment.ts";
import type { EventName } from "../../src/replicator/events.ts";
import type { ChangeLog } from "../../src/store/change-log.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { decorated, STORE_KINDS, unreadable } from "../sync/support/stores.ts";
import { Cluster, type MemberOptions } from "./support/cluster.ts";

function signal() {
  let resolve = () => {};
  const promise = new Promise<void>((wake) => {
    resolve = wake;
  });
  return { promise, resolve };
}

/** A store that lets the next saving of cursors, and the next settling of its log, wait. */
function heldBack(store: MailboxStore, isHeld: () => boolean, wait: () => Promise<void>): MailboxStore {
  const onceHeld = <A extends unknown[]>(call: (...args: A) => Promise<void>) => {
    let isOver = false;
    return async (...args: A) => {
      if (isHeld() && !isOver) {
        isOver = true;
        await wait();
      }
      await call(...args);
    };
  };
  const settle = onceHeld((...args: Parameters<ChangeLog["settle"]>) => store.log.settle(...args));
  const saveCursors = onceHeld((...args: Parameters<MailboxStore["saveCursors"]>) => store.saveCursors(...args));
  return decorated(store, { saveCursors, log: decorated(store.log, { settle }) });
}

describe.each(STORE_KINDS)("channels on the $kind store", (kind) => {
  async function withCluster(
    names: readonly string[],
    story: (cluster: Cluster) => Promise<void>,
    options?: MemberOptions,
  ): Promise<void> {
    const cluster = await Cluster.open(kind, names, options);
    try {
      await story(cluster);
    } finally {
      await cluster.close();
    }
  }

  it("brings what was there before, and every change after it, to the other node", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a").node, cluster.member("b").node];
      await a.create();
      await a.deliver("INBOX", "one", "two");
      cluster.start();
      await cluster.quiet();
      expect(await b.messages("INBOX")).toEqual({ 1: "one", 2: "two" });
      await b.deliver("INBOX", "three");
      await a.set("INBOX", 1, "\\Seen");
      await b.create("Sent");
      await cluster.quiet();
      expect(await a.messages("INBOX")).toEqual({ 1: "one", 2: "two", 3: "three" });
      expect(await b.flags("INBOX")).toEqual({ 1: ["\\Seen"], 2: [], 3: [] });
      await b.rename("Sent", "Gone out");
      await a.expunge("INBOX", 2);
      await cluster.quiet();
      expect(await a.names()).toEqual(["Gone out", "INBOX"]);
      await cluster.expectIdentical();
    }));

  it("scenario 51: in a chain a change reaches the far end, and nothing bounces", () =>
    withCluster(["a", "b", "c"], async (cluster) => {
      const [a, b, c] = [cluster.member("a"), cluster.member("b"), cluster.member("c")];
      a.start({ peers: ["b"] });
      b.start({ peers: ["a", "c"] });
      c.start({ peers: ["b"] });
      await a.node.create();
      await a.node.deliver("INBOX", "from a");
      await cluster.quiet();
      await c.node.deliver("INBOX", "from c");
      await cluster.quiet();
      expect(await a.node.messages("INBOX")).toEqual({ 1: "from a", 2: "from c" });
      await cluster.expectIdentical();
      const before = cluster.members.map(({ traffic }) => traffic.frames);
      await a.node.set("INBOX", 2, "\\Flagged");
      await cluster.quiet();
      const frames = cluster.members.map(({ traffic }, i) => traffic.frames - (before[i] as number));
      expect(await c.node.flags("INBOX")).toEqual({ 1: [], 2: ["\\Flagged"] });
      // One change frame from A to B and one from B to C, and nothing from C: no channel sends back what came over it.
      expect(frames).toEqual([1, 1, 0]);
    }));

  it("in a mesh of three, all divergent, all converge and fall silent", () =>
    withCluster(["a", "b", "c"], async (cluster) => {
      for (const { node, name } of cluster.members) {
        await node.create("INBOX", { uidValidity: 100, mailboxId: "box" });
        await node.deliver("INBOX", `only ${name}`, "on all");
        await node.create(`made by ${name}`);
      }
      cluster.start();
      await cluster.quiet();
      await cluster.expectIdentical();
      expect(Object.values(await cluster.member("a").node.messages("INBOX")).sort()).toEqual([
        "on all",
        "only a",
        "only b",
        "only c",
      ]);
      const before = cluster.members.map(({ traffic }) => traffic.frames);
      await cluster.quiet();
      expect(cluster.members.map(({ traffic }) => traffic.frames)).toEqual(before);
    }));

  it("scenario 50: a peer that is down costs one entry a mailbox, and no other peer waits", () =>
    withCluster(["a", "b", "c"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await a.node.create();
      await a.store.log.addChannel("c");
      a.start({ peers: ["b", "c"] });
      b.start({ peers: ["a"] });
      await a.node.deliver("INBOX", "0");
      for (let i = 1; i < 20; i++) {
        await a.node.deliver("INBOX", String(i));
        await cluster.until(async () => (await b.store.mailboxNamed("default", "INBOX"))?.state.uidNext === i + 2);
      }
      const places = (await a.store.log.due("c", Number.MAX_SAFE_INTEGER, 100)).map(({ mailboxId }) => mailboxId);
      expect(places.filter((id) => id !== "").length).toBe(1);
      cluster.member("c").start({ peers: [] });
      await cluster.quiet();
      await cluster.expectIdentical();
    }));

  it("P9, scenario 21: what both nodes are sent at once is brought together, each message once, and nothing waits", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a").node, cluster.member("b").node];
      const names = Array.from({ length: 40 }, (_, i) => `box ${i}`);
      for (const name of names) await a.create(name);
      cluster.start();
      await cluster.quiet();
      await Promise.all(
        names.flatMap((name) => [a.deliver(name, `from a in ${name}`), b.deliver(name, `from b in ${name}`)]),
      );
      await cluster.quiet();
      await cluster.expectIdentical();
      for (const name of names)
        expect(Object.values(await b.messages(name)).sort()).toEqual([`from a in ${name}`, `from b in ${name}`]);
      for (const { store } of cluster.members)
        for (const { name } of await store.log.channels()) expect(await store.log.nextDue(name, 0)).toBeNull();
    }));

  it("messages that only one of two nodes has cross once, though both have a channel to the other", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      for (const name of ["INBOX", "Sent"]) {
        await a.node.create(name);
        await a.node.deliverAll(
          name,
          Array.from({ length: 100 }, (_, i) => `${name} ${i} ${"x".repeat(20_000)}`),
        );
      }
      let staged = 0;
      const stage = (...args: Parameters<MailboxStore["stage"]>) => {
        staged += args[0].length;
        return b.store.stage(...args);
      };
      a.start();
      b.start({ wrap: (store) => decorated(store, { stage }) });
      await cluster.quiet();
      await cluster.expectIdentical();
      expect(staged).toBe(200);
    }));

  it("what a survey tells of while a push of the mailbox is under way is done after it", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      for (const name of ["INBOX", "other"]) await a.node.create(name);
      await a.node.deliver("INBOX", "one");
      let isHeld = false;
      const reached = signal();
      const released = signal();
      const wait = async () => {
        reached.resolve();
        await released.promise;
      };
      const wrap = (store: MailboxStore) => heldBack(store, () => isHeld, wait);
      let ahead = 0;
      b.start({ peers: [] });
      a.start({ wrap, environment: { ...SYSTEM, now: () => SYSTEM.now() + ahead } });
      await cluster.quiet();
      isHeld = true;
      await a.node.set("INBOX", 1, "\\Seen");
      await reached.promise;
      await b.node.deliver("INBOX", "from b, which has no channel");
      const surveys = () => a.events.filter(({ event }) => event === "survey-done").length;
      const before = surveys();
      ahead = 3_600_000;
      await a.node.deliver("other", "rings");
      await cluster.until(() => surveys() > before);
      released.resolve();
      await cluster.until(async () => Object.keys(await a.node.messages("INBOX")).length === 2);
    }));

  it("a connection that began with more new messages than the peer could tell of is made anew once all is brought over", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await a.node.create();
      await a.node.deliver("INBOX", ...Array.from({ length: MAX_RECENT_BYTES / 4 + 1 }, (_, i) => `message ${i}`));
      let ahead = 0;
      a.start();
      b.start({ environment: { ...SYSTEM, now: () => SYSTEM.now() + ahead } });
      await cluster.quiet();
      const told = (event: EventName) => b.events.filter((one) => one.event === event).length;
      expect(told("peer-connected")).toBe(1);
      ahead = GREETING_MS;
      await b.node.set("INBOX", 1, "\\Seen");
      await cluster.until(() => told("survey-done") === 2);
      await cluster.quiet();
      expect(told("peer-connected")).toBe(2);
      await cluster.expectIdentical();
      expect(told("peer-disconnected")).toBe(0);
      // What the peer knows of is few now, and a new message goes out with its record.
      const before = b.traffic.frames;
      await b.node.deliver("INBOX", "one more");
      await cluster.quiet();
      expect(b.traffic.frames - before).toBe(1);
    }));

  it("scenario 56: one broken mailbox waits with its reason, all others are done", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      for (const name of ["one", "broken", "two"]) {
        await a.node.create(name);
        await a.node.deliver(name, `in ${name}`);
      }
      const brokenId = await a.node.id("broken");
      let isBroken = true;
      const wrap: MemberOptions["wrap"] = (store) =>
        decorated(store, {
          apply: async (change) => {
            if (isBroken && change.mailboxId === brokenId) throw new TandemError("io", "The disk failed.");
            return store.apply(change);
          },
        });
      b.start({ wrap });
      a.start();
      await cluster.until(async () => {
        const [first] = await a.store.log.backlog("b");
        return first?.waiting === 1 && first.failing === 1;
      });
      expect(await b.node.messages("one")).toEqual({ 1: "in one" });
      expect(await b.node.messages("two")).toEqual({ 1: "in two" });
      const [backlog] = await a.store.log.backlog("b");
      expect(backlog?.failed).toMatchObject({
        mailboxId: brokenId,
        error: { code: "io", message: "The disk failed." },
      });
      expect(backlog?.failed?.nextTry).toBeGreaterThan(backlog?.failed?.since ?? 0);
      await a.node.deliver("one", "another");
      await cluster.until(async () => (await b.node.state("one")).uidNext === 3);
      isBroken = false;
      await cluster.quiet();
      expect(await b.node.messages("broken")).toEqual({ 1: "in broken" });
    }));

  it("scenario 22: a mailbox with an unreadable message says so, also on the node that leaves mailboxes to the other", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await b.node.create();
      await b.node.deliver("INBOX", "bad", "good");
      const bad = createHash("sha256").update("bad").digest("hex");
      b.start({ wrap: (store) => unreadable(store, (guid) => guid === bad) });
      a.start();
      const reasons: string[] = [];
      await cluster.until(async () => {
        const [backlog] = await b.store.log.backlog("a");
        if (backlog?.failed?.error) reasons.push(backlog.failed.error.code);
        const [entry] = await b.store.log.due("a", Number.MAX_SAFE_INTEGER, 1);
        return (entry?.failures ?? 0) >= 2;
      });
      // Before that both may have begun the same exchange.
      expect(new Set(reasons.slice(reasons.indexOf("body-unreadable")))).toEqual(new Set(["body-unreadable"]));
      expect(Object.values(await a.node.messages("INBOX"))).toEqual(["good"]);
    }));

  it("scenario 54: a node without space is told of as such at every attempt, and gets all once it has space", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await a.node.create();
      await a.node.create("Copies");
      let isFull = false;
      const wrap: MemberOptions["wrap"] = (store) =>
        decorated(store, {
          stage: async (bodies, guids) => {
            if (isFull) throw new TandemError("io", "The disk is full.");
            return store.stage(bodies, guids);
          },
        });
      b.start({ peers: [], wrap });
      a.start();
      await cluster.quiet();
      isFull = true;
      const mails = Array.from({ length: 12 }, (_, i) => String(i % 10).repeat(80_000 + i));
      await a.node.deliverAll("INBOX", mails);
      await a.node.deliverAll("Copies", mails);
      const reasons: string[] = [];
      await cluster.until(async () => {
        const entries = await a.store.log.due("b", Number.MAX_SAFE_INTEGER, 9);
        reasons.push(...entries.flatMap(({ error }) => error?.code ?? []));
        return entries.length === 2 && entries.every(({ failures }) => failures >= 2);
      });
      expect(new Set(reasons)).toEqual(new Set(["io"]));
      isFull = false;
      await cluster.quiet();
      for (const name of ["INBOX", "Copies"]) expect(Object.keys(await b.node.messages(name)).length).toBe(12);
      await cluster.expectIdentical();
    }));

  it("scenario 10: 20,000 new messages in one mailbox do not hold up another's single one", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await a.node.create("large");
      await a.node.create("small");
      const [largeId, smallId] = [await a.node.id("large"), await a.node.id("small")];
      b.start({ peers: [] });
      a.start();
      await cluster.quiet();
      cluster.cut("a", "b");
      for (let i = 0; i < 20; i++)
        await a.node.deliverAll(
          "large",
          Array.from({ length: 1000 }, (_, j) => `mail ${i} ${j}`),
        );
      await a.node.deliver("small", "one");
      a.events.length = 0;
      cluster.mend("a", "b");
      const done = () => a.events.filter(({ event, records = 0 }) => event === "exchange-done" && records > 0);
      await cluster.until(() => done().length === 2);
      // The large one was begun first, and the small one overtook it.
      expect(done().map(({ mailboxId }) => mailboxId)).toEqual([smallId, largeId]);
      expect(Object.keys(await b.node.messages("large")).length).toBe(20_000);
      await cluster.expectIdentical();
    }));

  it("scenario 38: a node whose store is new is filled again, and nothing is deleted at the other", () =>
    withCluster(["a", "b"], async (cluster) => {
      const a = cluster.member("a");
      await a.node.create();
      await a.node.deliver("INBOX", "one", "two");
      cluster.start();
      await cluster.quiet();
      await cluster.member("b").stop();
      const b = await cluster.add(kind, "b");
      b.start();
      a.events.length = 0;
      await cluster.until(async () => (await b.store.mailboxNamed("default", "INBOX"))?.state.uidNext === 3);
      expect(await b.node.messages("INBOX")).toEqual({ 1: "one", 2: "two" });
      expect(await a.node.messages("INBOX")).toEqual({ 1: "one", 2: "two" });
    }));

  it("a read-only peer gets everything and changes nothing here", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      await a.node.create();
      await a.node.deliver("INBOX", "one");
      b.start({ peers: [] });
      a.start({ peer: { access: { accounts: null, readOnly: true } } });
      await cluster.quiet();
      expect(await b.node.messages("INBOX")).toEqual({ 1: "one" });
      await b.node.deliver("INBOX", "its own");
      await a.node.deliver("INBOX", "two");
      await cluster.until(async () => (await a.store.log.backlog("b")).some(({ failing }) => failing > 0));
      expect((await a.store.log.backlog("b"))[0]?.failed?.error?.code).toBe("refused");
      expect(await a.node.messages("INBOX")).toEqual({ 1: "one", 2: "two" });
    }));

  it("an account that a channel does not handle stays here", () =>
    withCluster(["a", "b"], async (cluster) => {
      const [a, b] = [cluster.member("a"), cluster.member("b")];
      b.start({ peers: [] });
      a.start({ peer: { access: { accounts: ["pub*"], readOnly: false } } });
      for (const account of ["private", "public"]) {
        await createMailbox(a.store, account, "INBOX");
        await appendMessages(a.store, account, "INBOX", [{ bytes: Buffer.from("x"), flags: [], internalDate: 0 }]);
      }
      await cluster.quiet();
      expect(await b.store.accounts()).toEqual(["public"]);
    }));
});
