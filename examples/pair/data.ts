/**
 * The data directory of a pair: two stores, a configuration file for each server, and the secret that they share.
 */
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { TandemError } from "../../src/index.ts";
import { makeDirectories } from "../../src/store/embedded/make-directories.ts";

/** The two servers, by their names. */
export const NODES = ["a", "b"] as const;
export type NodeName = (typeof NODES)[number];

/** Where everything of one server is. */
export interface NodePaths {
  readonly store: string;
  readonly config: string;
}

const MARK = '# Made by "npm start" of Tandem, anew at each start';
/** Who runs on the directory: process ids. */
const RUNNING = "running";
/** Ports that no system gives out by itself, so that a server that was killed finds its port free. */
const PORTS = { from: 20_000, to: 30_000 };
const ONLY_OWNER = 0o600;

export function otherNode(name: NodeName): NodeName {
  return name === "a" ? "b" : "a";
}

export function pathsOf(data: string, node: NodeName): NodePaths {
  return { store: join(data, node), config: join(data, `${node}.yaml`) };
}

/**
 * Makes the directory, or goes on with one that an earlier start made, and writes both configuration files.
 * @throws TandemError `invalid-argument` if there is something else, or a pair runs on it already.
 */
export async function prepareData(data: string): Promise<void> {
  await makeDirectories(data, 0o700).catch((error: NodeJS.ErrnoException) => {
    throw new TandemError(
      "invalid-argument",
      `${data} cannot be made (${error.code}); give another directory by --data.`,
    );
  });
  await refuseForeign(data);
  await refuseRunning(data);
  const [a, b] = [await freePort(), await freePort()];
  const ports = { a, b: a === b ? await freePort() : b };
  for (const node of NODES) await writePrivate(pathsOf(data, node).config, configuration(node, ports));
  await noteRunning(data, [process.pid]);
  await writeFile(join(data, "secret"), `${randomBytes(32).toString("base64url")}\n`, {
    mode: ONLY_OWNER,
    flag: "wx",
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** Notes who runs on the directory, for the next start. */
export async function noteRunning(data: string, pids: readonly number[]): Promise<void> {
  await writePrivate(join(data, RUNNING), `${pids.join(" ")}\n`);
}

/** Nobody runs any more. */
export async function noteEnded(data: string): Promise<void> {
  await rm(join(data, RUNNING), { force: true });
}

async function refuseForeign(data: string): Promise<void> {
  const names = await readdir(data);
  if (names.length === 0) return;
  const config = await readFile(pathsOf(data, "a").config, "utf8").catch(() => "");
  if (!config.startsWith(MARK))
    throw new TandemError(
      "invalid-argument",
      `${data} holds something else, which is left as it is; give another directory by --data.`,
    );
}

async function refuseRunning(data: string): Promise<void> {
  const noted = await readFile(join(data, RUNNING), "utf8").catch(() => "");
  const alive = noted
    .split(/\s+/)
    .map(Number)
    .filter((pid) => pid > 0 && isAlive(pid));
  if (alive.length > 0)
    throw new TandemError(
      "invalid-argument",
      `A pair runs on ${data} already (process ${alive.join(", ")}); end it first, or give another directory by --data. ` +
        `If these processes are something else, remove ${join(data, RUNNING)}.`,
    );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function configuration(node: NodeName, ports: Readonly<Record<NodeName, number>>): string {
  const peer = otherNode(node);
  return `${MARK}: one of two mail servers that keep each other identical.
# It can be run by hand, too: npx tandem serve --config ${node}.yaml
store: ${node}
node: ${node}
listen: 127.0.0.1:${ports[node]}
# Every exchange is told on stderr, which the view reads.
log: debug
peers:
  - name: ${peer}
    url: ws://127.0.0.1:${ports[peer]}
    secretFile: secret
`;
}

async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: ONLY_OWNER });
}

async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    const free = await new Promise<number | null>((resolve) => {
      server.once("error", () => resolve(null));
      const port = randomInt(PORTS.from, PORTS.to);
      server.listen(port, "127.0.0.1", () => resolve(port));
    });
    if (free === null) continue;
    server.close();
    await once(server, "close");
    return free;
  }
}
