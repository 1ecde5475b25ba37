/** Two daemons that keep each other up to date, as an administrator would configure them. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PeerStatus, readStatus } from "../../src/replicator/status.ts";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { freePort } from "../transport/free-ports.ts";
import { tempDirectory } from "./helpers.ts";
import { type Node, type NodeOptions, startDaemon } from "./nodes.ts";

export const SECRET = "a secret that both nodes share, 0123456789";

export interface Side {
  readonly name: string;
  readonly peer: string;
  readonly store: string;
  /** The configuration file, and the directory it is in. */
  readonly config: string;
  readonly directory: string;
  start(options?: NodeOptions): Promise<Node>;
  setSecret(secret: string, mode?: number): Promise<void>;
}

export interface SideOptions {
  readonly scheme?: string;
  /** Lines added to the configuration, and to the entry of its peer. */
  readonly more?: readonly string[];
  readonly peer?: readonly string[];
  readonly secret?: string;
}

/** Configurations, secrets and stores of two nodes named a and b; nothing runs yet. */
export async function makePair(a: SideOptions = {}, b: SideOptions = a): Promise<{ a: Side; b: Side }> {
  const [portA, portB] = [await freePort(), await freePort()];
  return {
    a: await makeSide("a", portA, { name: "b", port: portB }, a),
    b: await makeSide("b", portB, { name: "a", port: portA }, b),
  };
}

async function makeSide(
  name: string,
  port: number,
  other: { readonly name: string; readonly port: number },
  { scheme = "ws", more = [], peer = [], secret = SECRET }: SideOptions,
): Promise<Side> {
  const lines = [
    "store: store",
    `node: ${name}`,
    `listen: 127.0.0.1:${port}`,
    ...more,
    "peers:",
    `  - name: ${other.name}`,
    `    url: ${scheme}://127.0.0.1:${other.port}`,
    "    secretFile: secret",
    ...peer.map((line) => `    ${line}`),
  ];
  const directory = await tempDirectory({ "tandem.yaml": `${lines.join("\n")}\n` });
  const config = join(directory, "tandem.yaml");
  const setSecret = async (text: string, mode = 0o600) => {
    await writeFile(join(directory, "secret"), `${text}\n`, { mode });
    await chmod(join(directory, "secret"), mode);
  };
  await setSecret(secret);
  const start = (options?: NodeOptions) => startDaemon(["--config", config], options);
  return { name, peer: other.name, store: join(directory, "store"), config, directory, start, setSecret };
}

/** Resolves with the status of a side's peer once it is as wanted; asks whenever the change log may have changed. */
export async function untilStatus(side: Side, isWanted: (status: PeerStatus) => boolean): Promise<PeerStatus> {
  const store = await openEmbeddedStore(side.store);
  let wake = () => {};
  const unwatch = store.log.watch(() => wake());
  // The watch alone does not keep a process alive, but a test runner lives anyway.
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const status = (await readStatus(store, Date.now())).find(({ peer }) => peer === side.peer);
      if (status !== undefined && isWanted(status)) return status;
      await changed;
    }
  } finally {
    unwatch();
    await store.close();
  }
}
