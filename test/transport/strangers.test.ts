/** Connections that have not proven themselves: few, not for long, and small; those that have are left alone. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { MAX_CONNECTIONS, MAX_UNPROVEN, MAX_UNPROVEN_BYTES } from "../../protocol/limits.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { connectWebSocket } from "../../src/transport/websocket.ts";
import { SERVER } from "./certificates.ts";
import { gone, listen, masked, rawClient, rawSocket, rawTlsClient, UPGRADE } from "./listening.ts";

/** Long enough for a handshake on a busy machine. */
const PROOF_MS = 1500;

describe("time", () => {
  it("a peer that connects and says nothing is let go", async () => {
    const { accepted, port } = await listen({ proofMs: PROOF_MS });
    await rawClient(port);
    await expect((await accepted).receive()).rejects.toMatchObject({ code: "timeout", message: /did not prove/ });
  });

  it("a peer that sends frames but proves nothing is let go", async () => {
    const { accepted, port } = await listen({ proofMs: PROOF_MS });
    const socket = await rawClient(port);
    const trickle = setInterval(() => socket.write(masked("x")), 20);
    const connection = await accepted;
    const ended = (async () => {
      while ((await connection.receive()) !== null);
    })();
    await expect(ended).rejects.toMatchObject({ code: "timeout" });
    clearInterval(trickle);
  });

  it.each([
    ["says nothing at all", "", undefined],
    ["sends its HTTP request byte by byte", UPGRADE, undefined],
    ["begins no TLS", "", SERVER],
    ["sends half of its TLS greeting", "\x16\x03\x01\x02\x00\x01", SERVER],
  ])("a TCP peer that %s is let go", async (_, text, tls) => {
    const { port } = await listen({ proofMs: 50, ...(tls && { tls }) });
    const socket = rawSocket(port);
    await once(socket, "connect");
    let at = 0;
    const trickle = setInterval(() => socket.write(text.slice(at, ++at)), 5);
    await gone(socket);
    clearInterval(trickle);
  });

  it("a peer that has proven itself stays", async () => {
    const { listener, accepted } = await listen({ proofMs: PROOF_MS });
    const left = await connectWebSocket(listener.address);
    const right = await accepted;
    right.proven();
    const stranger = rawSocket(Number(new URL(listener.address).port));
    await gone(stranger);
    await left.send(Buffer.from("still there"));
    expect((await right.receive())?.length).toBe(11);
    left.destroy();
  });
});

describe("places", () => {
  it("fewer than all are for strangers", () => {
    expect(MAX_UNPROVEN).toBeLessThan(MAX_CONNECTIONS / 2);
  });

  it.each([
    ["ws", undefined, rawClient],
    ["wss", SERVER, rawTlsClient],
  ])(
    "over %s a stranger too many closes the one that has waited longest, and no proven peer",
    async (_, tls, client) => {
      const connections: FrameConnection[] = [];
      const onConnection = (connection: FrameConnection) => connections.push(connection);
      const { port } = await listen({ maxUnproven: 2, onConnection, ...(tls && { tls }) });
      const proven = await client(port);
      connections[0]?.proven();
      const first = await client(port);
      const second = await client(port);
      const firstEnd = (connections[1] as FrameConnection).receive().catch((error: unknown) => error);
      const third = await client(port);
      expect(await firstEnd).toMatchObject({ code: "limit", message: /made room/ });
      await gone(first);
      for (const [i, socket] of [proven, second, third].entries()) {
        socket.write(masked("alive"));
        expect((await connections[i === 0 ? 0 : i + 1]?.receive())?.length).toBe(5);
      }
    },
  );

  it("a flood of silent strangers does not keep an honest peer out", async () => {
    const { listener, accepted, port } = await listen({ maxUnproven: 4 });
    const flood = Array.from({ length: 12 }, () => rawSocket(port));
    await Promise.all(flood.map((socket) => once(socket, "connect")));
    const honest = await connectWebSocket(listener.address);
    const right = await accepted;
    right.proven();
    await honest.send(Buffer.from("mail"));
    expect((await right.receive())?.length).toBe(4);
    honest.destroy();
  });
});

describe("bytes", () => {
  it("a frame of a stranger is cut off long before it is whole", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    const connection = await accepted;
    // The head of a frame of 1,000,000 bytes, which the library would take.
    socket.write(Buffer.from("82ff00000000000f424000000000", "hex"));
    socket.write(Buffer.alloc(MAX_UNPROVEN_BYTES));
    await expect(connection.receive()).rejects.toMatchObject({ code: "limit", message: /before it had proven/ });
  });

  it("pings count", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    const connection = await accepted;
    socket.resume();
    const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 100, 0, 0, 0, 0]), Buffer.alloc(100)]);
    socket.write(Buffer.concat(Array(Math.ceil(MAX_UNPROVEN_BYTES / 100)).fill(ping)));
    await expect(connection.receive()).rejects.toMatchObject({ code: "limit" });
  });

  it("from the proof on there is no such limit", async () => {
    const { listener, accepted } = await listen();
    const left = await connectWebSocket(listener.address);
    const right = await accepted;
    await left.send(Buffer.alloc(1000));
    await right.receive();
    right.proven();
    right.proven();
    await left.send(Buffer.alloc(1_000_000));
    expect((await right.receive())?.length).toBe(1_000_000);
    left.destroy();
  });
});

describe("frame rate", () => {
  it("also holds for what a side is sent that has ended", async () => {
    const { listener, accepted } = await listen({ framesPerSecond: 1000, now: () => 0 });
    const left = await connectWebSocket(listener.address);
    const right = await accepted;
    right.proven();
    await right.end();
    let arrived = 0;
    const reading = (async () => {
      for (; (await right.receive()) !== null; arrived++);
    })().catch(() => undefined);
    const sending = (async () => {
      for (;;) await left.send(Buffer.alloc(1000));
    })().catch(() => undefined);
    // The clock stands still, so once the burst is used up each pause is longer than the one before.
    await stalled(() => arrived);
    expect(arrived).toBeGreaterThanOrEqual(40_000);
    expect(arrived).toBeLessThan(50_000);
    left.destroy();
    await Promise.all([reading, sending]);
  });

  it("what comes faster waits at the sender, and arrives", async () => {
    let clock = 0;
    const { listener, accepted } = await listen({ framesPerSecond: 100_000, now: () => clock });
    const left = await connectWebSocket(listener.address);
    const right = await accepted;
    right.proven();
    const sending = (async () => {
      for (let i = 0; i < 60_000; i++) await left.send(Buffer.alloc(8, i));
      await left.end();
    })();
    let received = 0;
    // The clock of the bucket stands still until the burst is used up, and then runs on with each frame.
    for (let frame = await right.receive(); frame !== null; frame = await right.receive()) {
      received++;
      if (received > 40_000) clock += 0.02;
    }
    await sending;
    expect(received).toBe(60_000);
    left.destroy();
  });
});

/** Resolves when `count` has not grown over many turns of the event loop. */
async function stalled(count: () => number): Promise<void> {
  let still = 0;
  for (let last = -1; still < 3000 || last < 40_000; ) {
    await new Promise((resolve) => setImmediate(resolve));
    still = count() === last ? still + 1 : 0;
    last = count();
  }
}
