/**
 * Masters and replicas that are not who they say, and those that try it with what they overheard (scenario 58): refused
 * with a code, and nothing is disclosed.
 */
import { randomBytes } from "node:crypto";
import { encode } from "msgpack-lite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import type { Message, MessageOf } from "../../protocol/messages/index.ts";
import { type ReplicaOptions, serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, openRemote, syncOver } from "../../src/sync/session.ts";
import { type Credential, FULL_ACCESS, prove, type TrustedPeer } from "../../src/sync/trust.ts";
import { createPair } from "../../src/transport/pair.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { allSamples } from "../protocol/samples.ts";
import { expectIdentical } from "./support/checks.ts";
import { HELLO, inOtherVersion, Speaker } from "./support/speaker.ts";
import { MEMORY } from "./support/stores.ts";
import { World } from "./support/world.ts";

const SECRET = Buffer.from("a secret that both nodes share");
const OTHER = Buffer.from("a secret that another node has");
const EPOCH = "e".repeat(32);
const NOBODY = new Uint8Array(0);

const MX1: TrustedPeer = { node: "mx1", secret: SECRET, certificate: null, access: FULL_ACCESS };

/** A replica "mx2" that trusts these peers. */
function trusting(...peers: TrustedPeer[]): ReplicaOptions {
  return { node: "mx2", random: randomBytes, admit: (node) => peers.find((peer) => peer.node === node) ?? null };
}

let world: World;
beforeEach(async () => {
  world = await World.open(MEMORY);
  await world.a.create();
  await world.a.deliver("INBOX", "at A");
  await world.b.create("INBOX", { account: "hidden@example.org" });
});
afterEach(() => world.close());

type Hello = MessageOf<"hello">;

interface Claimed {
  readonly secret?: Uint8Array;
  readonly role?: "master" | "replica";
  readonly node?: string;
  readonly peer?: string;
  readonly epoch?: string;
  readonly nonce?: Uint8Array;
  /** What the greeting says where it differs from what is proven. */
  readonly said?: Partial<Hello>;
}

/** A master's greeting, proven as told. */
function greeting(challenge: Uint8Array, claimed: Claimed = {}): Hello {
  const { secret = SECRET, role = "master", node = "mx1", peer = "", epoch = EPOCH, said = {} } = claimed;
  const nonce = claimed.nonce ?? randomBytes(32);
  const proof = prove(secret, { role, challenge, nonce, epoch, node, peer });
  return { ...(HELLO as Hello), epoch, node, nonce, proof, ...said };
}

/** A stranger at the replica's door: what it says, and every frame it gets. */
async function knock(
  answer: (challenge: Uint8Array) => Uint8Array,
  options: ReplicaOptions,
  onFailed: (error: unknown) => void = () => undefined,
): Promise<Uint8Array[]> {
  const [master, replica] = createPair();
  const served = serveReplica(world.b.store, replica, options).catch(onFailed);
  const first = (await master.receive()) as Uint8Array;
  await master.send(answer((decodeFrame(first) as MessageOf<"challenge">).nonce));
  await master.end();
  const frames = [first];
  for (let frame = await master.receive(); frame !== null; frame = await master.receive()) frames.push(frame);
  await served;
  return frames;
}

async function knockWith(
  claimed: Claimed,
  options = trusting(MX1),
  onFailed?: (error: unknown) => void,
): Promise<Uint8Array[]> {
  return knock((challenge) => encodeFrame(greeting(challenge, claimed)), options, onFailed);
}

/** A challenge and an error of this code were all the stranger got, and neither tells of the node. */
function expectOnlyRefused(frames: readonly Uint8Array[], code: string): string {
  const [challenge, error, ...rest] = frames.map(decodeFrame);
  expect(rest).toEqual([]);
  expect(challenge).toEqual({ t: "challenge", v: 3, nonce: expect.any(Uint8Array) });
  expect(error).toMatchObject({ t: "error", code });
  const bytes = Buffer.concat(frames);
  for (const told of [Buffer.from(world.b.store.storeEpoch, "hex"), "mx2", "hidden", "example.org"])
    expect(bytes.includes(told)).toBe(false);
  return (error as MessageOf<"error">).message;
}

describe("a master with the secret", () => {
  test.each<[string, Credential]>([
    ["that expects any node", { secret: SECRET, peer: null }],
    ["that expects this one", { secret: SECRET, peer: "mx2" }],
  ])("%s is let in, and both become identical", async (_, credential) => {
    const [master, replica] = createPair();
    const served = serveReplica(world.b.store, replica, trusting(MX1));
    await syncOver(world.a.store, master, DEFAULT_SYNC_OPTIONS, "mx1", { credential, random: randomBytes });
    await served;
    await expectIdentical(world.a.store, world.b.store);
  });

  test("gets the replica's proof with its name and epoch", async () => {
    const frames = await knockWith({ nonce: Buffer.alloc(32, 5) });
    const [challenge, hello] = frames.map(decodeFrame) as [MessageOf<"challenge">, Hello];
    const due = { challenge: challenge.nonce, nonce: Buffer.alloc(32, 5), node: "mx2", peer: "mx1" };
    const proof = prove(SECRET, { role: "replica", epoch: world.b.store.storeEpoch, ...due });
    expect(Buffer.from(hello.proof)).toEqual(Buffer.from(proof));
    expect(hello).toMatchObject({ node: "mx2", epoch: world.b.store.storeEpoch });
  });
});

describe("a master that is not let in", () => {
  test("scenario 58: is told the same whatever the reason, and nothing else", async () => {
    const strangers: Claimed[] = [
      { node: "mx9" },
      { node: "mx9", secret: new Uint8Array(32) },
      { secret: OTHER },
      { role: "replica" },
      { peer: "mx3" },
      { peer: "mx1" },
      { said: { epoch: "f".repeat(32) } },
      { said: { nonce: randomBytes(32) } },
      { said: { proof: NOBODY } },
      { said: { proof: new Uint8Array(32) } },
      { node: "mx9", said: { node: "mx1" } },
      { node: "mx1", said: { node: "mx9" } },
    ];
    const texts = [];
    for (const claimed of strangers) texts.push(expectOnlyRefused(await knockWith(claimed), "denied"));
    expect(new Set(texts).size).toBe(1);
  });

  test.each<[string, Claimed, TrustedPeer, string]>([
    ["name", { node: "mx9\n" }, MX1, '"mx9\\n", which is none of this node\'s peers'],
    ["secret", { secret: OTHER }, MX1, '"mx1", but did not prove the secret that is kept for it here'],
    [
      "certificate",
      {},
      { ...MX1, certificate: "mx1.example.org" },
      '"mx1", but showed no verified client certificate with the name "mx1.example.org"; it showed none',
    ],
  ])("is named in this node's own error, with its %s that did not hold", async (_, claimed, peer, words) => {
    let own: unknown;
    const frames = await knockWith(claimed, trusting(peer), (error) => {
      own = error;
    });
    expect(own).toMatchObject({ code: "denied", message: `A peer was not let in: it claims to be ${words}.` });
    expect(expectOnlyRefused(frames, "denied")).not.toMatch(/mx1|mx9|none of/);
  });

  test("a greeting that was overheard is worth nothing on the next connection", async () => {
    let overheard: Uint8Array = NOBODY;
    const first = await knock((challenge) => {
      overheard = encodeFrame(greeting(challenge));
      return overheard;
    }, trusting(MX1));
    expect(first.map((frame) => decodeFrame(frame).t)).toEqual(["challenge", "hello"]);
    expectOnlyRefused(await knock(() => overheard, trusting(MX1)), "denied");
  });

  test("the replica's own proof, or its own greeting as a master, is worth nothing at its door", async () => {
    const reflected = await knock((challenge) => {
      const claimed = greeting(challenge, {
        role: "replica",
        node: "mx2",
        peer: "mx1",
        epoch: world.b.store.storeEpoch,
      });
      return encodeFrame({ ...claimed, node: "mx1" });
    }, trusting(MX1));
    expectOnlyRefused(reflected, "denied");
    const [fake, victim] = createPair();
    const connecting = openRemote(world.b.store, victim, "mx2", {
      credential: { secret: SECRET, peer: null },
      random: randomBytes,
    }).catch((error: unknown) => error);
    const frames = await knock((challenge) => {
      void fake.send(encodeFrame({ t: "challenge", v: 3, nonce: challenge }));
      return encodeFrame({ ...greeting(challenge), proof: new Uint8Array(32) });
    }, trusting(MX1));
    const own = decodeFrame((await fake.receive()) as Uint8Array) as Hello;
    expectOnlyRefused(frames, "denied");
    expectOnlyRefused(await knock(() => encodeFrame({ ...own, node: "mx1" }), trusting(MX1)), "denied");
    fake.destroy();
    await connecting;
  });

  test.each([
    ["shorter", 31, "bad-frame"],
    ["longer", 33, "limit"],
    ["a single byte", 1, "bad-frame"],
  ])("a proof that is %s is refused as a frame, whoever it is said to be of", async (_, length, code) => {
    for (const node of ["mx1", "mx9"]) {
      const { t, v, nonce } = greeting(randomBytes(32));
      const fields = { epoch: Buffer.from(EPOCH, "hex"), node, nonce: Buffer.from(nonce), proof: Buffer.alloc(length) };
      expectOnlyRefused(await knock(() => encode({ t, v, ...fields }), trusting(MX1)), code);
    }
  });

  test("anything else before the greeting is refused, and another version", async () => {
    const others = allSamples().filter(({ message }) => message.t !== "hello" && message.t !== "error");
    for (const { message } of others)
      expectOnlyRefused(await knock(() => encodeFrame(message), trusting(MX1)), "bad-message");
    expectOnlyRefused(await knock(() => inOtherVersion(HELLO), trusting(MX1)), "version");
    expectOnlyRefused(await knock(() => Buffer.from("rubbish"), trusting(MX1)), "bad-frame");
    const error: Message = { t: "error", code: "io", message: "an error of the stranger's" };
    expectOnlyRefused(await knock(() => encodeFrame(error), trusting(MX1)), "internal");
  });

  test("what goes wrong while its credential is looked up is not told", async () => {
    const admit = () => {
      throw new Error("/etc/tandem/mx2 hidden example.org");
    };
    expectOnlyRefused(await knockWith({}, { ...trusting(), admit }), "internal");
  });

  test("credentials are looked up at each connection anew", async () => {
    const peers = [MX1];
    const options: ReplicaOptions = {
      ...trusting(),
      admit: (node) => peers.find((peer) => peer.node === node) ?? null,
    };
    expect(decodeFrame((await knockWith({}, options))[1] as Uint8Array).t).toBe("hello");
    peers[0] = { ...MX1, secret: OTHER };
    expectOnlyRefused(await knockWith({}, options), "denied");
    expect(decodeFrame((await knockWith({ secret: OTHER }, options))[1] as Uint8Array).t).toBe("hello");
    peers.length = 0;
    expectOnlyRefused(await knockWith({ secret: OTHER }, options), "denied");
  });
});

describe("the order of the greeting", () => {
  test("a second greeting is refused, from a peer that was let in too", async () => {
    const frames = await knock((challenge) => encodeFrame(greeting(challenge)), trusting(MX1));
    expect(frames).toHaveLength(2);
    const speaker = new Speaker(world.b.store, trusting(MX1));
    const { nonce } = (await speaker.hear()) as MessageOf<"challenge">;
    const hello = greeting(nonce);
    await speaker.say(hello, hello);
    expect((await speaker.hear()).t).toBe("hello");
    await speaker.expectRefusal("bad-message");
  });

  test("a greeting said before the challenge was read is only good where nothing has to be proven", async () => {
    const open = new Speaker(world.b.store);
    await open.say(HELLO);
    expect([(await open.hear()).t, (await open.hear()).t]).toEqual(["challenge", "hello"]);
    await open.expectServed();
    const closed = new Speaker(world.b.store, trusting(MX1));
    await closed.say(greeting(new Uint8Array(32)));
    await closed.expectRefusal("denied");
  });

  test("a challenge of the master's is refused", async () => {
    const speaker = new Speaker(world.b.store);
    await speaker.say({ t: "challenge", v: 3, nonce: new Uint8Array(32) });
    await speaker.expectRefusal("bad-message");
  });
});

describe("certificates", () => {
  const BOTH: TrustedPeer = { ...MX1, certificate: "Mail1.example.org" };
  const ONLY: TrustedPeer = { ...BOTH, secret: null };
  const NEITHER: TrustedPeer = { ...ONLY, certificate: null };

  /** What a master hears that shows a certificate with these names. */
  async function showing(names: readonly string[], peer: TrustedPeer, secret: Uint8Array): Promise<string> {
    const [master, replica] = createPair();
    const shown = Object.assign(Object.create(replica), { peerNames: names }) as FrameConnection;
    const bound = { send: replica.send.bind(replica), receive: replica.receive.bind(replica) };
    const ends = { end: replica.end.bind(replica), destroy: replica.destroy.bind(replica), proven: () => {} };
    const served = serveReplica(world.b.store, Object.assign(shown, bound, ends), trusting(peer)).catch(
      () => undefined,
    );
    const { nonce } = decodeFrame((await master.receive()) as Uint8Array) as MessageOf<"challenge">;
    await master.send(encodeFrame(greeting(nonce, { secret })));
    const answer = decodeFrame((await master.receive()) as Uint8Array);
    await master.end();
    await served;
    return answer.t === "error" ? answer.code : answer.t;
  }

  test.each<[string, readonly string[], TrustedPeer, Uint8Array, string]>([
    ["both needed, both there", ["x", "mail1.example.org"], BOTH, SECRET, "hello"],
    ["both needed, the certificate is of another name", ["mail2.example.org"], BOTH, SECRET, "denied"],
    ["both needed, no certificate", [], BOTH, SECRET, "denied"],
    ["both needed, the secret is wrong", ["mail1.example.org"], BOTH, OTHER, "denied"],
    ["only a certificate needed", ["mail1.example.org"], ONLY, OTHER, "hello"],
    ["only a certificate needed, none there", [], ONLY, SECRET, "denied"],
    ["an empty name is no name", [""], ONLY, SECRET, "denied"],
    ["neither needed", [], NEITHER, OTHER, "hello"],
  ])("%s", async (_, names, peer, secret, heard) => {
    expect(await showing(names, peer, secret)).toBe(heard);
  });
});

describe("a replica that the master does not trust", () => {
  /** A master with the secret meets a replica that answers as `play` says; what the master said, and how it ended. */
  async function meet(
    play: (replica: FrameConnection, hear: () => Promise<Hello>) => Promise<void>,
    credential: Credential = { secret: SECRET, peer: null },
  ): Promise<{ code: unknown; said: string[] }> {
    const [master, replica] = createPair();
    const said: string[] = [];
    const opened = openRemote(world.a.store, master, "mx1", { credential, random: randomBytes });
    const ended = opened.then(
      (remote) => remote.close().then(() => "trusted"),
      (error: { code: string }) => error.code,
    );
    await play(replica, async () => {
      const hello = decodeFrame((await replica.receive()) as Uint8Array) as Hello;
      said.push(hello.t);
      return hello;
    }).catch(() => undefined);
    await replica.end();
    for (let frame = await next(replica); frame !== null; frame = await next(replica)) said.push(decodeFrame(frame).t);
    return { code: await ended, said };
  }

  const next = (connection: FrameConnection) => connection.receive().catch(() => null);
  const CHALLENGE = { t: "challenge", v: 3, nonce: new Uint8Array(32).fill(1) } as const;

  function answered(said: Hello, claimed: Claimed = {}): Hello {
    const { secret = SECRET, role = "replica", node = "mx2", peer = "mx1", epoch = EPOCH } = claimed;
    const { nonce = said.nonce, said: over = {} } = claimed;
    const proof = prove(secret, { role, challenge: CHALLENGE.nonce, nonce, epoch, node, peer });
    return { ...(HELLO as Hello), epoch, node, nonce: CHALLENGE.nonce, proof, ...over };
  }

  const answering = (claimed: Claimed) => async (replica: FrameConnection, hear: () => Promise<Hello>) => {
    await replica.send(encodeFrame(CHALLENGE));
    await replica.send(encodeFrame(answered(await hear(), claimed)));
  };

  test("but one with the secret is trusted", async () => {
    expect(await meet(answering({}))).toEqual({ code: "trusted", said: ["hello"] });
    expect((await meet(answering({}), { secret: SECRET, peer: "mx2" })).code).toBe("trusted");
    expect((await meet(answering({ secret: OTHER }), { secret: null, peer: "mx2" })).code).toBe("trusted");
  });

  test.each<[string, Claimed]>([
    ["no proof", { said: { proof: NOBODY } }],
    ["a proof with another secret", { secret: OTHER }],
    ["a proof of an earlier connection", { nonce: randomBytes(32) }],
    ["a master's proof", { role: "master" }],
    ["a proof for another master", { peer: "mx3" }],
    ["a proof of another node", { node: "mx3", said: { node: "mx2" } }],
    ["a proof for another store", { said: { epoch: "d".repeat(32) } }],
  ])("%s is denied, and the master says no more", async (_, claimed) => {
    expect(await meet(answering(claimed))).toEqual({ code: "denied", said: ["hello"] });
  });

  test("the master's own proof sent back is denied", async () => {
    const mirror = async (replica: FrameConnection, hear: () => Promise<Hello>) => {
      await replica.send(encodeFrame(CHALLENGE));
      await replica.send(encodeFrame({ ...(await hear()), nonce: CHALLENGE.nonce }));
    };
    expect(await meet(mirror)).toEqual({ code: "denied", said: ["hello"] });
  });

  test("another node than the one expected is denied, with and without a secret", async () => {
    for (const secret of [SECRET, null])
      expect(await meet(answering({ node: "mx3" }), { secret, peer: "mx2" })).toEqual({
        code: "denied",
        said: ["hello"],
      });
  });

  test.each<[string, readonly (Message | Uint8Array)[], string, number]>([
    ["no challenge", [HELLO], "bad-message", 0],
    ["a challenge twice", [CHALLENGE, CHALLENGE], "bad-message", 1],
    ["a challenge of another version", [inOtherVersion(CHALLENGE)], "version", 0],
    ["a nonce that is not the challenge's", [CHALLENGE, HELLO], "bad-message", 1],
    ["a question", [CHALLENGE, { t: "commit", q: 1 }], "bad-message", 1],
    ["an error", [CHALLENGE, { t: "error", code: "denied", message: "no" }], "denied", 1],
    ["nothing at all", [], "disconnected", 0],
    ["rubbish", [Buffer.from("rubbish")], "bad-frame", 0],
  ])("%s ends it", async (_, frames, code, hellos) => {
    const play = async (replica: FrameConnection) => {
      for (const frame of frames) await replica.send(frame instanceof Uint8Array ? frame : encodeFrame(frame));
    };
    expect(await meet(play)).toEqual({ code, said: Array(hellos).fill("hello") });
  });
});

describe("what a side needs for a proof", () => {
  test("a random source", async () => {
    const [master, replica] = createPair();
    const credential = { secret: SECRET, peer: null };
    await expect(openRemote(world.a.store, master, "mx1", { credential })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    const served = serveReplica(world.b.store, replica, { node: "mx2", admit: () => MX1 });
    await expect(served).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("a secret that is not too short to be one", async () => {
    const short = Buffer.from("fifteen letters");
    expect(() => greeting(new Uint8Array(32), { secret: short })).toThrow(/at least 16 bytes/);
    expectOnlyRefused(await knockWith({}, trusting({ ...MX1, secret: short })), "internal");
    expectOnlyRefused(await knockWith({}, trusting({ ...MX1, secret: NOBODY })), "internal");
  });
});
