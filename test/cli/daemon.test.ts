/** The daemon from outside: two nodes in real processes, signals, secrets, metrics. */
import { once } from "node:events";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/cli/daemon/metrics.ts";
import { flipText } from "../store/damage.ts";
import { type CertificateName, certificatePath } from "../transport/certificates.ts";
import { newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { logLines, type Node, startDaemon, startNode } from "./nodes.ts";
import { makePair, SECRET, type Side, untilStatus } from "./pairs.ts";

/** All that is well is also told. */
const TALKATIVE = { env: { TANDEM_LOG: "debug" } };

async function deliver(side: Side, text: string, mailbox = "INBOX"): Promise<void> {
  await succeed(["append", side.store, mailbox], { input: text });
}

/** Waits until each has what changed at the other, and compares every byte. */
async function expectIdentical(a: Side, b: Side): Promise<void> {
  await succeed(["wait", a.store, "--peer", "b", "--timeout", "100"]);
  await succeed(["wait", b.store, "--peer", "a", "--timeout", "100"]);
  expect((await succeed(["verify", a.store, b.store, "--deep"])).stdout).toMatch(/^equal: /);
}

/** Mail files of so many bytes each. */
function letters(count: number, bytes: number): Promise<string> {
  const entries = Array.from({ length: count }, (_, i) => [`${i}.eml`, `Subject: ${i}\n\n${"x".repeat(bytes)}\n`]);
  return tempDirectory(Object.fromEntries(entries));
}

describe("two daemons", () => {
  test("stay identical while other processes deliver to both, and say nothing", async () => {
    const { a, b } = await makePair();
    await deliver(a, "before the first start");
    const nodes = [await b.start(), await a.start()];
    await untilStatus(b, ({ connection }) => connection === "connected");
    const streams = [a, b].flatMap((side) => ["INBOX", "Lists", "Später/Ordner"].map((mailbox) => ({ side, mailbox })));
    await Promise.all(
      streams.map(async ({ side, mailbox }) => {
        for (let i = 0; i < 3; i++) await deliver(side, `${side.name} ${mailbox} ${i}`, mailbox);
      }),
    );
    await succeed(["flag", b.store, "INBOX", "1", "+\\Seen"]);
    await expectIdentical(a, b);
    expect((await succeed(["ls", a.store])).stdout).toMatch(/^ +7 .*INBOX$/m);
    for (const side of [a, b]) expect((await succeed(["status", side.store])).stdout).toMatch(/in sync, connected/);
    // The one that was started first did not find the other.
    expect(["", "peer-unreachable"]).toContain(
      logLines(nodes[0]?.stderr() ?? "")
        .map(({ event }) => event)
        .join(),
    );
    expect(nodes[1]?.stderr()).toBe("");
    for (const node of nodes) expect(await node.end()).toBe(0);
  });

  test("by options alone, the secret from a file or the environment", async () => {
    const { a, b } = await makePair();
    const urlOf = async (side: Side) => /listen: (.*)/.exec(await readFile(side.config, "utf8"))?.[1] ?? "";
    const args = async (side: Side, other: Side) => [
      ...[side.store, "--node", side.name, "--listen", await urlOf(side)],
      ...["--peer", `${other.name}=ws://${await urlOf(other)}`, "--parallel", "4", "--survey", "60"],
    ];
    const nodes = [
      await startDaemon([...(await args(a, b)), "--secret-file", join(a.directory, "secret")]),
      await startDaemon(await args(b, a), { env: { TANDEM_SECRET: SECRET } }),
    ];
    await deliver(a, "from a");
    await deliver(b, "from b");
    await expectIdentical(a, b);
    for (const node of nodes) expect(await node.end()).toBe(0);
  });

  test("scenario 55: one is shut down politely during traffic: status 0, a clean reconnect, no flood of errors", async () => {
    const { a, b } = await makePair();
    const mail = await letters(400, 10_000);
    const nodeA = await a.start(TALKATIVE);
    const first = await b.start();
    await untilStatus(a, ({ connection }) => connection === "connected");
    const importing = succeed(["import", a.store, mail]);
    await nodeA.logged("exchange-done");
    expect(await first.end("SIGTERM")).toBe(0);
    expect(first.stderr()).not.toMatch(/exchange-failed|internal/);
    const second = await b.start();
    await importing;
    await expectIdentical(a, b);
    const warnings = logLines(nodeA.stderr()).filter(({ level }) => Number(level) >= 40);
    expect(warnings.every(({ event }) => event === "peer-unreachable")).toBe(true);
    expect(warnings.length).toBeLessThanOrEqual(3);
    expect([await nodeA.end("SIGINT"), await second.end()]).toEqual([0, 0]);
  });

  test("scenario 52: one is killed during traffic; after its restart nothing is lost or doubled", async () => {
    const { a, b } = await makePair();
    const mail = await letters(300, 10_000);
    const nodeA = await a.start(TALKATIVE);
    const first = await b.start();
    await untilStatus(a, ({ connection }) => connection === "connected");
    const importing = succeed(["import", a.store, mail]);
    await nodeA.logged("exchange-done");
    await first.end("SIGKILL");
    await importing;
    const second = await b.start();
    await expectIdentical(a, b);
    expect((await succeed(["ls", b.store])).stdout).toMatch(/^ +300 .*INBOX$/m);
    await Promise.all([nodeA.end(), second.end()]);
  });

  test("a peer sees and gets only its accounts, and a read-only one changes nothing", async () => {
    const { a, b } = await makePair({ peer: ['accounts: ["ann", "*@example.org"]', "readOnly: true"] }, {});
    const append = (side: Side, account: string) =>
      succeed(["append", side.store, "INBOX", "--account", account], { input: account });
    for (const account of ["ann", "bob@example.org", "carol"]) await append(a, account);
    const nodes = [await a.start(), await b.start(TALKATIVE)];
    await succeed(["wait", a.store, "--peer", "b", "--timeout", "100"]);
    expect(await accountsOf(b)).toEqual(["ann", "bob@example.org"]);
    await append(b, "dave@example.org");
    await nodes[1]?.logged("exchange-failed");
    expect(await accountsOf(a)).toEqual(["ann", "bob@example.org", "carol"]);
    await Promise.all(nodes.map((node) => node.end()));
  });
});

async function accountsOf({ store }: Side): Promise<string[]> {
  const lines = (await succeed(["ls", store, "--json"])).stdout.trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { account: string }).account);
}

describe("secrets", () => {
  test("scenario 58: a wrong one is refused, nothing is disclosed, status tells; SIGHUP takes the right one", async () => {
    const { a, b } = await makePair({}, { secret: "another secret, which is long enough" });
    await deliver(a, "for trusted eyes");
    const [nodeA, nodeB] = [await a.start(), await b.start(TALKATIVE)];
    const failed = await nodeB.logged("replica-failed");
    expect(failed).toMatchObject({
      code: "denied",
      message: expect.stringMatching(/"a", but did not prove the secret/),
    });
    await untilStatus(a, ({ error }) => error?.code === "denied");
    const { code, stdout } = await tandem(["status", a.store]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/b is not connected .*denied: /) });
    expect((await tandem(["ls", b.store])).stdout).not.toContain("INBOX");

    await b.setSecret(SECRET, 0o644);
    nodeB.process.kill("SIGHUP");
    const kept = await nodeB.logged("credentials-failed");
    expect(kept["message"]).toMatch(/^.*tandem\.yaml:7:17: .*secret.*The one in use stays\.$/);
    await b.setSecret(SECRET);
    nodeB.process.kill("SIGHUP");
    await nodeB.logged("credentials-reread");
    await expectIdentical(a, b);
    for (const node of [nodeA, nodeB]) {
      expect(await node.end()).toBe(0);
      expect(node.stderr()).not.toContain(SECRET);
      expect(node.stderr()).not.toContain("another secret");
    }
  });

  test("scenario 58: a stranger without a secret is refused by one clear sentence", async () => {
    const { a } = await makePair();
    await deliver(a, "for trusted eyes");
    const node = await a.start();
    const stranger = await newStore();
    await succeed(["append", stranger, "INBOX"], { input: "mine" });
    expect(await refuse(["sync", stranger, node.url])).toMatch(/does not let this peer in/);
    expect((await succeed(["ls", stranger])).stdout).not.toContain("trusted");
    await node.end();
  });
});

describe("certificates", () => {
  const TLS = {
    scheme: "wss",
    more: ["tls: { cert: own.pem, key: own-key.pem, clientCa: ca.pem }"],
    peer: ["certificate: mail2", "tls: { ca: ca.pem, cert: mail2.pem, key: mail2-key.pem }"],
  };

  /** Makes a test certificate the node's own. */
  async function own(side: Side, name: CertificateName): Promise<void> {
    await copyFile(certificatePath(name), join(side.directory, "own.pem"));
    await copyFile(certificatePath(name, "key"), join(side.directory, "own-key.pem"));
  }

  async function makeTlsPair(): Promise<{ a: Side; b: Side }> {
    const pair = await makePair(TLS);
    for (const side of [pair.a, pair.b]) {
      await own(side, "server");
      await copyFile(certificatePath("ca"), join(side.directory, "ca.pem"));
      await copyFile(certificatePath("mail2"), join(side.directory, "mail2.pem"));
      await copyFile(certificatePath("mail2", "key"), join(side.directory, "mail2-key.pem"));
    }
    return pair;
  }

  test("a pair over TLS with client certificates; SIGHUP takes a new one, and keeps the old one if it cannot", async () => {
    const { a, b } = await makeTlsPair();
    await deliver(a, "hello");
    const [nodeA, first] = [await a.start(TALKATIVE), await b.start()];
    expect(nodeA.url).toMatch(/^wss:/);
    await expectIdentical(a, b);
    expect(await first.end()).toBe(0);

    await own(a, "expired");
    nodeA.process.kill("SIGHUP");
    await nodeA.logged("credentials-reread");
    const second = await b.start();
    const { error } = await untilStatus(b, ({ connection }) => connection === "unreachable");
    expect(error?.message).toMatch(/expired/);

    await own(a, "server");
    await writeFile(join(a.directory, "own-key.pem"), "no key");
    nodeA.process.kill("SIGHUP");
    expect((await nodeA.logged("credentials-failed"))["message"]).toMatch(/tandem\.yaml:4:6: .*own-key\.pem/);
    await own(a, "server");
    nodeA.process.kill("SIGHUP");
    await deliver(b, "world");
    await expectIdentical(a, b);
    for (const node of [nodeA, second]) expect(await node.end()).toBe(0);
  });

  test("certificate and key that do not belong together", async () => {
    const { a } = await makeTlsPair();
    await copyFile(certificatePath("mail2", "key"), join(a.directory, "own-key.pem"));
    expect(await refuse(["serve", "--config", a.config], 2)).toMatch(/tandem\.yaml:4:6: The key/);
  });

  test("a peer that shows no certificate is refused where one is asked for", async () => {
    const { a, b } = await makeTlsPair();
    const config = await readFile(b.config, "utf8");
    await writeFile(b.config, config.replace("ca: ca.pem, cert: mail2.pem, key: mail2-key.pem }", "ca: ca.pem }"));
    const nodes = [await a.start(TALKATIVE), await b.start()];
    expect(await nodes[0]?.logged("replica-failed")).toMatchObject({
      code: "denied",
      message: expect.stringMatching(
        /claims to be "b", but showed no verified client certificate .*; it showed none\.$/,
      ),
    });
    await untilStatus(b, ({ error }) => error?.code === "denied");
    for (const node of nodes) expect(await node.end()).toBe(0);
  });
});

describe("signals", () => {
  test("a second SIGTERM ends it at once, though a connection is still open", async () => {
    const node = await startDaemon([await newStore(), "--listen", "127.0.0.1:0"], TALKATIVE);
    const { hostname, port } = new URL(node.url);
    const socket = connect(Number(port), hostname).on("error", () => {});
    await once(socket, "connect");
    node.process.kill("SIGTERM");
    await node.logged("stopping");
    expect(await node.end("SIGTERM")).toBe(null);
    expect(node.stderr()).not.toContain('"stopped"');
    socket.destroy();
  });
});

describe("monitoring", () => {
  test("/metrics has every metric of the list, and no other of ours; /healthz judges as status does", async () => {
    const { a, b } = await makePair({ more: ["metrics: 127.0.0.1:0"] }, {});
    await deliver(a, "hello");
    const [nodeA, nodeB] = [await a.start(), await b.start()];
    await expectIdentical(a, b);
    await untilStatus(a, ({ inSync }) => inSync);
    const metrics = await get(`${nodeA.metrics}/metrics`);
    expect(metrics.status).toBe(200);
    const names = [...metrics.body.matchAll(/^# TYPE (tandem_\w+)/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(Object.keys(METRICS).sort());
    expect(metrics.body).toContain('tandem_peer_connected{peer="b"} 1\n');
    expect(metrics.body).toContain('tandem_waiting_mailboxes{peer="b"} 0\n');
    expect(metrics.body).toMatch(/^tandem_exchanges_total\{peer="b"\} [1-9]/m);
    expect(metrics.body).toMatch(/^tandem_bodies_total\{peer="b"\} 1$/m);
    expect(metrics.body).toMatch(/^tandem_replica_connections 1$/m);
    expect(metrics.body).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(await get(`${nodeA.metrics}/healthz`)).toMatchObject({
      status: 200,
      body: '{"healthy":true,"reasons":[]}\n',
    });

    await nodeB.end();
    await deliver(a, "while b is down");
    await untilStatus(a, ({ connection, waiting }) => connection !== "connected" && waiting > 0);
    const health = await get(`${nodeA.metrics}/healthz?max-lag=0`);
    expect(health.status).toBe(503);
    const { healthy, reasons } = JSON.parse(health.body) as { healthy: boolean; reasons: string[] };
    expect({ healthy, reasons }).toEqual({
      healthy: false,
      reasons: [expect.stringMatching(/^b is not connected/), expect.stringMatching(/^1 mailbox waiting for b/)],
    });
    expect((await get(`${nodeA.metrics}/metrics`)).body).toContain('tandem_peer_connected{peer="b"} 0\n');
    await nodeA.end();
  });

  test("anything else is answered clearly", async () => {
    const node = await startDaemon([await newStore(), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    expect((await get(`${node.metrics}/`)).status).toBe(404);
    expect((await get(`${node.metrics}/healthz?max-lag=soon`)).status).toBe(400);
    expect((await fetch(`${node.metrics}/metrics`, { method: "POST" })).status).toBe(405);
    expect(await (await fetch(`${node.metrics}/healthz`, { method: "HEAD" })).text()).toBe("");
    // A node without channels only answers: nothing can be behind.
    expect((await get(`${node.metrics}/healthz`)).status).toBe(200);
    expect(await node.end()).toBe(0);
  });
});

async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}

describe("trouble", () => {
  test("scenario 54: the other node's disk is full: told with its reason, the small mail goes on, space again completes", async () => {
    const { a, b } = await makePair();
    const nodeA = await a.start(TALKATIVE);
    const full = await b.start({ prefix: ["sh", "-c", 'trap "" XFSZ; ulimit -f 1024; exec "$@"', "sh"] });
    await deliver(a, "small, before", "Small");
    await succeed(["wait", a.store, "--peer", "b", "--timeout", "100"]);
    await succeed(["import", a.store, await letters(12, 80_000), "--mailbox", "Big"]);
    expect(await nodeA.logged("exchange-failed")).toMatchObject({ peer: "b", code: "io" });
    await untilStatus(
      a,
      ({ connection, accounts }) => connection === "connected" && accounts.some((one) => one.failing > 0),
    );
    const { code, stdout } = await tandem(["status", a.store]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/Big: io: /) });
    expect(await full.end()).toBe(0);
    await succeed(["dump", b.store]);
    const roomy = await b.start();
    await expectIdentical(a, b);
    await Promise.all([nodeA.end(), roomy.end()]);
  });

  test("scenario 56: one broken mailbox among many: the others are done, status shows which and why", async () => {
    const { a, b } = await makePair();
    await deliver(a, "a message whose bytes will be damaged", "Broken");
    for (const mailbox of ["INBOX", "Lists", "Work"]) await deliver(a, `fine, in ${mailbox}`, mailbox);
    await flipText(a.store, "damaged");
    const [nodeA, nodeB] = [await a.start(TALKATIVE), await b.start()];
    await untilStatus(a, ({ waiting, accounts: [one] }) => waiting === 1 && one?.lastError?.code === "body-unreadable");
    const { code, stdout } = await tandem(["status", a.store, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      peer: "b",
      healthy: false,
      inSync: false,
      waiting: 1,
      accounts: [{ account: "default", failing: 1, lastError: { code: "body-unreadable", mailbox: "Broken" } }],
    });
    expect((await tandem(["wait", a.store, "--peer", "b", "--timeout", "0"])).code).toBe(1);
    const names = (await succeed(["ls", b.store])).stdout;
    for (const mailbox of ["INBOX", "Lists", "Work"]) expect(names).toMatch(new RegExp(`^ +1 .*${mailbox}$`, "m"));
    await Promise.all([nodeA.end(), nodeB.end()]);
  });
});

test("a node without a configuration file or peers works as ever, and knows no SIGHUP", async () => {
  const node: Node = await startNode(await newStore());
  expect(await node.end("SIGHUP")).toBe(null);
});
