/** TLS: who is trusted, what is said if somebody is not, and certificates that change while a listener runs. */
import { describe, expect, it } from "vitest";
import type { ConnectTls, ListenTls } from "../../src/transport/tls.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";
import { connectWebSocket } from "../../src/transport/websocket.ts";
import { identity, pem, SERVER } from "./certificates.ts";
import { collectBytes, listen, masked, rawClient, rawTlsClient, tcpServer } from "./listening.ts";

const TRUST: ConnectTls = { ca: pem("ca") };

/** Connects to a new listener; both ends. */
async function meet(there: ListenTls, here: ConnectTls): Promise<[FrameConnection, FrameConnection]> {
  const { listener, accepted } = await listen({ tls: there });
  const left = await connectWebSocket(listener.address, { tls: here });
  return [left, await accepted];
}

describe("the listener's certificate", () => {
  it("is trusted if the CA is, and mail goes through", async () => {
    const { listener, accepted } = await listen({ tls: SERVER });
    expect(listener.address).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    const left = await connectWebSocket(listener.address, { tls: TRUST });
    await left.send(Buffer.from("mail"));
    expect((await (await accepted).receive())?.length).toBe(4);
    left.destroy();
  });

  it("is trusted by its host name, too", async () => {
    const { port } = await listen({ tls: SERVER });
    (await connectWebSocket(`wss://localhost:${port}`, { tls: TRUST })).destroy();
  });

  it.each<[string, ListenTls, ConnectTls, RegExp]>([
    ["expired", identity("expired"), TRUST, /has expired; renew it/],
    [
      "of a CA that is not trusted",
      SERVER,
      { ca: pem("other-ca") },
      /nobody trusted here; give the certificate of its CA/,
    ],
    ["of no public CA", SERVER, {}, /nobody trusted here/],
    ["for another name", identity("elsewhere"), TRUST, /for another name; connect by a name/],
  ])("%s is denied, and it is said what to do", async (_, there, here, message) => {
    const { listener } = await listen({ tls: there });
    const connecting = connectWebSocket(listener.address, { tls: here });
    await expect(connecting).rejects.toMatchObject({ code: "denied", message });
    const [left] = await meet(there, { ...here, verify: false });
    left.destroy();
  });
});

describe("speaking past each other", () => {
  it("wss:// to a listener without TLS", async () => {
    const { port } = await listen();
    const connecting = connectWebSocket(`wss://127.0.0.1:${port}`, { tls: TRUST });
    await expect(connecting).rejects.toMatchObject({ code: "disconnected", message: /does not speak TLS/ });
  });

  it("ws:// to a listener with TLS", async () => {
    const { port } = await listen({ tls: SERVER });
    const connecting = connectWebSocket(`ws://127.0.0.1:${port}`);
    await expect(connecting).rejects.toMatchObject({ code: "disconnected", message: /connect with wss:/ });
  });

  it("wss:// where nothing listens, where nobody answers, and where somebody hangs up", async () => {
    const silent = await tcpServer(() => {});
    const hanging = await tcpServer((socket) => socket.end());
    await expect(connectWebSocket("wss://127.0.0.1:1", { tls: TRUST })).rejects.toMatchObject({
      code: "disconnected",
      message: /Nothing listens/,
    });
    const late = connectWebSocket(`wss://127.0.0.1:${silent}`, { tls: TRUST, timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    const cut = connectWebSocket(`wss://127.0.0.1:${hanging}`, { tls: TRUST });
    await expect(cut).rejects.toMatchObject({ code: "disconnected" });
  });
});

describe("a client's certificate", () => {
  it.each<[string, ListenTls, ConnectTls, string[]]>([
    ["of the right CA gives its names", SERVER, identity("mail2"), ["mail2", "mail2.example.org"]],
    ["of another CA gives none", SERVER, identity("stranger"), []],
    ["that expired gives none", SERVER, identity("expired"), []],
    ["not shown gives none", SERVER, {}, []],
    ["gives none where no CA for clients is", identity("server"), identity("mail2"), []],
  ])("%s", async (_, there, here, names) => {
    const [left, right] = await meet(there, { ...TRUST, ...here });
    expect(right.peerNames).toEqual(names);
    expect(left.peerNames).toEqual([]);
    left.destroy();
  });
});

describe("renewing", () => {
  it("holds from the next connection on; open ones stay", async () => {
    const { listener, accepted } = await listen({ tls: identity("expired") });
    const old = await connectWebSocket(listener.address, { tls: { verify: false } });
    await expect(connectWebSocket(listener.address, { tls: TRUST })).rejects.toMatchObject({ code: "denied" });
    listener.renewTls?.(SERVER);
    const fresh = await connectWebSocket(listener.address, { tls: TRUST });
    await old.send(Buffer.from("mail"));
    expect((await (await accepted).receive())?.length).toBe(4);
    for (const connection of [old, fresh]) connection.destroy();
  });

  it("gives and takes the CA for clients", async () => {
    const connections: FrameConnection[] = [];
    const onConnection = (connection: FrameConnection) => connections.push(connection);
    const { listener } = await listen({ tls: identity("server"), onConnection });
    for (const clientCa of [pem("ca"), pem("other-ca"), undefined]) {
      listener.renewTls?.({ ...identity("server"), ...(clientCa && { clientCa }) });
      (await connectWebSocket(listener.address, { tls: { ...TRUST, ...identity("mail2") } })).destroy();
    }
    expect(connections.map(({ peerNames }) => peerNames)).toEqual([["mail2", "mail2.example.org"], [], []]);
  });

  it("what cannot be used is refused, and the old certificate stays", async () => {
    const { listener } = await listen({ tls: SERVER });
    expect(() => listener.renewTls?.({ ...SERVER, key: pem("mail2", "key") })).toThrow(/cannot be used/);
    (await connectWebSocket(listener.address, { tls: TRUST })).destroy();
    expect((await listen()).listener.renewTls).toBeUndefined();
  });
});

describe("what cannot be used", () => {
  const key = pem("server", "key");

  it.each<[string, ListenTls]>([
    ["a certificate that is none", { cert: "rubbish", key }],
    ["a key that is none", { cert: pem("server"), key: "rubbish" }],
    ["a key of another certificate", { cert: pem("server"), key: pem("mail2", "key") }],
    ["a CA that is none", { ...SERVER, clientCa: "rubbish" }],
  ])("%s, listening", async (_, tls) => {
    const failed = await listen({ tls }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "invalid-argument", message: /PEM files that fit together/ });
    expect((failed as Error).message).not.toContain("rubbish");
  });

  it.each<[string, ConnectTls]>([
    ["a CA that is none", { ca: "rubbish" }],
    ["a certificate without its key", { cert: pem("mail2") }],
    ["a key without its certificate", { key }],
    ["a key of another certificate", { cert: pem("mail2"), key }],
  ])("%s, connecting", async (_, tls) => {
    await expect(connectWebSocket("wss://127.0.0.1:1", { tls })).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("half-closed lines", () => {
  it.each([
    ["ws", undefined, rawClient],
    ["wss", SERVER, rawTlsClient],
  ])("scenario 59: over %s a peer that closes its half still gets its answer", async (_, tls, client) => {
    const { accepted, port } = await listen(tls && { tls });
    const socket = await client(port);
    const answer = collectBytes(socket);
    socket.end(masked("question"));
    const connection = await accepted;
    expect(Buffer.from((await connection.receive()) as Uint8Array).toString()).toBe("question");
    expect(await connection.receive()).toBeNull();
    await connection.send(Buffer.from("answer"));
    await connection.end();
    expect((await answer).toString("latin1")).toContain("\x82\x06answer");
  });

  it("a line that is reset in the middle of TLS is no end in order", async () => {
    const [left, right] = await meet(SERVER, TRUST);
    const waiting = right.receive();
    left.destroy();
    await expect(waiting).rejects.toMatchObject({ code: "disconnected" });
  });

  it("a listener that closes breaks what is open", async () => {
    const { listener } = await listen({ tls: SERVER });
    const left = await connectWebSocket(listener.address, { tls: TRUST });
    await listener.close();
    await expect(left.receive()).rejects.toMatchObject({ code: "disconnected" });
  });
});
