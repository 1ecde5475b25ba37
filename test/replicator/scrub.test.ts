/** The scrub: what the disk has changed is found while the node runs, got back from a peer, and told of where no peer has it. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SYSTEM } from "../../src/replicator/environment.ts";
import type { ReplicatorEvent } from "../../src/replicator/events.ts";
import {
  afterFailure,
  dueFaults,
  MOST_FAULTS,
  NEVER_SCRUBBED,
  type OpenFault,
  parseFaults,
  parseScrub,
  untilDue,
  withFound,
  without,
} from "../../src/replicator/fault-list.ts";
import { Scrub } from "../../src/replicator/scrub.ts";
import { readStoreHealth } from "../../src/replicator/status.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { LocalPeer } from "../../src/sync/local-peer.ts";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { withDirectory } from "../store/checks.ts";
import { changeRows, flipText } from "../store/damage.ts";
import { dumpOf, expectIdentical, expectSound } from "../sync/support/checks.ts";
import { Node } from "../sync/support/node.ts";

const FAST = { bytesPerSecond: 1e9, roundMs: 1e9 };
const LARGE = 300 * 1024;

/** Two stores that are in step: three mailboxes, one message larger than a frame. */
function withPair(body: (a: Node, b: Node, directory: string) => Promise<void>): Promise<void> {
  return withDirectory(async (parent) => {
    const directory = join(parent, "a");
    const stores = [
      await openEmbeddedStore(directory, { create: true }),
      await openEmbeddedStore(join(parent, "b"), { create: true }),
    ] as const;
    const [a, b] = [new Node("a", stores[0]), new Node("b", stores[1])];
    for (const mailbox of ["INBOX", "Work", "Empty"]) await a.create(mailbox);
    await a.deliverAll(
      "INBOX",
      Array.from({ length: 100 }, (_, i) => `message ${i} of many`),
    );
    await a.deliver("Work", "work", "large ".repeat(LARGE / 6), "message 5 of many");
    await syncStores(a.store, b.store, DEFAULT_SYNC_OPTIONS);
    // What was read ahead before it was damaged must not be read again.
    await a.store.close();
    a.store = await openEmbeddedStore(directory);
    await body(a, b, directory);
    for (const { store } of [a, b]) await store.close();
  });
}

/** Runs a scrub until an event comes. */
async function scrubUntil(
  store: MailboxStore,
  giver: MailboxStore | null,
  isLast: (event: ReplicatorEvent, all: readonly ReplicatorEvent[]) => boolean,
  begin: (scrub: Scrub) => void = () => undefined,
): Promise<ReplicatorEvent[]> {
  const events: ReplicatorEvent[] = [];
  const givers = () => (giver === null ? [] : [new LocalPeer(giver, store.storeEpoch)]);
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const onEvent = (event: ReplicatorEvent) => {
    events.push(event);
    if (isLast(event, events)) ended();
  };
  const scrub = new Scrub({ store, environment: SYSTEM, givers, onEvent }, FAST);
  begin(scrub);
  const running = scrub.run();
  await end;
  scrub.stop();
  await running;
  return events;
}

const named = (events: readonly ReplicatorEvent[], name: string) => events.filter(({ event }) => event === name);

describe("a node with a peer", () => {
  test("finds nothing where all is well, and changes nothing", () =>
    withPair(async (a, b) => {
      const before = await dumpOf(a.store);
      const events = await scrubUntil(a.store, b.store, ({ event }) => event === "scrub-done");
      expect(events).toMatchObject([{ event: "scrub-done", messages: 103, faults: 0 }]);
      expect(await dumpOf(a.store)).toEqual(before);
      expect(await readStoreHealth(a.store)).toMatchObject({ faults: [], scrub: { place: null, messages: 103 } });
    }));

  test("scenario 22: gets back messages that are damaged, small and large, without any change to be seen", () =>
    withPair(async (a, b, directory) => {
      const before = await dumpOf(a.store);
      await flipText(directory, "message 5 of many");
      await flipText(directory, "large large ");
      const repaired = (_: ReplicatorEvent, all: readonly ReplicatorEvent[]) =>
        named(all, "fault-repaired").length === 2;
      const events = await scrubUntil(a.store, b.store, repaired);
      expect(named(events, "fault-found")).toHaveLength(2);
      expect(named(events, "fault-found")[0]?.message).toMatch(
        /^The bytes of message [0-9a-f]{64} in mailbox "INBOX" of account "default"/,
      );
      expect(await dumpOf(a.store)).toEqual(before);
      await expectSound(a.store);
      await expectIdentical(a.store, b.store);
      expect((await readStoreHealth(a.store)).faults).toEqual([]);
    }));

  test("gets back records, and corrects sums", () =>
    withPair(async (a, b, directory) => {
      const before = await dumpOf(a.store);
      const zeroed = "UPDATE block SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT min(id) FROM block)";
      changeRows(directory, `${zeroed}; UPDATE mailbox SET crc = crc + 1 WHERE name = 'Work'`);
      const repaired = (_: ReplicatorEvent, all: readonly ReplicatorEvent[]) =>
        named(all, "fault-repaired").length === 2;
      await scrubUntil(a.store, b.store, repaired);
      expect(await dumpOf(a.store)).toEqual(before);
      expect(await a.store.log.lastSeq()).toBe(0);
      await expectIdentical(a.store, b.store);
    }));

  test("looks first into a mailbox whose exchange met damage", () =>
    withPair(async (a, b, directory) => {
      await flipText(directory, "large large ");
      const { entry } = (await a.store.mailboxNamed("default", "Work")) as { entry: { mailboxId: string } };
      const isRepaired = ({ event }: ReplicatorEvent) => event === "fault-repaired";
      const events = await scrubUntil(a.store, b.store, isRepaired, (scrub) =>
        scrub.suspect("default", entry.mailboxId),
      );
      expect(events.map(({ event }) => event)).toEqual(["fault-found", "fault-repaired"]);
    }));
});

describe("scenario 22: what no peer has", () => {
  test("is told of once, waits, and is repaired when a peer comes that has it", () =>
    withPair(async (a, b, directory) => {
      await flipText(directory, "message 5 of many");
      const events = await scrubUntil(a.store, null, ({ event }) => event === "scrub-done");
      expect(named(events, "fault-found")).toHaveLength(1);
      expect(named(events, "fault-stays").length).toBeLessThanOrEqual(1);
      const { faults } = await readStoreHealth(a.store);
      expect(faults).toMatchObject([{ code: "body-unreadable", account: "default" }]);
      const [fault] = faults as [OpenFault];
      const later = await scrubUntil(
        a.store,
        b.store,
        ({ event }) => event === "fault-repaired",
        (scrub) => scrub.suspect("default", fault.mailboxId),
      );
      expect(named(later, "fault-found")).toEqual([]);
      await expectSound(a.store);
      expect((await readStoreHealth(a.store)).faults).toEqual([]);
    }));
});

test("a scrub goes on where it was when the node was ended", () =>
  withPair(async (a) => {
    const slow = { bytesPerSecond: 200, roundMs: 1e9 };
    const places: (string | null)[] = [];
    for (let run = 0; run < 3; run++) {
      let written = () => {};
      const wrote = new Promise<void>((resolve) => {
        written = resolve;
      });
      const store = new Proxy(a.store, {
        get(target, key) {
          if (key === "writeNote")
            return (name: string, value: string) =>
              target
                .writeNote(name, value)
                .then(() => name === "scrub" && value.includes('"uid":') && !value.includes('"uid":0') && written());
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const scrub = new Scrub({ store, environment: SYSTEM, givers: () => [], onEvent: () => undefined }, slow);
      const running = scrub.run();
      await wrote;
      scrub.stop();
      await running;
      places.push(await a.store.note("scrub"));
    }
    const messages = places.map((place) => parseScrub(place).messages);
    expect(messages[0]).toBeGreaterThan(0);
    expect(messages[1]).toBeGreaterThan(messages[0] as number);
    expect(messages[2]).toBeGreaterThan(messages[1] as number);
  }));

describe("the list of faults", () => {
  const fault = (guid: string, over: Partial<OpenFault> = {}): OpenFault => {
    const what = { account: "ann", mailboxId: "box", guid, firstUid: null, lastUid: null, message: guid };
    return { ...what, code: "body-unreadable", since: 1, failures: 0, nextTry: 1, ...over };
  };

  test("holds each fault once, also if a message is in several mailboxes, and no more than it may", () => {
    const list = withFound([fault("1")], [fault("1", { mailboxId: "other" }), fault("2"), fault("2")]);
    expect(list.map(({ guid, mailboxId }) => [guid, mailboxId])).toEqual([
      ["1", "box"],
      ["2", "box"],
    ]);
    const many = Array.from({ length: MOST_FAULTS + 5 }, (_, i) => fault(String(i)));
    expect(withFound([], many)).toHaveLength(MOST_FAULTS);
    expect(without(list, [fault("1")])).toEqual([fault("2")]);
  });

  test("each failure lets a fault wait longer, up to an hour, and others not", () => {
    let list: OpenFault[] = [fault("1"), fault("2")];
    const waits: number[] = [];
    for (let now = 1000, i = 0; i < 14; i++) {
      list = afterFailure(list, [fault("1")], now, () => 1);
      waits.push((list[0] as OpenFault).nextTry - now);
      now = (list[0] as OpenFault).nextTry;
    }
    expect(waits).toEqual([...waits].sort((x, y) => x - y));
    expect([waits[0], waits.at(-1)]).toEqual([5000, 3_600_000]);
    expect(list[1]).toEqual(fault("2"));
  });

  test("what no peer can help with is never due", () => {
    const index = fault("", { guid: null });
    expect(dueFaults([index, fault("1")], 5)).toEqual([fault("1")]);
    expect(untilDue([index], 5)).toBe(Number.POSITIVE_INFINITY);
  });

  test("a note that cannot be read is none", () => {
    for (const note of [null, "", "{", "[1]", '{"place":1}']) {
      expect(parseFaults(note)).toEqual([]);
      expect(parseScrub(note)).toEqual(NEVER_SCRUBBED);
    }
  });
});
