/** Scenario 59 with a real daemon: a peer that has said its last word and closed its half of the line is still answered. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { expect, test } from "vitest";
import { appendMessages, createMailbox } from "../../../src/operations/index.ts";
import { MemoryStore } from "../../../src/store/memory/memory-store.ts";
import { ChannelExchange } from "../../../src/sync/channel-exchange.ts";
import { LocalPeer } from "../../../src/sync/local-peer.ts";
import { DEFAULT_SYNC_OPTIONS, openRemote, syncOver } from "../../../src/sync/session.ts";
import { connectWebSocket } from "../../../src/transport/websocket.ts";
import { ACCOUNT } from "./support/ledger.ts";
import { endAll, eventsOf, withNodes, withStore } from "./support/nodes.ts";

/** Hands everything on both ways; after `lastWord`, with the next bytes of the client, the end of its half, too. */
class Relay {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  #isLast = false;

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const daemon = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      this.#sockets.push(client, daemon);
      for (const socket of [client, daemon]) socket.on("error", () => undefined);
      client.on("data", (bytes) => {
        daemon.write(bytes);
        if (this.#isLast) daemon.end();
      });
      daemon.pipe(client);
    });
  }

  static async open(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  lastWord(): void {
    this.#isLast = true;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

test("scenario 59: the change in the last frame before a half-close is made, and the answer comes", () =>
  withNodes(["b"], async (b) => {
    const daemon = b.startDaemon();
    await daemon.printed(1);
    const relay = await Relay.open(b.port);
    const store = new MemoryStore();
    try {
      const { entry } = await createMailbox(store, ACCOUNT, "INBOX");
      await syncOver(store, await connectWebSocket(relay.url), DEFAULT_SYNC_OPTIONS);
      await appendMessages(store, ACCOUNT, "INBOX", [{ bytes: Buffer.from("last"), flags: [], internalDate: 0 }]);
      const remote = await openRemote(store, await connectWebSocket(relay.url), "a");
      const exchange = new ChannelExchange(new LocalPeer(store, remote.storeEpoch), remote, { direction: "both" });
      relay.lastWord();
      const place = { account: ACCOUNT, mailboxId: entry.mailboxId };
      const outcome = await exchange.mailbox(place, { allowed: false, ask: false, leaves: "nothing" });
      expect(outcome).toMatchObject({ kind: "done", counts: { recordsSent: 1 } });
      const expected = await store.mailboxNamed(ACCOUNT, "INBOX");
      await withStore(b, async (theirs) => expect(await theirs.mailboxNamed(ACCOUNT, "INBOX")).toEqual(expected));
      await remote.close();
    } finally {
      relay.close();
      await store.close();
    }
    await endAll([daemon]);
    expect(eventsOf(daemon).filter(({ event }) => event === "replica-failed")).toEqual([]);
  }));
