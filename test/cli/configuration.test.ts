/** The configuration of `tandem serve`: every fault is told with its place, and nothing is started. */
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { certificatePath } from "../transport/certificates.ts";
import { freePort } from "../transport/free-ports.ts";
import { newStore, refuse, succeed, tandem, tempDirectory } from "./helpers.ts";
import { startDaemon } from "./nodes.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

/** A directory with a secret, and the configuration in `tandem.yaml`; the file's path. */
async function configured(yaml: string): Promise<string> {
  const directory = await tempDirectory({ "tandem.yaml": yaml, secret: `${SECRET}\n`, short: "abc\n", open: SECRET });
  await chmod(join(directory, "secret"), 0o600);
  await chmod(join(directory, "short"), 0o600);
  await chmod(join(directory, "open"), 0o644);
  return join(directory, "tandem.yaml");
}

/** What `tandem serve` says of it: for each fault its line, column and sentence. */
async function faultsOf(yaml: string): Promise<string[]> {
  const file = await configured(yaml);
  const { code, stdout, stderr } = await tandem(["serve", "--config", file]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(existsSync(join(file, "../mail"))).toBe(false);
  const lines = stderr.split("\n").slice(0, -1);
  for (const line of lines) expect(line).toMatch(/^tandem: .*[^.]\.$/);
  expect(stderr).not.toContain("internal error");
  return lines.map((line) => line.replace("tandem: ", "").replace(`${file}:`, ""));
}

const BASE = "store: mail\nnode: a\nlisten: 127.0.0.1:0\n";

/** The faults of the base with more lines, which begin at line 4. */
function faultsWith(...lines: readonly string[]): Promise<string[]> {
  return faultsOf(`${BASE}${lines.join("\n")}\n`);
}

describe("faults of single settings", () => {
  test("each value that is wrong, with what would be right", async () => {
    const faults = await faultsWith(
      "metrics: 9190",
      "log: loud",
      "unauthenticated: maybe",
      "tls: yes please",
      "peers:",
      "  - name: ''",
      "    url: http://b.example:4190",
      "    secretEnv: not a name",
      "    accounts: ann",
      "    readOnly: 1",
      "    tls: { verify: 0 }",
      "  - url: ws://user:password@c.example:4190",
      "limits:",
      "  parallel: 0",
      "  survey: soon",
      "  connections: -1",
      "  unprovenConnections: 1.5",
      "  unprovenSeconds: 0",
      "  framesPerSecond: many",
    );
    expect(faults).toEqual([
      "4:10: metrics is 9190; give HOST:PORT, e.g. 127.0.0.1:4190, or 0.0.0.0:4190 for all addresses of this machine.",
      '5:6: log is "loud"; give one of trace, debug, info, warn, error, fatal, silent.',
      '6:18: unauthenticated is "maybe"; give true or false.',
      '7:6: tls is "yes please"; give a mapping with "cert" and "key".',
      '9:11: name is ""; give the name of the node, as in its own setting node.',
      '10:10: url is "http://b.example:4190"; give ws://host:port or wss://host:port.',
      "11:16: secretEnv is not what it has to be; give the name of an environment variable, e.g. TANDEM_SECRET.",
      '12:15: accounts is "ann"; give a list of accounts or patterns, e.g. ["*@example.org"].',
      "13:15: readOnly is 1; give true or false.",
      "14:20: verify is 0; give true or false.",
      "15:5: name is missing; give the name of the node, as in its own setting node.",
      "15:10: url is not what it has to be; give ws://host:port or wss://host:port.",
      "17:13: parallel is 0; give a whole number of mailboxes from 1 to 1024.",
      '18:11: survey is "soon"; give a whole number of seconds from 1 to 86400.',
      "19:16: connections is -1; give a whole number of connections from 1 to 100000.",
      "20:24: unprovenConnections is 1.5; give a whole number of connections from 1 to 100000.",
      "21:20: unprovenSeconds is 0; give a whole number of seconds from 1 to 3600.",
      '22:20: framesPerSecond is "many"; give a whole number of frames from 1 to 10000000.',
    ]);
  });

  test("a key that does not exist, with the one that was probably meant", async () => {
    const faults = await faultsWith(
      "lsten: 127.0.0.1:4190",
      "peers:",
      "  - name: b",
      "    adress: ws://127.0.0.1:4190",
      "    secert: 'what nobody may see'",
      "tls: { certificate: x, cert: c, key: k }",
      "limits: { paralell: 3 }",
    );
    expect(faults).toEqual([
      '4:1: There is no setting "lsten" here; perhaps "listen" is meant.',
      '7:5: There is no setting "adress" here; there are name, url, secretFile, secretEnv, certificate, tls, accounts, readOnly.',
      '8:5: There is no setting "secert" here; perhaps "secretFile" is meant.',
      '9:8: There is no setting "certificate" here; perhaps "cert" is meant.',
      '10:11: There is no setting "paralell" here; perhaps "parallel" is meant.',
    ]);
  });

  test("what is missing is told where it has to stand", async () => {
    expect(await faultsOf("node: a\n")).toEqual([
      "1:1: listen is missing; give HOST:PORT, e.g. 127.0.0.1:4190, or 0.0.0.0:4190 for all addresses of this machine.",
      "1:1: store is missing; give the directory of the store.",
    ]);
    expect(await faultsOf("")).toHaveLength(2);
    expect(await faultsOf("- a\n- b\n")).toEqual(["1:1: The configuration is a list; give a mapping of settings."]);
  });

  test("text that is not YAML, a key given twice, aliases without end", async () => {
    expect(await faultsWith("peers: [")).toEqual([expect.stringMatching(/^5:1: This is not valid YAML: .*\.$/)]);
    expect(await faultsWith("node: b")).toEqual([expect.stringMatching(/^4:1: This is not valid YAML: map keys must/)]);
    const bomb = Array.from({ length: 12 }, (_, i) => `x${i}: &x${i} [${Array(10).fill(i ? `*x${i - 1}` : "x")}]`);
    expect(await faultsWith(...bomb)).toEqual([expect.stringMatching(/too many aliases/)]);
  });

  test("a file that is not there", async () => {
    expect(await refuse(["serve", "--config", join(await tempDirectory(), "none.yaml")], 2)).toMatch(/ENOENT/);
  });
});

describe("faults of settings that do not go together", () => {
  test("peers: names given twice, the node's own name, no way to reach or to know it", async () => {
    const faults = await faultsWith(
      "peers:",
      "  - { name: b, url: 'ws://127.0.0.1:1' }",
      "  - { name: b, url: 'ws://127.0.0.1:2' }",
      "  - { name: a, url: 'ws://127.0.0.1:3' }",
      "  - name: c",
      "  - { name: d, url: 'ws://127.0.0.1:4', secretFile: secret, secretEnv: X }",
      "  - { name: e, certificate: e.example }",
      `  - { name: f, url: 'ws://127.0.0.1:5', tls: { cert: ${certificatePath("mail2")} } }`,
    );
    expect(faults).toEqual([
      '6:13: There is a peer "b" already; give each its own name.',
      '7:13: The peer "a" has the name of this node; give each node a name of its own, see node.',
      '8:5: The peer "c" has neither a url nor credentials; give a url, a secretFile or a certificate.',
      "9:72: The secret is given twice, by secretFile and secretEnv; leave one of them out.",
      "10:29: A certificate is asked of this peer, but none can be verified; give tls with cert, key and clientCa.",
      "11:46: A client certificate and its key go together; give both or none.",
      "11:46: These tls settings are for connections to a wss:// url; give the peer such a url.",
    ]);
  });

  test("secrets that are missing, readable by others, too short, not set", async () => {
    const faults = await faultsWith(
      "peers:",
      "  - { name: b, secretFile: nowhere }",
      "  - { name: c, secretFile: open }",
      "  - { name: d, secretFile: short }",
      "  - { name: e, secretEnv: TANDEM_TEST_NOT_SET }",
    );
    expect(faults.map((line) => line.slice(0, line.indexOf(" ")))).toEqual(["5:28:", "6:28:", "7:28:", "8:27:"]);
    expect(faults[0]).toMatch(/nowhere/);
    expect(faults[1]).toMatch(/Others may read .*open/);
    expect(faults[2]).toMatch(/short.*16/);
    expect(faults[3]).toMatch(/TANDEM_TEST_NOT_SET is not set/);
    expect(faults.join()).not.toContain(SECRET);
    expect(faults.join()).not.toContain("abc");
  });

  test("certificates that are missing, or no certificates", async () => {
    expect(await faultsWith("tls: { cert: nowhere.pem, key: secret }")).toEqual([
      expect.stringMatching(/^4:6: .*nowhere.pem cannot be read \(ENOENT\)/),
    ]);
    expect(await faultsWith("tls: { cert: tandem.yaml, key: secret }")).toEqual([
      expect.stringMatching(/^4:6: .*tandem.yaml is no PEM file/),
    ]);
  });

  test("an address that others reach needs peers who prove themselves, or a clear word", async () => {
    const open = BASE.replace("127.0.0.1:0", "0.0.0.0:0");
    expect(await faultsOf(open)).toEqual([
      expect.stringMatching(/^3:9: Everybody who reaches 0\.0\.0\.0 .*unauthenticated/),
    ]);
    const peers = "peers:\n  - { name: b, url: 'ws://b.example:1' }\n  - { name: c, secretFile: secret }\n";
    expect(await faultsOf(open + peers)).toEqual([expect.stringMatching(/^3:9: "b" would be let in by name alone/)]);
    const file = await configured(`${open}${peers}unauthenticated: true\n`);
    await succeed(["serve", "--config", file, "--check"]);
  });

  test("a port in use is no fault of the configuration: trying again may help; also that of the metrics", async () => {
    const port = await freePort();
    const first = await startDaemon([await newStore(), "--listen", `127.0.0.1:${port}`]);
    const file = await configured(BASE.replace(":0", `:${port}`));
    expect(await refuse(["serve", "--config", file])).toMatch(new RegExp(`^${file}:3:9: Port ${port} .* in use`));
    const other = await configured(`${BASE}metrics: 127.0.0.1:${port}\n`);
    expect(await refuse(["serve", "--config", other])).toMatch(new RegExp(`^${other}:4:10: Port ${port} .* in use`));
    for (const config of [file, other]) expect(existsSync(join(dirname(config), "mail"))).toBe(false);
    expect(await first.end()).toBe(0);
  });

  test("a store that is none", async () => {
    const file = await configured(BASE);
    await writeFile(join(file, "../mail"), "a file");
    for (const more of [[], ["--check"]])
      expect(await refuse(["serve", "--config", file, ...more], 2)).toMatch(
        new RegExp(`^${file}:1:8: .*no.* directory`),
      );
    const given = ["serve", join(file, ".."), "--listen", "127.0.0.1:0"];
    for (const more of [[], ["--check"]])
      expect(await refuse([...given, ...more], 2)).toMatch(/^STORE: .* holds other files/);
    expect(await refuse(["serve", "127.0.0.1:4190", "--listen", "127.0.0.1:0"], 2)).toMatch(/^STORE: .* looks like/);
    expect(await refuse(["serve", "", "--listen", "127.0.0.1:0"], 2)).toMatch(
      /^STORE: store is ""; give the directory/,
    );
  });
});

describe("--check", () => {
  test("starts nothing and says that all is well; relative paths are relative to the file", async () => {
    const file = await configured(`${BASE}peers: [{ name: b, secretFile: secret, url: 'ws://127.0.0.1:1' }]\n`);
    const { stdout } = await succeed(["serve", "--config", file, "--check"]);
    expect(stdout).toBe(`the configuration is fine: node a, store ${join(file, "../mail")}, peers b\n`);
    const { stdout: json } = await succeed(["serve", "--config", file, "--check", "--json"]);
    expect(JSON.parse(json)).toEqual({ ok: true, node: "a", store: join(file, "../mail"), peers: ["b"] });
    expect(existsSync(join(file, "../mail"))).toBe(false);
  });

  test("finds what is wrong", async () => {
    expect(await refuse(["serve", "--config", await configured("store: mail\n"), "--check"], 2)).toMatch(/listen/);
  });
});

describe("options", () => {
  test("win over the file, and are named where they are wrong", async () => {
    const file = await configured(`${BASE}peers:\n  - { name: b, url: 'ws://127.0.0.1:1', secretEnv: NOT_SET_HERE }\n`);
    const directory = join(file, "..");
    const args = ["--peer", "b=ws://127.0.0.1:2", "--secret-file", join(directory, "secret"), "--peer", "c"];
    const { stdout } = await succeed(["serve", "other", "--config", file, "--check", "--json", "--node", "z", ...args]);
    expect(JSON.parse(stdout)).toEqual({ ok: true, node: "z", store: "other", peers: ["b", "c"] });
    const base = ["serve", await newStore(), "--listen", "127.0.0.1:0", "--check"];
    expect(await refuse([...base, "--parallel", "many"], 2)).toBe(
      '--parallel: parallel is "many"; give a whole number of mailboxes from 1 to 1024.',
    );
    expect(await refuse([...base, "--peer", "b=nonsense"], 2)).toMatch(/^--peer: url is "nonsense"/);
    expect(await refuse([...base, "--peer", "b=ws://127.0.0.1:1", "--peer", "b=ws://127.0.0.1:2"], 2)).toMatch(
      /^--peer: There is a peer "b" already/,
    );
    expect(await refuse([...base, "--peer", "b"], 2)).toMatch(/neither a url nor credentials/);
    expect(await refuse([...base, "--tls-cert", "x.pem"], 2)).toMatch(/key is missing/);
    expect(await refuse([...base, "--peer", "b", "--secret-file", "nowhere"], 2)).toMatch(/^--secret-file: .*nowhere/);
  });

  test("--peer-set sets what the file has for a peer; what is wrong with it is told without its value", async () => {
    const directory = await tempDirectory({ secret: SECRET });
    await chmod(join(directory, "secret"), 0o600);
    const set = (...texts: string[]) => texts.flatMap((text) => ["--peer-set", text]);
    const base = ["serve", await newStore(), "--listen", "127.0.0.1:0", "--check", "--peer", "mail.b.org"];
    const secret = set(`mail.b.org.secretFile=${join(directory, "secret")}`);
    const limits = set("mail.b.org.accounts=*@b.org", "mail.b.org.accounts=ann", "mail.b.org.readOnly=true");
    const more = ["--log", "info", "--connections", "9", "--unproven-connections", "3", "--frames-per-second", "100"];
    await succeed([...base, ...secret, ...limits, ...more, "--unproven-seconds", "5"]);
    await succeed([...base, ...secret], { env: { TANDEM_SECRET: "too short" } });
    expect(await refuse([...base, ...secret, "--log", "loud"], 2)).toMatch(
      /^--log: log is "loud"; give one of trace, /,
    );
    expect(await refuse([...base, ...secret, "--connections", "no"], 2)).toMatch(/^--connections: connections is "no"/);
    expect(await refuse([...base, ...secret, ...set("mail.b.org.readOnly=maybe")], 2)).toMatch(
      /^--peer-set: readOnly is "maybe"; give true or false/,
    );
    expect(await refuse([...base, ...set("other.readOnly=true")], 2)).toMatch(/no peer "other", but "mail.b.org"/);
    for (const text of [`mail.b.org.secret=${SECRET}`, `mail.b.org.secretEnv=${SECRET}!`]) {
      const told = await refuse([...base, ...set(text)], 2);
      expect(told).toMatch(/^--peer-set: /);
      expect(told).not.toContain(SECRET);
    }
  });

  test("a peer that --peer-set limits is limited", async () => {
    const [store, other] = [await newStore(), await newStore()];
    for (const account of ["ann", "bob"])
      await succeed(["append", store, "INBOX", "--account", account], { input: "Subject: x\n\nx\n" });
    const limits = ["--peer", "b", "--peer-set", "b.secretEnv=SECRET_OF_B", "--peer-set", "b.accounts=ann"];
    const node = await startDaemon([store, "--listen", "127.0.0.1:0", ...limits], { env: { SECRET_OF_B: SECRET } });
    await succeed(["sync", node.url, other, "--node", "b"], { env: { TANDEM_SECRET: SECRET } });
    expect((await succeed(["ls", other, "--json"])).stdout).toMatch(/^[^\n]*"account":"ann"[^\n]*\n$/);
    expect(await node.end()).toBe(0);
  });

  test("TANDEM_SECRET is the secret of the peers that options name; TANDEM_LOG has to be a level", async () => {
    const args = ["serve", await newStore(), "--listen", "0.0.0.0:0", "--check", "--peer", "b"];
    const { code, stderr } = await tandem(args);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^tandem: --listen: "b" .*\ntandem: --peer: /),
    });
    await succeed(args, { env: { TANDEM_SECRET: SECRET } });
    await succeed([...args, "--allow-unauthenticated"]);
    expect(await refuse(args, 2, { env: { TANDEM_SECRET: SECRET, TANDEM_LOG: "loud" } })).toMatch(
      /^TANDEM_LOG is "loud"/,
    );
  });

  test("without a configuration file, STORE and --listen are needed", async () => {
    expect(await refuse(["serve"], 2)).toMatch(/missing required argument 'store', or --config/);
    expect(await refuse(["serve", "store"], 2)).toMatch(/--listen <host:port>' not specified/);
  });
});
