/**
 * Frames over WebSocket: the client and the server side.
 *
 * The WebSocket library is loaded when the first connection is made, not when this file is imported.
 */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as TlsServer } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientOptions, WebSocketServer } from "ws";
import {
  HANDSHAKE_MS,
  MAX_BUFFERED_CHUNKS,
  MAX_CONNECTIONS,
  MAX_FRAGMENTS,
  MAX_FRAME_BYTES,
  MAX_UNPROVEN,
  PROOF_MS,
} from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import { connectFault, lateError, listenFault } from "./faults.ts";
import { addressOf, Strangers } from "./strangers.ts";
import { type ConnectTls, checkConnectTls, connectTls, type ListenTls, namesIn, serverTls } from "./tls.ts";
import type { FrameConnection, FrameListener } from "./transport.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

/** Compression is off on both sides: it costs five to eight times the speed. */
const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_BUFFERED_CHUNKS,
} satisfies ClientOptions;

/** `import` would read a CommonJS package twice, first for the names that it exports. */
function loadLibrary(): typeof import("ws") {
  return createRequire(import.meta.url)("ws") as typeof import("ws");
}

export interface ConnectOptions {
  /** Milliseconds until the connection must be there; `HANDSHAKE_MS` by default. */
  readonly timeoutMs?: number;
  /** Milliseconds between pings; `PING_MS` by default. */
  readonly pingMs?: number;
  /** For `wss://`. */
  readonly tls?: ConnectTls;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 to 65535; 0 takes a free one. */
  readonly port: number;
  /** Called for every connection, which must say `proven` once it is, or is cut. Must not throw. */
  readonly onConnection: (connection: FrameConnection) => void;
  /** `MAX_CONNECTIONS` by default. */
  readonly maxConnections?: number;
  /** Milliseconds between pings; `PING_MS` by default. */
  readonly pingMs?: number;
  /** Connections that have not proven themselves yet, at most; `MAX_UNPROVEN` by default. */
  readonly maxUnproven?: number;
  /** Milliseconds until a connection must have proven itself; `PROOF_MS` by default. */
  readonly proofMs?: number;
  /** Frames a second of one connection, what comes faster waits; `FRAMES_PER_SECOND` by default. */
  readonly framesPerSecond?: number;
  /** Milliseconds, never falling: the clock of the frame rate; `performance.now` by default. */
  readonly now?: () => number;
  /** Speak TLS, and nothing but TLS. */
  readonly tls?: ListenTls;
}

/**
 * Connects to `ws://host:port` or `wss://host:port`. A frame given to `send` must not be changed afterwards.
 * @throws TandemError `invalid-argument` for a wrong URL or certificate, `disconnected` if there is no such node, `denied` if
 * its certificate does not verify, `timeout`.
 */
export async function connectWebSocket(url: string, options: ConnectOptions = {}): Promise<FrameConnection> {
  const target = checkedUrl(url);
  const { tls = {} } = options;
  checkConnectTls(tls);
  const { WebSocket } = loadLibrary();
  let tcp: Socket | undefined;
  const overTls = (to: object) => connectTls(to, tls, (socket) => (tcp = socket));
  const isTls = /^wss:/i.test(target);
  const ws = new WebSocket(target, isTls ? { ...WS_OPTIONS, createConnection: overTls } : WS_OPTIONS);
  return new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? HANDSHAKE_MS;
    const fail = (error: TandemError) => {
      clearTimeout(timer);
      ws.on("error", () => {}).terminate();
      tcp?.destroy();
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
      const { pingMs } = options;
      const own = { socket, tcp: tcp ?? socket, peerAddress: target, client: true };
      resolve(new WebSocketConnection(ws, pingMs === undefined ? own : { ...own, pingMs }));
    });
  });
}

/**
 * Listens for connections.
 * @throws TandemError `invalid-argument` if it cannot listen there.
 */
export async function listenWebSocket(options: ListenOptions): Promise<FrameListener> {
  const { WebSocketServer } = loadLibrary();
  const wss = new WebSocketServer({ ...WS_OPTIONS, noServer: true });
  const server = createServer(options.tls);
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const strangers = new Strangers(options.maxUnproven ?? MAX_UNPROVEN, options.proofMs ?? PROOF_MS);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    strangers.enter(socket);
  });
  server.on("upgrade", (request, socket, head) => accept({ wss, strangers, options }, request, socket, head));
  await startListening(server, options);
  const address = `${options.tls === undefined ? "ws" : "wss"}://${hostAndPort(server)}`;
  const listener: FrameListener = { address, close: (graceMs = 0) => closeServer(server, sockets, graceMs) };
  if (!("setSecureContext" in server)) return listener;
  return { ...listener, renewTls: (tls) => server.setSecureContext(serverTls(tls)) };
}

const PLAIN_REQUEST: RequestListener = (_, response) => {
  response.writeHead(426, { Connection: "close", Upgrade: "websocket", "Content-Type": "text/plain" });
  response.end("This is a Tandem node. It speaks WebSocket only.\n");
};

function createServer(tls: ListenTls | undefined): Server | TlsServer {
  const limits = { headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS };
  if (tls === undefined) return createHttpServer(limits, PLAIN_REQUEST);
  return createHttpsServer({ ...limits, ...serverTls(tls) }, PLAIN_REQUEST);
}

/** What accepting takes. */
interface Door {
  readonly wss: WebSocketServer;
  readonly strangers: Strangers;
  readonly options: ListenOptions;
}

function accept({ wss, strangers, options }: Door, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (request.headers.origin !== undefined) {
    // Only browsers send it: no page of somebody's may talk to a node on the same machine.
    request.socket.on("error", () => {});
    request.socket.write("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    request.socket.destroySoon();
    return;
  }
  const stranger = strangers.find(request.socket);
  if (stranger === null) {
    request.socket.destroy();
    return;
  }
  const listeners = socket.listeners("end");
  const peerNames = namesIn(request.socket);
  wss.handleUpgrade(request, socket, head, (ws) => {
    const ends = { socket: request.socket, tcp: stranger.socket, peerAddress: addressOf(request.socket), peerNames };
    const connection = new WebSocketConnection(ws, { ...options, ...ends, client: false, onProven: stranger.leave });
    stranger.cut = (why) => connection.cut(why);
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

function startListening(server: Server | TlsServer, { host, port }: ListenOptions): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TandemError("invalid-argument", `${port} is not a port; give a number from 0 to 65535.`);
  return new Promise((resolve, reject) => {
    // Stays on: a failure to accept later (no descriptor left) must not end the process.
    server.on("error", (error) => reject(listenFault(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function hostAndPort(server: Server | TlsServer): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Accepts nothing more, and destroys what is still open after the grace. */
function closeServer(server: Server | TlsServer, sockets: Set<Socket>, graceMs: number): Promise<void> {
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
