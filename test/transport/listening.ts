/** Listeners, raw clients and servers on loopback, closed after each test. */
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, expect } from "vitest";
import type { FrameConnection, FrameListener } from "../../src/transport/transport.ts";
import { type ListenOptions, listenWebSocket } from "../../src/transport/websocket.ts";
import { pem } from "./certificates.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs after the test that is under way. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** A listener on a free port of this machine that is closed after the test, and its first connection. */
export async function listen(options: Partial<ListenOptions> = {}) {
  let onConnection: (connection: FrameConnection) => void = () => {};
  const accepted = new Promise<FrameConnection>((resolve) => {
    onConnection = resolve;
  });
  const listener: FrameListener = await listenWebSocket({ host: "127.0.0.1", port: 0, onConnection, ...options });
  atEnd(() => listener.close());
  return { listener, accepted, port: Number(new URL(listener.address).port) };
}

/** A plain TCP server; its port. */
export async function tcpServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const UPGRADE = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`;

/** A TCP connection that says nothing by itself. */
export function rawSocket(port: number): Socket {
  const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  atEnd(() => socket.destroy());
  return socket;
}

/** A hand-made client: what it sends after the handshake is up to the test. */
export function rawClient(port: number): Promise<Socket> {
  return upgraded(rawSocket(port));
}

/** As `rawClient`, over TLS. */
export async function rawTlsClient(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  // The types do not know that the options of a TCP connection go along.
  const tcp = { allowHalfOpen: true } as ConnectionOptions;
  const socket = connectTls({ port, host: "127.0.0.1", servername: "", ca: pem("ca"), ...tcp, ...options });
  socket.on("error", () => {});
  atEnd(() => socket.destroy());
  return (await upgraded(socket)) as TLSSocket;
}

async function upgraded(socket: Socket): Promise<Socket> {
  socket.write(`${UPGRADE}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("101 Switching Protocols");
  // Frames may have come along with the answer: they stay, until whoever wants them resumes.
  socket.pause();
  const rest = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
  if (rest.length > 0) socket.unshift(rest);
  return socket;
}

/** A masked binary WebSocket frame of less than 64 KiB, with a mask of zeros. */
export function masked(payload: string | Uint8Array): Buffer {
  const { length } = Buffer.from(payload);
  const head = length < 126 ? [0x82, 0x80 | length] : [0x82, 0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), Buffer.from(payload)]);
}

/** Everything that arrives until the end. */
export async function collectBytes(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.resume();
  await once(socket, "end").catch(() => {});
  return Buffer.concat(chunks);
}

/** Resolves when the other end has closed or broken the connection. */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readableEnded || socket.destroyed) resolve();
    for (const event of ["end", "error", "close"]) socket.once(event, () => resolve());
    socket.resume();
  });
}
