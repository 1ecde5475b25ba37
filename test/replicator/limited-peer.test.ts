/** What a peer that is limited to some accounts can learn of the others through the channel this node has to it. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { batchOf } from "../../src/model/decode-batch.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import type { ReplicatorEvent } from "../../src/replicator/events.ts";
import { Replicator } from "../../src/replicator/replicator.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, syncStores } from "../../src/sync/session.ts";
import { createPair } from "../../src/transport/pair.ts";
import { change, newRecord } from "../sync/support/lies.ts";
import { ACCOUNT, type Node } from "../sync/support/node.ts";
import { HELLO } from "../sync/support/speaker.ts";
import { EMBEDDED } from "../sync/support/stores.ts";
import { World } from "../sync/support/world.ts";

const HIDDEN = "boss@example.org";
const SECRET = "what only the boss may read";
const access = { accounts: [ACCOUNT], readOnly: false };

let world: World;
let a: Node;
let b: Node;
/** The hash of the secret message: all that the peer knows of it. */
let guid: string;
let replicator: Replicator;
let told: (isIt: (event: ReplicatorEvent) => boolean) => Promise<void>;

beforeEach(async () => {
  world = await World.open(EMBEDDED);
  ({ a, b } = world);
  await a.create("INBOX");
  await a.deliver("INBOX", "for all");
  await a.create("INBOX", { account: HIDDEN, mailboxId: "hidden" });
  await a.deliverAll("INBOX", [SECRET], [], undefined, HIDDEN);
  guid = (await a.live("INBOX", HIDDEN))[0]?.guid as string;
  await syncStores(a.store, b.store, { ...DEFAULT_SYNC_OPTIONS, account: ACCOUNT });
  const events: ReplicatorEvent[] = [];
  let wake = () => {};
  replicator = new Replicator({
    store: a.store,
    node: "a",
    surveyMs: 3_600_000,
    replica: { random: randomBytes, admit: (node) => ({ node, secret: null, certificate: null, access }) },
    peers: [{ name: "b", access, connect: async () => lineToB() }],
    onEvent: (event) => {
      events.push(event);
      wake();
    },
  });
  told = async (isIt) => {
    while (!events.some(isIt))
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
});
afterEach(async () => {
  await replicator.stop(1000);
  await world.close();
});

function lineToB() {
  const [master, replica] = createPair();
  void serveReplica(b.store, replica, { node: "b" }).catch(() => undefined);
  return master;
}

/** The peer connects to this node, says what it wants, and then asks for the secret message. */
class Peer {
  readonly #line: ReturnType<typeof lineToB>;
  readonly #served: Promise<void>;

  constructor() {
    const [master, replica] = createPair();
    this.#line = master;
    this.#served = replicator.serve(replica);
  }

  async greet(): Promise<void> {
    expect((await this.#hear()).t).toBe("challenge");
    expect((await this.ask({ ...HELLO, epoch: b.store.storeEpoch, node: "b" } as Message)).t).toBe("hello");
  }

  async ask(message: Message): Promise<Message> {
    await this.#line.send(encodeFrame(message));
    return this.#hear();
  }

  async fetch(): Promise<string[]> {
    const texts: string[] = [];
    let heard = await this.ask({ t: "fetch", q: 99, guids: [guid] });
    for (; heard.t !== "fetched"; heard = await this.#hear())
      if (heard.t === "bodies") texts.push(Buffer.from(heard.data).toString());
    return texts;
  }

  async end(): Promise<void> {
    await this.#line.end();
    await this.#served;
  }

  async #hear(): Promise<Message> {
    return decodeFrame((await this.#line.receive()) as Uint8Array);
  }
}

test("a message of another account, named in a mailbox of its own, has to come from the peer itself", async () => {
  await b.store.stage([Buffer.from("x".repeat(SECRET.length))], [guid]);
  const { mailboxId, before, after, batches } = await change(b, {
    records: [await newRecord(b, { guid, size: SECRET.length })],
  });
  const records = batches.map(batchOf);
  expect(await b.store.apply({ account: ACCOUNT, mailboxId, before, after, records })).toBe("applied");
  await replicator.start();
  await told(({ event, mailboxId: of }) => event.startsWith("exchange-") && of === mailboxId);
  expect(await a.live("INBOX")).toHaveLength(1);
  const peer = new Peer();
  await peer.greet();
  expect(await peer.fetch()).toEqual([]);
  await peer.end();
});

test("nor is it taken from a mailbox that the peer leaves to this node", async () => {
  await replicator.start();
  await told(({ event }) => event === "survey-done");
  const peer = new Peer();
  await peer.greet();
  const lie = await change(a, { records: [await newRecord(a, { guid, size: SECRET.length })] });
  const { mailboxId, before, after, batches } = lie;
  const [first] = (await a.live("INBOX")) as [LiveRecord];
  const flagged = { ...first, modseq: before.highestModseq + 1, systemFlags: 1 };
  expect((await peer.ask(await change(a, { q: 2, commit: true, records: [flagged] }))).t).toBe("applied");
  const entryModseq = (await a.mailbox("INBOX")).entry.modseq;
  const item = { account: ACCOUNT, mailboxId, before, after, entryModseq, base: null, yields: true, batches };
  const left = await peer.ask({ t: "changes", q: 3, items: [item], sizes: [], data: new Uint8Array() });
  expect(left).toMatchObject({ t: "changed", results: [{ kind: "conflict" }] });
  expect(await a.live("INBOX")).toHaveLength(1);
  expect(await peer.fetch()).toEqual([]);
  await peer.end();
});
