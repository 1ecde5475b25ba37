/** `tandem serve`: answers exchanges as replica until it is told to end. */
import { isTandemError, TandemError } from "../../model/errors.ts";
import { openEmbeddedStore } from "../../store/embedded/embedded-store.ts";
import type { MailboxStore } from "../../store/store.ts";
import { serveReplica } from "../../sync/replica.ts";
import type { FrameConnection } from "../../transport/transport.ts";
import { listenWebSocket } from "../../transport/websocket.ts";
import { nodeName } from "../location.ts";
import type { ServeOptions } from "../options.ts";
import { withOutput } from "../output.ts";
import { OK } from "../run.ts";

/** How long connections may go on once the node was told to end. */
const GRACE_MS = 2000;

/** @returns the exit status. @throws TandemError `invalid-argument`, `not-a-store`. */
export async function runServe(directory: string, options: ServeOptions): Promise<number> {
  const { host, port } = parseListen(options.listen);
  const { default: pino } = await import("pino");
  const log = pino(
    { name: "tandem", level: process.env["TANDEM_LOG"] ?? "warn" },
    pino.destination({ dest: 2, sync: true }),
  );
  const ended = endSignal();
  const store = await openEmbeddedStore(directory, { create: true });
  try {
    const onConnection = (connection: FrameConnection) => void serveOne(store, connection, log);
    const listener = await listenWebSocket({ host, port, onConnection });
    await withOutput((out) =>
      options.json ? out.json({ listening: listener.address }) : out.line(`listening on ${listener.address}`),
    );
    await ended;
    await listener.close(GRACE_MS);
    return OK;
  } finally {
    await store.close();
  }
}

interface Log {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
}

/** Serves one connection; what goes wrong with it concerns no other. */
async function serveOne(store: MailboxStore, connection: FrameConnection, log: Log): Promise<void> {
  const peer = connection.peerAddress;
  try {
    await serveReplica(store, connection, { node: nodeName() });
    log.info({ peer, ...connection.stats }, "exchange-ended");
  } catch (error) {
    const code = isTandemError(error) ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    log.warn({ peer, code, message }, "exchange-failed");
  }
}

/** @throws TandemError `invalid-argument`. */
function parseListen(text: string): { host: string; port: number } {
  const [, host, digits] = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === undefined || !(port <= 65535))
    throw new TandemError(
      "invalid-argument",
      `--listen ${JSON.stringify(text)} is not HOST:PORT, e.g. 127.0.0.1:4190.`,
    );
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

/** Resolves at the first SIGINT or SIGTERM. */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
