/**
 * The WebSocket transport keeps the transport contract, and says clearly what is wrong with an address or a peer.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, get } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import {
  type ConnectOptions,
  connectWebSocket,
  type ListenOptions,
  listenWebSocket,
} from "../../src/transport/websocket.ts";
import { wireBytes } from "../../src/transport/websocket-connection.ts";
import { type PairUnderTest, transportContract } from "../contract/transport-contract.ts";
import { pem, SERVER } from "./certificates.ts";
import { freePort } from "./free-ports.ts";
import { atEnd, collectBytes, listen, masked, rawClient, tcpServer, UPGRADE } from "./listening.ts";

async function connectedPair(there?: Partial<ListenOptions>, here?: ConnectOptions): Promise<PairUnderTest> {
  const { listener, accepted } = await listen(there);
  const left = await connectWebSocket(listener.address, here);
  const right = await accepted;
  right.proven();
  return { left, right, close: () => listener.close() };
}

async function reversedPair(there?: Partial<ListenOptions>, here?: ConnectOptions): Promise<PairUnderTest> {
  const { left, right, close } = await connectedPair(there, here);
  return { left: right, right: left, close };
}

const OVER_TLS = [{ tls: SERVER }, { tls: { ca: pem("ca") } }] as const;

transportContract("WebSocket, client to server", () => connectedPair());
transportContract("WebSocket, server to client", () => reversedPair());
transportContract("WebSocket over TLS, client to server", () => connectedPair(...OVER_TLS));
transportContract("WebSocket over TLS, server to client", () => reversedPair(...OVER_TLS));

/** A hand-made server that answers the handshake and then says nothing. */
function silentServer(): Promise<number> {
  return tcpServer((socket) => {
    socket.once("data", (request) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(request.toString())?.[1];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
      socket.write(`${head}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    });
  });
}

describe("WebSocket connection", () => {
  it("counts the bytes that really are on the wire", async () => {
    const { listener, accepted, port } = await listen();
    const carried = { up: 0, down: 0 };
    const relay = await tcpServer((socket) => {
      const onward = connectTcp(port, "127.0.0.1");
      socket.on("data", (data) => {
        carried.up += data.length - handshakeBytes(data);
        onward.write(data);
      });
      onward.on("data", (data) => {
        carried.down += data.length - handshakeBytes(data);
        socket.write(data);
      });
    });
    expect(listener.address).toBe(`ws://127.0.0.1:${port}`);
    const left = await connectWebSocket(`ws://127.0.0.1:${relay}`);
    const right = await accepted;
    right.proven();
    atEnd(() => left.destroy());
    for (const size of [1, 125, 126, 65_535, 65_536, 500_000]) {
      await left.send(Buffer.alloc(size));
      await right.receive();
      await right.send(Buffer.alloc(size));
      await left.receive();
    }
    expect(carried).toEqual({ up: left.stats.bytesSent, down: right.stats.bytesSent });
    expect(right.stats.bytesReceived).toBe(carried.up);
  });

  it("knows the size of a WebSocket frame", () => {
    expect([0, 125, 126, 65_535, 65_536].map((length) => wireBytes(length, false) - length)).toEqual([2, 2, 4, 4, 10]);
    expect(wireBytes(36, true)).toBe(42);
  });

  it("scenario 59: a peer that closes its half of the TCP connection still gets its answer", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    socket.end(masked("question"));
    const connection = await accepted;
    expect(Buffer.from((await connection.receive()) as Uint8Array).toString()).toBe("question");
    expect(await connection.receive()).toBeNull();
    const answer = collectBytes(socket);
    await connection.send(Buffer.from("answer"));
    await connection.end();
    expect((await answer).toString("latin1")).toContain("\x82\x06answer");
  });

  it("a peer that closes the WebSocket in order is at its end", async () => {
    const { listener, accepted } = await listen();
    const peer = new WebSocket(listener.address);
    await once(peer, "open");
    peer.send(Buffer.from("last"));
    peer.close(1000);
    const connection = await accepted;
    expect((await connection.receive())?.length).toBe(4);
    expect(await connection.receive()).toBeNull();
    await expect(connection.send(Buffer.alloc(1))).rejects.toMatchObject({ code: "disconnected" });
  });

  it("scenario 57: a text frame is bad-frame, and the peer is told by a close code", async () => {
    const { listener, accepted } = await listen();
    const peer = new WebSocket(listener.address);
    await once(peer, "open");
    peer.send("hello");
    const closed = once(peer, "close");
    await expect((await accepted).receive()).rejects.toMatchObject({ code: "bad-frame" });
    expect((await closed)[0]).toBe(1003);
  });

  it("scenario 57: a frame above the limit is refused before it is taken in", async () => {
    const { listener, accepted } = await listen();
    const peer = new WebSocket(listener.address);
    await once(peer, "open");
    peer.on("error", () => {});
    const connection = await accepted;
    connection.proven();
    peer.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
    await expect(connection.receive()).rejects.toMatchObject({ code: "limit" });
  });

  it("scenario 57: a frame of 4 GB by its length field is refused at its head", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    socket.write(Buffer.from("82ff00000001000000000000000001", "hex"));
    await expect((await accepted).receive()).rejects.toMatchObject({ code: "limit" });
  });

  it("scenario 57: a thousand empty fragments are refused", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    socket.write(
      Buffer.concat([Buffer.from("028000000000", "hex"), ...Array(1000).fill(Buffer.from("008000000000", "hex"))]),
    );
    await expect((await accepted).receive()).rejects.toMatchObject({ code: "limit" });
  });

  it("scenario 57: a connection cut in the middle of a frame gives no frame", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    socket.write(Buffer.concat([masked("whole"), masked("half").subarray(0, 8)]));
    const connection = await accepted;
    expect((await connection.receive())?.length).toBe(5);
    socket.resetAndDestroy();
    await expect(connection.receive()).rejects.toMatchObject({ code: "disconnected" });
  });

  it("a frame after the end is refused", async () => {
    const { accepted, port } = await listen();
    const socket = await rawClient(port);
    const closing = collectBytes(socket);
    socket.write(Buffer.concat([masked(""), masked("more")]));
    const connection = await accepted;
    expect(await connection.receive()).toBeNull();
    expect((await closing).toString("latin1")).toContain("bad-message");
  });

  it("a dead peer is found by its silence", async () => {
    const connection = await connectWebSocket(`ws://127.0.0.1:${await silentServer()}`, { pingMs: 5 });
    await expect(connection.receive()).rejects.toMatchObject({ code: "disconnected", message: /no sign of life/ });
  });

  it("a quiet peer that answers pings lives", async () => {
    const { listener, accepted } = await listen({ pingMs: 5 });
    const left = await connectWebSocket(listener.address, { pingMs: 5 });
    const right = await accepted;
    await left.send(Buffer.alloc(1));
    await right.receive();
    await expect(Promise.race([right.receive(), manyTurns(3000)])).resolves.toBe("still there");
    left.destroy();
  });
});

describe("connecting", () => {
  it("scenario 49: nothing listens there", async () => {
    const port = await freePort();
    await expect(connectWebSocket(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "disconnected",
      message: `Nothing listens at ws://127.0.0.1:${port}; start a node there or check host and port.`,
    });
  });

  it("the host does not exist", async () => {
    await expect(connectWebSocket("ws://no-such-host.invalid:4190")).rejects.toMatchObject({ code: "disconnected" });
  });

  it.each(["", "4190", "http://127.0.0.1:1", "ws://", "ws://host:99999", "ws://host:1#part", "file:///tmp"])(
    "%j is not an address",
    async (url) => {
      await expect(connectWebSocket(url)).rejects.toMatchObject({ code: "invalid-argument" });
    },
  );

  it("a web server is not a node", async () => {
    const server = createHttpServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    atEnd(() => server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(connectWebSocket(url)).rejects.toMatchObject({ code: "disconnected", message: /404/ });
  });

  it("a mail server is not a node", async () => {
    const port = await tcpServer((socket) => socket.write("220 mail.example.org ESMTP\r\n"));
    await expect(connectWebSocket(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "disconnected",
      message: /no WebSocket server/,
    });
  });

  it("a server that hangs up is not a node", async () => {
    const port = await tcpServer((socket) => socket.end());
    await expect(connectWebSocket(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({ code: "disconnected" });
  });

  it("a server that never answers is given up", async () => {
    const port = await tcpServer(() => {});
    const connecting = connectWebSocket(`ws://127.0.0.1:${port}`, { timeoutMs: 20 });
    await expect(connecting).rejects.toMatchObject({ code: "timeout" });
  });
});

describe("listening", () => {
  it("a port in use and impossible ports and hosts are said in one sentence", async () => {
    const { port } = await listen();
    const at = (host: string, other: number) => listenWebSocket({ host, port: other, onConnection: () => {} });
    await expect(at("127.0.0.1", port)).rejects.toMatchObject({ code: "invalid-argument", message: /is in use/ });
    await expect(at("127.0.0.1", 70_000)).rejects.toMatchObject({ code: "invalid-argument", message: /not a port/ });
    await expect(at("192.0.2.1", 0)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("answers a web browser with 426, and refuses a web page", async () => {
    const { port } = await listen();
    const [response] = await once(get({ port, host: "127.0.0.1" }), "response");
    expect(response.statusCode).toBe(426);
    response.resume();
    const socket = connectTcp(port, "127.0.0.1");
    atEnd(() => socket.destroy());
    socket.write(`${UPGRADE}Origin: http://evil.example\r\n\r\n`);
    expect((await collectBytes(socket)).toString()).toContain("403 Forbidden");
  });

  it("close lets connections end within the grace, and destroys what is left", async () => {
    const { listener, accepted } = await listen();
    const left = await connectWebSocket(listener.address);
    await left.send(Buffer.alloc(1));
    const right = await accepted;
    const closed = listener.close(60_000);
    await expect(connectWebSocket(listener.address)).rejects.toMatchObject({ code: "disconnected" });
    await Promise.all([left.end(), right.end()]);
    await closed;
    const second = await listen();
    const other = await connectWebSocket(second.listener.address);
    await second.listener.close();
    await expect(other.receive()).rejects.toMatchObject({ code: "disconnected" });
  });
});

/** Bytes of the HTTP handshake at the start of `data`, 0 if there is none. */
function handshakeBytes(data: Buffer): number {
  const isHandshake = /^(GET|HTTP)/.test(data.toString("latin1", 0, 4));
  return isHandshake ? data.indexOf("\r\n\r\n") + 4 : 0;
}

async function manyTurns(count: number): Promise<string> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  return "still there";
}
