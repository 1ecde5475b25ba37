/**
 * Secrets and certificates of the daemon: read at the start, and again when it is told to. What cannot be read again
 * stays as it was.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { TandemError } from "../../model/errors.ts";
import { type ConnectTls, checkConnectTls, type ListenTls, serverTls } from "../../transport/tls.ts";
import { readSecretFile, secretFromEnvironment } from "../secrets.ts";
import type { SettingFault } from "./faults.ts";
import type { PeerSettings, Settings } from "./schema.ts";
import type { Path } from "./source.ts";

/** One thing to read: its place in the settings, and how; nothing is changed if it throws. */
interface Reading {
  readonly path: Path;
  readonly read: () => Promise<void>;
}

export class Credentials {
  readonly #settings: Settings;
  readonly #base: string;
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #peerTls = new Map<string, ConnectTls>();
  #listenTls: ListenTls | null = null;

  /** @param base directory that relative paths start from. Nothing is read yet. */
  constructor(settings: Settings, base: string) {
    this.#settings = settings;
    this.#base = base;
  }

  /** The secret shared with a peer, null if there is none. */
  secret(peer: string): Uint8Array | null {
    return this.#secrets.get(peer) ?? null;
  }

  /** How to connect to a peer by TLS. */
  peerTls(peer: string): ConnectTls {
    return this.#peerTls.get(peer) ?? {};
  }

  /** The certificate of this node, null if it listens without TLS. */
  get listenTls(): ListenTls | null {
    return this.#listenTls;
  }

  /** Reads everything and returns what could not be read, in sentences that name files but tell nothing of secrets. */
  async read(): Promise<SettingFault[]> {
    const faults: SettingFault[] = [];
    for (const { path, read } of this.#readings()) {
      try {
        await read();
      } catch (error) {
        faults.push({ path, sentence: sentenceOf(error) });
      }
    }
    return faults;
  }

  *#readings(): Generator<Reading> {
    const { tls, peers } = this.#settings;
    if (tls !== undefined) yield { path: ["tls"], read: () => this.#readOwnTls(tls) };
    for (const [index, peer] of peers.entries()) {
      const { name, tls: peerTls } = peer;
      const path = (key: string) => ["peers", index, key];
      const read = async () => void this.#secrets.set(name, await this.#readSecret(peer));
      if (peer.secretFile !== undefined) yield { path: path("secretFile"), read };
      else if (peer.secretEnv !== undefined) yield { path: path("secretEnv"), read };
      if (peerTls !== undefined)
        yield { path: path("tls"), read: async () => void this.#peerTls.set(name, await this.#tlsOf(peerTls)) };
    }
  }

  async #readSecret({ secretFile, secretEnv }: PeerSettings): Promise<Uint8Array> {
    if (secretFile !== undefined) return readSecretFile(this.#resolved(secretFile));
    const secret = await secretFromEnvironment(secretEnv ?? "");
    if (secret !== null && secret !== undefined) return secret;
    throw new TandemError(
      "invalid-argument",
      `The environment variable ${secretEnv} is not set; set it to the secret.`,
    );
  }

  async #readOwnTls({ cert, key, clientCa }: NonNullable<Settings["tls"]>): Promise<void> {
    const read = { cert: await this.#pem(cert), key: await this.#pem(key) };
    const tls = clientCa === undefined ? read : { ...read, clientCa: await this.#pem(clientCa) };
    serverTls(tls);
    this.#listenTls = tls;
  }

  async #tlsOf({ verify, ...files }: NonNullable<PeerSettings["tls"]>): Promise<ConnectTls> {
    const tls: { -readonly [K in keyof ConnectTls]: ConnectTls[K] } = { verify };
    for (const what of ["ca", "cert", "key"] as const) {
      const file = files[what];
      if (file !== undefined) tls[what] = await this.#pem(file);
    }
    checkConnectTls(tls);
    return tls;
  }

  async #pem(file: string): Promise<string> {
    const path = this.#resolved(file);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw new TandemError("invalid-argument", `${path} cannot be read (${error.code}); give a PEM file.`);
    });
    if (text.includes("-----BEGIN ")) return text;
    throw new TandemError("invalid-argument", `${path} is no PEM file; it has to have a line "-----BEGIN ...".`);
  }

  #resolved(path: string): string {
    return resolve(this.#base, path);
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof TandemError ? error.message : `It cannot be read: ${error}.`;
}
