/**
 * Frames over WebSocket: the client and the server side.
 *
 * The WebSocket library is loaded when the first connection is made, not when this file is imported.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientOptions, WebSocketServer } from "ws";
import {
  HANDSHAKE_MS,
  MAX_BUFFERED_CHUNKS,
  MAX_CONNECTIONS,
  MAX_FRAGMENTS,
  MAX_FRAME_BYTES,
} from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import type { FrameConnection, FrameListener } from "./transport.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

/** Compression is off on both sides: it costs five to eight times the speed. */
const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_BUFFERED_CHUNKS,
} satisfies ClientOptions;

export interface ConnectOptions {
  /** Milliseconds until the connection must be there; `HANDSHAKE_MS` by default. */
  readonly timeoutMs?: number;
  /** Milliseconds between pings; `PING_MS` by default. */
  readonly pingMs?: number;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 to 65535; 0 takes a free one. */
  readonly port: number;
  /** Called for every connection. Must not throw. */
  readonly onConnection: (connection: FrameConnection) => void;
  /** `MAX_CONNECTIONS` by default. */
  readonly maxConnections?: number;
  /** Milliseconds between pings; `PING_MS` by default. */
  readonly pingMs?: number;
  /** Milliseconds until the first frame of a connection must be there; `FIRST_FRAME_MS` by default. */
  readonly firstFrameMs?: number;
}

/**
 * Connects to `ws://host:port` or `wss://host:port`. A frame given to `send` must not be changed afterwards.
 * @throws TandemError `invalid-argument` for a wrong URL, `disconnected` if there is no such node, `timeout`.
 */
export async function connectWebSocket(url: string, options: ConnectOptions = {}): Promise<FrameConnection> {
  const target = checkedUrl(url);
  const { WebSocket } = await import("ws");
  const ws = new WebSocket(target, WS_OPTIONS);
  return new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? HANDSHAKE_MS;
    const fail = (error: TandemError) => {
      clearTimeout(timer);
      ws.on("error", () => {}).terminate();
      reject(error);
    };
    const timer = setTimeout(() => fail(lateError(target, timeoutMs)), timeoutMs);
    let socket: Socket;
    ws.once("upgrade", (response) => {
      socket = response.socket;
    });
    const onError = (error: Error) => fail(connectFault(error, target));
    ws.once("error", onError);
    ws.once("open", () => {
      clearTimeout(timer);
      ws.off("error", onError);
      resolve(new WebSocketConnection(ws, { ...options, socket, peerAddress: target, client: true }));
    });
  });
}

/**
 * Listens for connections.
 * @throws TandemError `invalid-argument` if it cannot listen there.
 */
export async function listenWebSocket(options: ListenOptions): Promise<FrameListener> {
  const { WebSocketServer } = await import("ws");
  const wss = new WebSocketServer({ ...WS_OPTIONS, noServer: true });
  const server = createServer({ headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS }, (_, response) => {
    response.writeHead(426, { Connection: "close", Upgrade: "websocket", "Content-Type": "text/plain" });
    response.end("This is a Tandem node. It speaks WebSocket only.\n");
  });
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request, socket, head) => accept(wss, request, socket, head, options));
  await startListening(server, options);
  return { address: addressOf(server), close: (graceMs = 0) => closeServer(server, sockets, graceMs) };
}

function accept(wss: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer, options: ListenOptions) {
  if (request.headers.origin !== undefined) {
    // Only browsers send it: no page of somebody's may talk to a node on the same machine.
    request.socket.on("error", () => {});
    request.socket.write("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    request.socket.destroySoon();
    return;
  }
  const listeners = socket.listeners("end");
  wss.handleUpgrade(request, socket, head, (ws) => {
    const { remoteAddress, remotePort } = request.socket;
    const peerAddress = `${remoteAddress}:${remotePort}`;
    const connection = new WebSocketConnection(ws, { ...options, socket: request.socket, peerAddress, client: false });
    keepHalfOpen(socket, listeners, () => connection.peerHalfClosed());
    options.onConnection(connection);
  });
}

/**
 * The library ends its side as soon as the peer's half of the TCP connection is closed, and with it the answers under
 * way. Its listener is replaced, so that the connection ends when its owner ends it.
 */
function keepHalfOpen(socket: Duplex, before: readonly unknown[], onEnd: () => void): void {
  for (const listener of socket.listeners("end"))
    if (!before.includes(listener)) socket.removeListener("end", listener as () => void);
  socket.once("end", onEnd);
}

function startListening(server: Server, { host, port }: ListenOptions): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TandemError("invalid-argument", `${port} is not a port; give a number from 0 to 65535.`);
  return new Promise((resolve, reject) => {
    // Stays on: a failure to accept later (no descriptor left) must not end the process.
    server.on("error", (error) => reject(listenFault(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `ws://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Accepts nothing more, and destroys what is still open after the grace. */
function closeServer(server: Server, sockets: Set<Socket>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const fine = parsed !== null && /^wss?:$/.test(parsed.protocol) && parsed.hash === "" && parsed.port !== "0";
  if (!fine)
    throw new TandemError("invalid-argument", `${JSON.stringify(url)} is not an address; give it as ws://host:port.`);
  return url;
}

function lateError(url: string, timeoutMs: number): TandemError {
  return new TandemError("timeout", `${url} did not answer within ${timeoutMs} ms; check host, port and firewall.`);
}

function connectFault(error: Error & { code?: string }, url: string): TandemError {
  const failed = (text: string) => new TandemError("disconnected", text, { cause: error });
  const code = error.code ?? "";
  if (code === "ECONNREFUSED") return failed(`Nothing listens at ${url}; start a node there or check host and port.`);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return failed(`The host of ${url} cannot be found; check its name and the name server.`);
  if (code.startsWith("HPE_")) return failed(`At ${url} is no WebSocket server; check host and port.`);
  if (code !== "") return failed(`${url} cannot be reached (${code}); check the network and that the node runs.`);
  return failed(`${url} did not accept the connection (${error.message}); check that a Tandem node listens there.`);
}

function listenFault(error: Error & { code?: string }, host: string, port: number): TandemError {
  const failed = (text: string) => new TandemError("invalid-argument", text, { cause: error });
  if (error.code === "EADDRINUSE")
    return failed(`Port ${port} on ${host} is in use; choose another port or stop the program that has it.`);
  if (error.code === "EACCES") return failed(`Port ${port} is not allowed to this user; choose one above 1023.`);
  return failed(
    `It is not possible to listen on ${host}, port ${port} (${error.code}); give an address of this machine.`,
  );
}
