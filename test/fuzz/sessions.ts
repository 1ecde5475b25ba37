/**
 * Fuzzing sessions: a master that says anything in any order to a replica, and a replica that answers a master with anything
 * (P12). Either may end the connection; the store stays valid, and others are served.
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import type { Message } from "../../protocol/messages/index.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, syncOver, syncStores } from "../../src/sync/session.ts";
import { createPair } from "../../src/transport/pair.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { generator } from "../merge/model/random.ts";
import { allSamples } from "../protocol/samples.ts";
import { contentsOf, faultOf } from "../simulation/contents.ts";
import { ACCOUNT, Node } from "../sync/support/node.ts";
import { HELLO } from "../sync/support/speaker.ts";
import { type Below, mutatedFields, pickOf } from "./mutate.ts";

const SAMPLES = allSamples().map(({ message }) => message);
const SAID = 12;
/** Turns of the event loop after which a master that sends nothing waits. */
const QUIET_TURNS = 20;
const EPOCHS = { mine: "ab".repeat(16), other: "cd".repeat(16) };

/** A node with a mailbox that the hostile one knows the name and id of. */
async function filledStore(storeEpoch: string): Promise<MailboxStore> {
  const store = new MemoryStore({ storeEpoch });
  const node = new Node("m", store);
  await node.create("INBOX");
  await node.deliver("INBOX", "one", "two", "three");
  await node.set("INBOX", 2, "\\Seen");
  await node.expunge("INBOX", 1);
  return store;
}

/** One session of each kind for every seed. @throws Error that names the seed. */
export async function fuzzSessions(first: number, count: number): Promise<number> {
  const replica = await filledStore(EPOCHS.mine);
  const before = JSON.stringify(await contentsOf(replica, ACCOUNT));
  for (let seed = first; seed < first + count; seed++) {
    const below = generator(seed);
    try {
      const wasChanged = await hostileMaster(replica, below);
      const after = JSON.stringify(await contentsOf(replica, ACCOUNT));
      if (after !== before && !wasChanged) throw new Error("the store was changed without an answer that says so");
      await hostileReplica(below);
      if (seed % 50 === 0) await expectServed(replica);
    } catch (error) {
      throw new Error(`The session of seed ${seed} does not end in order: ${String(error)}`, { cause: error });
    }
  }
  return 2 * count;
}

/** Says things to a replica; true if it answered that it applied something. */
async function hostileMaster(store: MailboxStore, below: Below): Promise<boolean> {
  const [master, end] = createPair();
  const served = serveReplica(store, end, { node: "replica" }).catch((error: unknown) => error);
  const heard = listen(master);
  await sayAll(master, [
    ...(below(20) === 0 ? [] : [Buffer.from(encodeFrame(HELLO))]),
    ...Array.from({ length: below(SAID) }, () => frameFrom(below)),
  ]);
  await (below(4) === 0 ? master.destroy() : master.end());
  const outcome = await served;
  if (outcome !== undefined && !isTandemError(outcome)) throw outcome;
  return (await heard).some((t) => t === "applied");
}

async function sayAll(connection: FrameConnection, frames: readonly Uint8Array[]): Promise<void> {
  // A replica that ended the connection listens no more.
  for (const frame of frames) await connection.send(frame).catch(() => undefined);
}

/** The types of all messages that come, until there are no more. */
async function listen(connection: FrameConnection): Promise<string[]> {
  const types: string[] = [];
  try {
    for (let frame = await connection.receive(); frame !== null; frame = await connection.receive())
      types.push(decodeFrame(frame).t);
  } catch (error) {
    if (!isTandemError(error)) throw error;
  }
  return types;
}

/** A message of any type for the mailbox there is, valid or with a field wrong; the same request numbers come up again. */
function frameFrom(below: Below): Buffer {
  const message = aimed(below, pickOf(below, SAMPLES));
  return below(3) === 0 ? mutatedFields(below, message) : Buffer.from(encodeFrame(message));
}

function aimed(below: Below, message: Message): Message {
  const given: Record<string, unknown> = { ...message };
  if ("q" in given) given["q"] = 1 + below(4);
  if (typeof given["account"] === "string") given["account"] = ACCOUNT;
  if (typeof given["mailboxId"] === "string") given["mailboxId"] = "m1";
  return given as Message;
}

/** Answers each message of a master with anything. */
async function hostileReplica(below: Below): Promise<void> {
  const store = await filledStore(EPOCHS.other);
  const [master, replica] = createPair();
  const answering = answer(replica, below);
  const synced = syncOver(store, master, DEFAULT_SYNC_OPTIONS).catch((error: unknown) => error);
  const outcome = await synced;
  await answering;
  if (outcome instanceof Error && !isTandemError(outcome)) throw outcome;
  const fault = await faultOf(store, await contentsOf(store, ACCOUNT));
  if (fault !== "") throw new Error(`the master's store is damaged: ${fault}`);
}

async function answer(connection: FrameConnection, below: Below): Promise<void> {
  let left = SAID;
  try {
    await connection.send(encodeFrame({ t: "challenge", v: PROTOCOL_VERSION, nonce: new Uint8Array(32) } as Message));
    for (let frame = await asked(connection); frame !== null; frame = await asked(connection)) {
      const message = decodeFrame(frame);
      if (left-- === 0) break;
      for (let times = below(3); times > 0; times--) await connection.send(answerTo(message, below));
    }
    await connection.end();
  } catch (error) {
    if (!isTandemError(error)) throw error;
  } finally {
    connection.destroy();
  }
}

/** The next frame, or null if the master ended or waits for an answer that does not come: its heartbeat would end it. */
async function asked(connection: FrameConnection): Promise<Uint8Array | null> {
  const silence = (async () => {
    for (let turn = 0; turn < QUIET_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    return null;
  })();
  const frame = connection.receive();
  frame.catch(() => undefined);
  return Promise.race([frame, silence]);
}

/** The greeting in order, as a rule; then anything, as a rule under the number that was asked with. */
function answerTo(message: Message, below: Below): Uint8Array {
  if (message.t === "hello" && below(10) > 0) return encodeFrame(HELLO);
  const given: Record<string, unknown> = { ...pickOf(below, SAMPLES) };
  if ("q" in given && "q" in message && below(10) > 0) given["q"] = message.q;
  return below(3) === 0 ? mutatedFields(below, given) : encodeFrame(given as Message);
}

/** Somebody honest is served as if nothing had happened. */
async function expectServed(store: MailboxStore): Promise<void> {
  const { issues } = await syncStores(await filledStore("ef".repeat(16)), store, {
    ...DEFAULT_SYNC_OPTIONS,
    dryRun: true,
  });
  if (issues.length > 0) throw new Error(`an honest master is not served: ${JSON.stringify(issues)}`);
}
