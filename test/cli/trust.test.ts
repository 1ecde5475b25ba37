/** `tandem sync` and `tandem verify` with nodes that want to know who is there, from outside. */
import { randomBytes } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readSecretFile } from "../../src/cli/secrets.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { serveReplica } from "../../src/sync/replica.ts";
import { FULL_ACCESS, type TrustedPeer } from "../../src/sync/trust.ts";
import type { FrameListener } from "../../src/transport/transport.ts";
import { type ListenOptions, listenWebSocket } from "../../src/transport/websocket.ts";
import { certificatePath, SERVER } from "../transport/certificates.ts";
import { newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";

const SECRET = "0123456789abcdef-this-is-the-secret";
const WRONG = "0123456789abcdef-this-is-not-the-one";
const CA = ["--ca-file", certificatePath("ca")];
const MX1: TrustedPeer = { node: "mx1", secret: Buffer.from(SECRET), certificate: null, access: FULL_ACCESS };

let store: string;
const listeners: FrameListener[] = [];

beforeEach(async () => {
  store = await newStore();
  await succeed(["append", store, "INBOX"], { input: "Subject: hello\n\nmail\n" });
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
});

/** A serving node in this process that trusts these peers, or everybody; its address. */
async function node(peers: readonly TrustedPeer[] | null, options: Partial<ListenOptions> = {}): Promise<string> {
  const replica = new MemoryStore();
  const admit = (name: string) => peers?.find((peer) => peer.node === name) ?? null;
  const trust = peers === null ? {} : { admit, random: randomBytes };
  const listener = await listenWebSocket({
    ...{ host: "127.0.0.1", port: 0 },
    onConnection: (connection) =>
      void serveReplica(replica, connection, { node: "mx2", ...trust }).catch(() => undefined),
    ...options,
  });
  listeners.push(listener);
  return listener.address;
}

async function secretFile(content: string, mode = 0o600): Promise<string> {
  const file = join(await tempDirectory({ secret: content }), "secret");
  await chmod(file, mode);
  return file;
}

describe("with the right secret", () => {
  test("from a file, over TLS: sync and verify", async () => {
    const url = await node([MX1], { tls: SERVER });
    const options = ["--secret-file", await secretFile(`${SECRET}\n`), "--node", "mx1", ...CA];
    await succeed(["sync", store, url, ...options]);
    expect((await succeed(["verify", store, url, ...options, "--deep"])).stdout).toMatch(/^equal: 1 mailbox/);
  });

  test.each([
    ["as it is", SECRET],
    ["with a newline", `${SECRET}\n`],
    ["with a newline of Windows", `${SECRET}\r\n`],
  ])("from the environment, %s", async (_, value) => {
    const url = await node([MX1]);
    await succeed(["sync", store, url, "--node", "mx1"], { env: { TANDEM_SECRET: value } });
  });

  test("the file is taken before the environment", async () => {
    const url = await node([MX1]);
    const options = ["--secret-file", await secretFile(SECRET), "--node", "mx1"];
    await succeed(["sync", store, url, ...options], { env: { TANDEM_SECRET: WRONG } });
  });

  test("between two nodes, neither of which is here", async () => {
    const [from, to] = [await node([MX1]), await node([MX1])];
    await succeed(["sync", store, from, "--node", "mx1"], { env: { TANDEM_SECRET: SECRET } });
    await succeed(["sync", from, to, "--node", "mx1"], { env: { TANDEM_SECRET: SECRET } });
    await succeed(["verify", store, to, "--node", "mx1"], { env: { TANDEM_SECRET: SECRET } });
  });

  test("and the client certificate that the node wants", async () => {
    const url = await node([{ ...MX1, certificate: "mail2" }], { tls: SERVER });
    const env = { TANDEM_SECRET: SECRET };
    const identity = ["--cert-file", certificatePath("mail2"), "--key-file", certificatePath("mail2", "key")];
    await succeed(["sync", store, url, "--node", "mx1", ...CA, ...identity], { env });
    expect(await refuse(["sync", store, url, "--node", "mx1", ...CA], 1, { env })).toMatch(/does not let this peer in/);
  });

  test("two directories need none, and do not look at it", async () => {
    await succeed(["sync", store, await newStore()], { env: { TANDEM_SECRET: "short" } });
  });
});

describe("scenario 58: refused", () => {
  test.each<[string, string[], Record<string, string>]>([
    ["a wrong secret", ["--node", "mx1"], { TANDEM_SECRET: WRONG }],
    ["no secret", ["--node", "mx1"], {}],
    ["another name", ["--node", "mx9"], { TANDEM_SECRET: SECRET }],
    ["no name but the host's", [], { TANDEM_SECRET: SECRET }],
  ])("%s", async (_, options, env) => {
    const url = await node([MX1]);
    expect(await refuse(["sync", store, url, ...options], 1, { env })).toMatch(/does not let this peer in; check/);
    expect(await refuse(["verify", store, url, ...options], 2, { env })).toMatch(/does not let this peer in; check/);
  });

  test("a node that does not have the secret", async () => {
    const url = await node(null);
    const env = { TANDEM_SECRET: SECRET };
    expect(await refuse(["sync", store, url], 1, { env })).toMatch(/did not prove that it has the secret/);
    await succeed(["sync", store, url]);
  });

  test("a certificate of a CA that is not trusted here", async () => {
    const url = await node([MX1], { tls: SERVER });
    const env = { TANDEM_SECRET: SECRET };
    for (const ca of [[], ["--ca-file", certificatePath("other-ca")]])
      expect(await refuse(["sync", store, url, "--node", "mx1", ...ca], 1, { env })).toMatch(/certificate of its CA/);
  });
});

describe("secrets", () => {
  test.each([0o644, 0o640, 0o604, 0o620])("a file with mode %o is refused", async (mode) => {
    const file = await secretFile(SECRET, mode);
    expect(() => readSecretFile(file)).toThrow(/Others may read the secret in .*; run: chmod 600 /);
  });

  test("a file that others may read is refused by the command", async () => {
    const file = await secretFile(SECRET, 0o644);
    expect(await refuse(["sync", store, "ws://127.0.0.1:1", "--secret-file", file], 2)).toMatch(/chmod 600/);
  });

  test.each(["", "\n", "fifteen letters", "fifteen letters\n"])("%j is too short", async (secret) => {
    const file = await secretFile(secret);
    const sentence = await refuse(["sync", store, "ws://127.0.0.1:1"], 2, { env: { TANDEM_SECRET: secret } });
    expect(sentence).toMatch(/16 are needed; make one with: openssl rand -hex 32/);
    expect(sentence).not.toContain("letters");
    expect(() => readSecretFile(file)).toThrow(/16 are needed/);
  });

  test("files that are not there are named", async () => {
    const to = ["sync", store, "ws://127.0.0.1:1"];
    expect(await refuse([...to, "--secret-file", "/no/such"], 2)).toMatch(
      /secret file \/no\/such cannot be read \(ENOENT\)/,
    );
    expect(await refuse([...to, "--ca-file", "/no/such"], 2)).toMatch(/\/no\/such cannot be read \(ENOENT\)/);
    expect(await refuse([...to, "--cert-file", certificatePath("mail2")], 2)).toMatch(/go together/);
    expect(await refuse([...to, "--node", "x".repeat(256)], 2)).toMatch(/1 to 255 bytes/);
  });

  test("never show in what a command prints", async () => {
    const url = await node([{ ...MX1, secret: Buffer.from(WRONG) }]);
    const open = await node([MX1]);
    const env = { TANDEM_SECRET: SECRET, TANDEM_DEBUG: "1" };
    for (const to of [url, open, "ws://127.0.0.1:1"])
      for (const json of [[], ["--json"]]) {
        const { stdout, stderr } = await tandem(["sync", store, to, "--node", "mx1", ...json], { env });
        for (const form of [SECRET, Buffer.from(SECRET).toString("hex"), Buffer.from(SECRET).toString("base64")])
          expect(stdout + stderr).not.toContain(form);
      }
  });

  test("the help says how to make and give one", async () => {
    for (const command of ["sync", "verify"]) {
      const { stdout } = await succeed([command, "--help"]);
      for (const part of [
        "--secret-file",
        "TANDEM_SECRET",
        "--node",
        "--ca-file",
        "--cert-file",
        "--key-file",
        "openssl rand",
      ])
        expect(stdout).toContain(part);
    }
  });
});
