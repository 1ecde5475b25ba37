/**
 * The daemon's port for monitoring: `/metrics` for Prometheus, `/healthz` for whoever restarts or alarms.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { TandemError } from "../../model/errors.ts";
import { readStatus, readStoreHealth } from "../../replicator/status.ts";
import type { MailboxStore } from "../../store/store.ts";
import { complaints, DEFAULT_MAX_LAG_SECONDS, storeComplaints } from "../health.ts";
import type { Metrics } from "./metrics.ts";
import type { Address } from "./schema.ts";

export interface Monitor {
  /** Where it listens, e.g. `http://127.0.0.1:9190`. */
  readonly address: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const JSON_TYPE = "application/json";
/** A monitoring system asks in one go; who is slower has no business here. */
const TIMEOUT_MS = 10_000;
/** More than any number of monitoring systems needs, fewer than would take descriptors from the peers. */
const MAX_CONNECTIONS = 64;

/** Listens. @throws TandemError `invalid-argument` if it cannot listen there. */
export async function openMonitor(store: MailboxStore, metrics: Metrics, { host, port }: Address): Promise<Monitor> {
  const server = createServer({ headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS }, (request, response) => {
    void answer(store, metrics, request).then((one) => send(response, one));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        new TandemError(
          "invalid-argument",
          `It is not possible to listen on ${host}, port ${port} (${error.code}); choose another address or port.`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  return { address: addressOf(server), close: () => close(server) };
}

async function answer(store: MailboxStore, metrics: Metrics, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://monitor");
  try {
    if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "Only GET is answered here.");
    const now = Date.now();
    if (url.pathname === "/healthz") return await health(store, now, url.searchParams.get("max-lag"));
    if (url.pathname !== "/metrics") return plain(404, "Here are /metrics and /healthz.");
    const body = await metrics.text(await readStatus(store, now), await readStoreHealth(store), now);
    return { status: 200, type: metrics.contentType, body };
  } catch (error) {
    return json(503, { healthy: false, reasons: [error instanceof Error ? error.message : String(error)] });
  }
}

async function health(store: MailboxStore, now: number, maxLag: string | null): Promise<Answer> {
  const seconds = Number(maxLag ?? DEFAULT_MAX_LAG_SECONDS);
  if (!(seconds >= 0)) return plain(400, "max-lag is a number of seconds, e.g. /healthz?max-lag=60.");
  const peers = (await readStatus(store, now)).flatMap((status) => complaints(status, now, seconds * 1000));
  const reasons = [...storeComplaints(await readStoreHealth(store)), ...peers];
  return json(reasons.length === 0 ? 200 : 503, { healthy: reasons.length === 0, reasons });
}

function plain(status: number, sentence: string): Answer {
  return { status, type: "text/plain", body: `${sentence}\n` };
}

function json(status: number, value: unknown): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(response.req.method === "HEAD" ? "" : body);
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
