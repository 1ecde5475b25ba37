/**
 * How this node introduces itself to others and whom it trusts, from the options of the commands that connect.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { MAX_LABEL_BYTES } from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";
import type { Credential, Random } from "../sync/trust.ts";
import type { ConnectOptions } from "../transport/websocket.ts";
import type { TrustOptions } from "./options.ts";
import { readSecretFile, secretFromEnvironment } from "./secrets.ts";

/** Environment variable with the secret, where there is no file. */
export const SECRET_VARIABLE = "TANDEM_SECRET";

/** What connecting to a node takes. */
export interface Introducing {
  readonly node: string;
  readonly credential: Credential;
  readonly random: Random;
  readonly connect: ConnectOptions;
}

/** Name of this node, where none is given. */
export function nodeName(): string {
  return hostname().slice(0, MAX_LABEL_BYTES) || "tandem";
}

/** @throws TandemError `invalid-argument` if a file or the secret in it cannot be used. */
export function introductionFrom(options: TrustOptions): Introducing {
  const { secretFile, caFile, certFile, keyFile } = options;
  const secret = secretFile === undefined ? secretFromEnvironment(SECRET_VARIABLE) : readSecretFile(secretFile);
  const tls = { ...readPem("ca", caFile), ...readPem("cert", certFile), ...readPem("key", keyFile) };
  return {
    node: checkedNode(options.node ?? nodeName()),
    credential: { secret, peer: null },
    random: randomBytes,
    connect: { tls },
  };
}

function readPem<Name extends string>(name: Name, path: string | undefined): { [Key in Name]?: string } {
  if (path === undefined) return {};
  try {
    return { [name]: readFileSync(path, "utf8") } as { [Key in Name]?: string };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TandemError("invalid-argument", `The file ${path} cannot be read (${code}); check path and owner.`);
  }
}

function checkedNode(name: string): string {
  if (name !== "" && Buffer.byteLength(name) <= MAX_LABEL_BYTES) return name;
  throw new TandemError(
    "invalid-argument",
    `The name of a node has 1 to ${MAX_LABEL_BYTES} bytes; give --node another.`,
  );
}
