/**
 * What the daemon measures, as Prometheus reads it: gauges from the store's change log when asked, counters from events.
 */
import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ReplicatorEvent } from "../../replicator/events.ts";
import type { PeerStatus, StoreHealth } from "../../replicator/status.ts";

/** Every metric of Tandem's own, with its help; those of the process come from the library. */
export const METRICS = {
  tandem_peer_connected: "1 if the channel to the peer is connected, else 0",
  tandem_waiting_mailboxes: "Mailboxes that the peer may not have as they are here",
  tandem_oldest_waiting_seconds: "How long the oldest of them waits; 0 if none does",
  tandem_failing_mailboxes: "Mailboxes whose last attempt failed",
  tandem_exchanges_total: "Exchanges of a mailbox with the peer that were done",
  tandem_exchange_failures_total:
    "Exchanges that failed, by error code; of failures in a row the 1st, 2nd, 4th, 8th...",
  tandem_records_total: "Records moved to and from the peer",
  tandem_bodies_total: "Message bodies moved to and from the peer",
  tandem_exchange_seconds: "How long exchanges of a mailbox took",
  tandem_faults: "Faults found in this node's own store that are not repaired",
  tandem_faults_found_total: "Faults found in this node's own store, by error code",
  tandem_faults_repaired_total: "Of these the ones that were repaired",
  tandem_scrub_finished_seconds: "When the scrub last came to an end, in seconds since 1970; 0 if it never did",
  tandem_replica_connections: "Open connections of other nodes to this one",
} as const;

export type MetricName = keyof typeof METRICS;

/** From a mailbox with one new message on a fast line to one that is brought whole over a slow one. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

type PeerGauge =
  | "tandem_peer_connected"
  | "tandem_waiting_mailboxes"
  | "tandem_oldest_waiting_seconds"
  | "tandem_failing_mailboxes";
type FaultCounter = "tandem_faults_found_total" | "tandem_faults_repaired_total";
type StoreGauge = "tandem_faults" | "tandem_scrub_finished_seconds";
type PeerCounter = "tandem_exchanges_total" | "tandem_records_total" | "tandem_bodies_total";

export class Metrics {
  readonly #registry: Registry;
  readonly #gauges: Record<PeerGauge, Gauge<"peer">>;
  readonly #counters: Record<PeerCounter, Counter<"peer">>;
  readonly #failures: Counter<"peer" | "code">;
  readonly #seconds: Histogram<"peer">;
  readonly #connections: Gauge;
  readonly #faultCounters: Record<FaultCounter, Counter<"code">>;
  readonly #store: Record<StoreGauge, Gauge>;

  private constructor(prom: typeof import("prom-client")) {
    const registry = new prom.Registry();
    this.#registry = registry;
    const about = <N extends MetricName>(name: N) => ({ name, help: METRICS[name], registers: [registry] });
    const gauge = (name: PeerGauge) => new prom.Gauge({ ...about(name), labelNames: ["peer"] });
    const counter = (name: PeerCounter) => new prom.Counter({ ...about(name), labelNames: ["peer"] });
    this.#gauges = {
      tandem_peer_connected: gauge("tandem_peer_connected"),
      tandem_waiting_mailboxes: gauge("tandem_waiting_mailboxes"),
      tandem_oldest_waiting_seconds: gauge("tandem_oldest_waiting_seconds"),
      tandem_failing_mailboxes: gauge("tandem_failing_mailboxes"),
    };
    this.#counters = {
      tandem_exchanges_total: counter("tandem_exchanges_total"),
      tandem_records_total: counter("tandem_records_total"),
      tandem_bodies_total: counter("tandem_bodies_total"),
    };
    const failures = about("tandem_exchange_failures_total");
    this.#failures = new prom.Counter({ ...failures, labelNames: ["peer", "code"] });
    const seconds = about("tandem_exchange_seconds");
    this.#seconds = new prom.Histogram({ ...seconds, labelNames: ["peer"], buckets: SECONDS });
    this.#connections = new prom.Gauge(about("tandem_replica_connections"));
    const faults = (name: FaultCounter) => new prom.Counter({ ...about(name), labelNames: ["code"] });
    this.#faultCounters = {
      tandem_faults_found_total: faults("tandem_faults_found_total"),
      tandem_faults_repaired_total: faults("tandem_faults_repaired_total"),
    };
    this.#store = {
      tandem_faults: new prom.Gauge(about("tandem_faults")),
      tandem_scrub_finished_seconds: new prom.Gauge(about("tandem_scrub_finished_seconds")),
    };
    prom.collectDefaultMetrics({ register: registry });
  }

  /** Loads the library and makes a registry of its own. */
  static async open(): Promise<Metrics> {
    const { default: prom } = await import("prom-client");
    return new Metrics(prom);
  }

  /** Counts what an event tells of. */
  readonly count = ({
    event,
    peer = "",
    code = "internal",
    records = 0,
    bodies = 0,
    ms = 0,
  }: ReplicatorEvent): void => {
    if (event === "fault-found") this.#faultCounters.tandem_faults_found_total.inc({ code });
    else if (event === "fault-repaired") this.#faultCounters.tandem_faults_repaired_total.inc({ code });
    else if (event === "exchange-done") {
      this.#counters.tandem_exchanges_total.inc({ peer });
      this.#counters.tandem_records_total.inc({ peer }, records);
      this.#counters.tandem_bodies_total.inc({ peer }, bodies);
      this.#seconds.observe({ peer }, ms / 1000);
    } else if (event === "exchange-failed" || event === "plan-held") this.#failures.inc({ peer, code });
  };

  /** A node has connected here (1), or its connection is over (-1). */
  connection(change: 1 | -1): void {
    this.#connections.inc(change);
  }

  /** All metrics as text. @param now milliseconds since 1970. */
  text(statuses: readonly PeerStatus[], { faults, scrub }: StoreHealth, now: number): Promise<string> {
    this.#store.tandem_faults.set(faults.length);
    this.#store.tandem_scrub_finished_seconds.set((scrub.finished ?? 0) / 1000);
    for (const gauge of Object.values(this.#gauges)) gauge.reset();
    for (const { peer, connection, waiting, oldest, accounts } of statuses) {
      const failing = accounts.reduce((sum, account) => sum + account.failing, 0);
      const seconds = oldest === null ? 0 : Math.max(0, now - oldest) / 1000;
      this.#gauges.tandem_peer_connected.set({ peer }, connection === "connected" ? 1 : 0);
      this.#gauges.tandem_waiting_mailboxes.set({ peer }, waiting);
      this.#gauges.tandem_oldest_waiting_seconds.set({ peer }, seconds);
      this.#gauges.tandem_failing_mailboxes.set({ peer }, failing);
    }
    return this.#registry.metrics();
  }

  /** Media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}
