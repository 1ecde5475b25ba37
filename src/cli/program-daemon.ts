/**
 * The commands of the daemon on the command line: running it, and looking after it.
 */
import { type Command, Option } from "commander";
import { command, json, NEW_STORE, OLD_STORE } from "./command.ts";
import { DEFAULT_MAX_LAG_SECONDS } from "./health.ts";
import type { AllowOptions, PeerOption, ServeOptions, StatusOptions, WaitOptions } from "./options.ts";
import { run, USAGE } from "./run.ts";

/** Adds `serve`, `status`, `wait`, `allow` and `forget`. */
export function addDaemon(program: Command): void {
  addServe(program);
  json(command(program, "status"))
    .argument("<store>", OLD_STORE)
    .option("--peer <name>", "only this peer (default: all)")
    .option("--max-lag <seconds>", "how long a mailbox may wait", String(DEFAULT_MAX_LAG_SECONDS))
    .action((store: string, options: StatusOptions) =>
      run(async () => (await import("./commands/status.ts")).runStatus(store, options), USAGE),
    );
  json(command(program, "wait"))
    .argument("<store>", OLD_STORE)
    .addOption(onePeer())
    .option("--timeout <seconds>", "give up after so long (default: never)")
    .action((store: string, options: WaitOptions) =>
      run(async () => (await import("./commands/wait.ts")).runWait(store, options), USAGE),
    );
  json(command(program, "allow"))
    .argument("<store>", OLD_STORE)
    .addOption(onePeer())
    .option("--account <name>", "only what is held of this account (default: all)")
    .action((store: string, options: AllowOptions) =>
      run(async () => (await import("./commands/allow.ts")).runAllow(store, options), USAGE),
    );
  json(command(program, "forget"))
    .argument("<store>", OLD_STORE)
    .addOption(onePeer("name of the peer, or the epoch of its store"))
    .action((store: string, options: PeerOption) =>
      run(async () => (await import("./commands/forget.ts")).runForget(store, options), USAGE),
    );
}

function addServe(program: Command): void {
  json(command(program, "serve"))
    .argument("[store]", `${NEW_STORE}; may be named in the configuration file instead`)
    .option("--config <file>", "configuration file; options win over it")
    .option("--check", "only check the configuration, secrets and certificates included")
    .option("--listen <host:port>", "address to listen on; port 0 takes a free one")
    .option("--node <name>", "name of this node, by which its peers know it (default: the host name)")
    .option(
      "--peer <name=url>",
      "a peer to keep up to date; only NAME: one that connects here; may be repeated",
      collect,
    )
    .option("--peer-set <name.key=value>", "a setting of one peer, see below; may be repeated", collect)
    .option("--secret-file <file>", "file with the secret shared with the peers named by --peer")
    .option("--tls-cert <file>", "certificate of this node (PEM); it then listens on wss://")
    .option("--tls-key <file>", "key of that certificate")
    .option("--client-ca <file>", "certificate authority of the peers' client certificates")
    .option("--ca-file <file>", "certificate authority of the peers named by --peer (default: those of the system)")
    .option("--metrics <host:port>", "address for /metrics (Prometheus) and /healthz")
    .option("--parallel <mailboxes>", "mailboxes in flight at once with each peer")
    .option("--survey <seconds>", "how often each peer is asked what differs, besides what is told of")
    .option("--connections <count>", "connections to this node at once")
    .option("--unproven-connections <count>", "of these the ones that have not proven themselves")
    .option("--unproven-seconds <seconds>", "how long a connection may take to prove itself")
    .option("--frames-per-second <count>", "frames a second on one connection; what comes faster waits")
    .option("--log <level>", "least level logged; TANDEM_LOG wins (default: warn)")
    .option("--scrub-rate <KiB>", "how much is read a second in search of damage; 0 turns it off")
    .option("--scrub-days <days>", "how long from the beginning of one round of that to the next")
    .option("--allow-unauthenticated", "let in who proves nothing, also from other machines")
    .action((store: string | undefined, options: ServeOptions, self: Command) => {
      if (options.config === undefined) needArguments(self, store, options);
      return run(async () => (await import("./commands/serve.ts")).runServe(store, options));
    });
}

/** Without a configuration file. Throws what commander throws for a wrong command line. */
function needArguments(self: Command, store: string | undefined, { listen }: ServeOptions): void {
  if (store === undefined) self.error("error: missing required argument 'store', or --config <file>");
  if (listen === undefined) self.error("error: required option '--listen <host:port>' not specified");
}

function collect(value: string, all: readonly string[] = []): readonly string[] {
  return [...all, value];
}

function onePeer(what = "name of the peer"): Option {
  return new Option("--peer <name>", what).makeOptionMandatory();
}
