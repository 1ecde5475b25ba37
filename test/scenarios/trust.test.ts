/** Scenarios 58 and 59: strangers at the door of a listening node, and peers that close their half of the line. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { encodeFrame } from "../../protocol/frame.ts";
import { type ReplicaOptions, serveReplica } from "../../src/sync/replica.ts";
import { DEFAULT_SYNC_OPTIONS, syncOver } from "../../src/sync/session.ts";
import { type Credential, FULL_ACCESS } from "../../src/sync/trust.ts";
import type { ListenTls } from "../../src/transport/tls.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { connectWebSocket } from "../../src/transport/websocket.ts";
import { dumpOf, expectIdentical } from "../sync/support/checks.ts";
import { HELLO } from "../sync/support/speaker.ts";
import { STORE_KINDS } from "../sync/support/stores.ts";
import { World } from "../sync/support/world.ts";
import { pem, SERVER } from "../transport/certificates.ts";
import { collectBytes, listen, masked, rawClient, rawTlsClient } from "../transport/listening.ts";

const SECRET = randomBytes(32);
const LINES: readonly (readonly [string, ListenTls | undefined])[] = [
  ["ws", undefined],
  ["wss", SERVER],
];

const TRUSTING: ReplicaOptions = {
  node: "mx2",
  random: randomBytes,
  admit: (node) => (node === "mx1" ? { node, secret: SECRET, certificate: null, access: FULL_ACCESS } : null),
};

describe.each(STORE_KINDS)("on the $kind store", (kind) => {
  let world: World;
  afterEach(() => world.close());

  /** Two nodes with mail, B behind a listener. */
  async function serving(options: ReplicaOptions, tls: ListenTls | undefined) {
    world = await World.open(kind);
    for (const node of [world.a, world.b]) await node.create();
    await world.a.deliver("INBOX", "at A");
    await world.b.deliver("INBOX", "at B");
    const served: Promise<unknown>[] = [];
    const onConnection = (connection: FrameConnection) => {
      served.push(serveReplica(world.b.store, connection, options).catch((error: unknown) => error));
    };
    const { listener, port } = await listen({ onConnection, ...(tls && { tls }) });
    return { address: listener.address, port, served };
  }

  async function sync(address: string, node: string, credential: Credential | null) {
    const connection = await connectWebSocket(address, { tls: { ca: pem("ca") } });
    const trust = credential === null ? {} : { credential, random: randomBytes };
    return syncOver(world.a.store, connection, DEFAULT_SYNC_OPTIONS, node, trust);
  }

  test.each(LINES)(
    "scenario 58: over %s a peer without or with a wrong credential is refused, one with the right one not",
    async (_, tls) => {
      const { address, served } = await serving(TRUSTING, tls);
      const before = [await dumpOf(world.a.store), await dumpOf(world.b.store)];
      const strangers: [string, Credential | null][] = [
        ["mx1", null],
        ["mx9", null],
        ["mx1", { secret: randomBytes(32), peer: null }],
        ["mx9", { secret: SECRET, peer: null }],
        ["mx1", { secret: SECRET, peer: "mx3" }],
      ];
      const said = new Set<string>();
      for (const [node, credential] of strangers) {
        const error = await sync(address, node, credential).catch((failed: Error) => failed);
        expect(error).toMatchObject({ code: "denied" });
        said.add((error as Error).message);
      }
      expect(said.size).toBe(1);
      expect([await dumpOf(world.a.store), await dumpOf(world.b.store)]).toEqual(before);
      expect(await Promise.all(served)).toEqual(strangers.map(() => expect.objectContaining({ code: "denied" })));
      expect((await sync(address, "mx1", { secret: SECRET, peer: "mx2" })).issues).toEqual([]);
      await expectIdentical(world.a.store, world.b.store);
    },
  );

  test.each(LINES)(
    "scenario 59: over %s a peer that half-closes after its last frame still gets its answer",
    async (_, tls) => {
      const { port, served } = await serving({ node: "mx2" }, tls);
      const socket = await (tls === undefined ? rawClient(port) : rawTlsClient(port));
      const answer = collectBytes(socket);
      const survey = {
        t: "survey",
        list: null,
        q: 1,
        account: null,
        mailboxId: null,
        base: new Uint8Array(16),
        complete: true,
      } as const;
      socket.end(Buffer.concat([HELLO, survey].map((message) => masked(encodeFrame(message)))));
      const heard = await answer;
      const order = ["challenge", "hello", "surveyed", "INBOX"].map((word) => heard.indexOf(word));
      expect(order.every((at, i) => at > (order[i - 1] ?? 0))).toBe(true);
      expect(await Promise.all(served)).toEqual([undefined]);
    },
  );
});
