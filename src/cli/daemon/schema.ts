/**
 * The configuration of the daemon: every setting with its type, its limits and its default.
 *
 * The text of an error says what would be right, e.g. "HOST:PORT, e.g. 127.0.0.1:4190"; the rest of the sentence is
 * made where the setting stands (`faults.ts`).
 */
import { z } from "zod";
import { MAX_LABEL_BYTES } from "../../../protocol/limits.ts";
import { DEFAULT_PARALLEL, DEFAULT_SURVEY_MS } from "../../replicator/replicator.ts";
import { DEFAULT_SCRUB } from "../../replicator/scrub.ts";
import { nodeName } from "../introduction.ts";

/** Where to listen. */
export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export const DAY_MS = 86_400_000;

const HOST_PORT = "HOST:PORT, e.g. 127.0.0.1:4190, or 0.0.0.0:4190 for all addresses of this machine";
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):(\d{1,5})$/;

const address = z.string(HOST_PORT).transform((text, context): Address => {
  const [, host = "", digits] = ADDRESS.exec(text) ?? [];
  const port = Number(digits);
  if (port <= 65_535) return { host: host.replace(/^\[|\]$/g, ""), port };
  context.addIssue({ code: "custom", message: HOST_PORT });
  return z.NEVER;
});

const file = text("the path of a file");
const list = "a list";

/** Text of at least one character. */
function text(right: string) {
  return z.string(right).min(1, right);
}

function name(right: string) {
  return text(right).refine((value) => Buffer.byteLength(value) <= MAX_LABEL_BYTES, `${right}, at most 255 bytes`);
}

function flag(whenSet: boolean) {
  return z.boolean("true or false").default(whenSet);
}

function whole(least: number, most: number, what: string) {
  const right = `a whole number of ${what} from ${least} to ${most}`;
  return z.int(right).min(least, right).max(most, right);
}

const peerTls = z.strictObject(
  {
    /** Certificate authority that the peer's certificate must come from; the machine's own list by default. */
    ca: file.optional(),
    /** Client certificate and its key, with which this node proves itself to the peer. */
    cert: file.optional(),
    key: file.optional(),
    /** False: the peer's certificate is not looked at. */
    verify: flag(true),
  },
  'a mapping with "ca", "cert", "key" or "verify"',
);

const peer = z.strictObject(
  {
    /** The node's name, as it says it itself; its channel in the store has the same. */
    name: name("the name of the node, as in its own setting node"),
    /** Where it listens. Without one, it only connects here. */
    url: z
      .string("ws://host:port or wss://host:port")
      .refine(isNodeUrl, "ws://host:port or wss://host:port")
      .optional(),
    /** File with the secret that both nodes share. */
    secretFile: file.optional(),
    /** Environment variable with that secret. */
    secretEnv: z
      .string("the name of an environment variable, e.g. TANDEM_SECRET")
      .regex(/^[A-Za-z_]\w*$/, "the name of an environment variable, e.g. TANDEM_SECRET")
      .optional(),
    /** Name that the peer's verified TLS client certificate must carry when it connects here. */
    certificate: text("a name in the peer's client certificate, e.g. mail2.example.org").optional(),
    tls: peerTls.optional(),
    /** Accounts that this peer may see, and that are brought to it: names, or patterns with *. All by default. */
    accounts: z
      .array(text("an account or a pattern with *"), `${list} of accounts or patterns, e.g. ["*@example.org"]`)
      .optional(),
    /** True: the peer may not change anything here. */
    readOnly: flag(false),
  },
  "a mapping with at least a name",
);

const limits = z.strictObject(
  {
    /** Exchanges of single mailboxes at once with each peer. */
    parallel: whole(1, 1024, "mailboxes").default(DEFAULT_PARALLEL),
    /** Seconds after which each peer is asked again what differs. */
    survey: whole(1, 86_400, "seconds").default(DEFAULT_SURVEY_MS / 1000),
    /** Connections to this node at once. */
    connections: whole(1, 100_000, "connections").optional(),
    /** Of these the ones that have not proven themselves yet. */
    unprovenConnections: whole(1, 100_000, "connections").optional(),
    /** Seconds until a connection must have proven itself. */
    unprovenSeconds: whole(1, 3600, "seconds").optional(),
    /** Frames a second on one connection; what comes faster waits. */
    framesPerSecond: whole(1, 10_000_000, "frames").optional(),
  },
  "a mapping of limits",
);

const scrub = z.strictObject(
  {
    /** Most KiB a second that the scrub reads; 0 turns it off. */
    rate: whole(0, 10_000_000, "KiB a second").default(DEFAULT_SCRUB.bytesPerSecond / 1024),
    /** Days from the beginning of one round to that of the next, at least. */
    days: whole(1, 3650, "days").default(DEFAULT_SCRUB.roundMs / DAY_MS),
  },
  'a mapping with "rate" or "days"',
);

const tls = z.strictObject(
  {
    /** The certificate (chain) of this node and its key, PEM. */
    cert: file,
    key: file,
    /** Certificate authority of the peers' client certificates, PEM. */
    clientCa: file.optional(),
  },
  'a mapping with "cert" and "key"',
);

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export const configuration = z.strictObject(
  {
    /** Directory of the store; made if it is not there. */
    store: text("the directory of the store"),
    /** The name of this node, by which its peers know it; the host name by default. */
    node: name("the name of this node, in quotes if it looks like a number").default(nodeName),
    /** Where peers connect to. */
    listen: address,
    tls: tls.optional(),
    /** Where `/metrics` and `/healthz` are served. */
    metrics: address.optional(),
    /** True: let peers in by their mere name, and without `peers` everybody, also from other machines. */
    unauthenticated: flag(false),
    /** Least level of what is logged; the environment variable TANDEM_LOG wins over it. */
    log: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(", ")}`).default("warn"),
    /** The other nodes. Without this list, everybody who can reach the port is let in. */
    peers: z.array(peer, `${list} of peers`).default([]),
    limits: limits.prefault({}),
    /** How the store is looked through for damage. */
    scrub: scrub.prefault({}),
  },
  "a mapping of settings",
);

/** What the daemon is told to do. Paths of files are as they were given. */
export type Settings = z.output<typeof configuration>;
export type PeerSettings = Settings["peers"][number];

function isNodeUrl(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^wss?:$/.test(parsed.protocol) || parsed.port === "0") return false;
  // What is in a URL gets into logs; a password there would, too.
  return parsed.hash === "" && parsed.username === "" && parsed.password === "";
}

/** The keys that a mapping at `path` may have; none if there is no mapping. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let at: unknown = configuration;
  for (const step of path) {
    const inner = unwrapped(at);
    at =
      inner instanceof z.ZodObject ? inner.shape[step as string] : inner instanceof z.ZodArray ? inner.element : null;
  }
  const mapping = unwrapped(at);
  return mapping instanceof z.ZodObject ? Object.keys(mapping.shape) : [];
}

/** What is inside optional settings and those with a default. */
function unwrapped(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) at = at.unwrap();
  return at;
}
