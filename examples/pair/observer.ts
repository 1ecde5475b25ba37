/**
 * Looks at both servers: reads the stores as any process may, hears the daemons' logs, and makes frames for the view.
 */
import { relative } from "node:path";
import { formatDigest, type MailboxStore, readStatus } from "../../src/index.ts";
import { counted } from "../../src/model/counted.ts";
import { ACCOUNT } from "./clients.ts";
import type { LogLine } from "./daemon.ts";
import { NODES, type NodeName } from "./data.ts";
import type { Ledger } from "./ledger.ts";
import type { Pair } from "./pair.ts";
import { type Counts, type Happening, type MailboxLine, NO_COUNTS, type NodeState, type PairState } from "./state.ts";

/** Milliseconds over which rates are taken. */
const RATE_MS = 5000;
const HAPPENINGS = 20;
const SECONDS_KEPT = 300;

interface Sample {
  readonly at: number;
  readonly counts: Counts;
}

interface Heard {
  readonly at: number;
  readonly node: NodeName;
  readonly line: LogLine;
}

export class Observer {
  /** Set once no more mail arrives. */
  isStopping = false;
  readonly #ledger: Ledger;
  readonly #begun: number;
  readonly #now: () => number;
  readonly #names = new Map<string, string>();
  readonly #history: number[] = [];
  #heard: Heard[] = [];
  #samples: Sample[] = [];
  #historyRecords = 0;

  /** @param now milliseconds since 1970. */
  constructor(ledger: Ledger, now: () => number = Date.now) {
    this.#ledger = ledger;
    this.#now = now;
    this.#begun = now();
  }

  /** Takes note of a line of a daemon's log. */
  hear(node: NodeName, line: LogLine): void {
    const { event, records = 0, bodies = 0 } = line;
    if (event === "exchange-done") {
      this.#ledger.count("exchanges");
      this.#ledger.count("records", records);
      this.#ledger.count("bodies", bodies);
    }
    const isWorthTelling = event === "exchange-done" ? records > 0 : line.code !== undefined;
    if (isWorthTelling) this.#heard = [{ at: this.#now(), node, line }, ...this.#heard].slice(0, HAPPENINGS);
  }

  /** Everything as it is now. @throws TandemError `io`. */
  async frame(pair: Pair): Promise<PairState> {
    const now = this.#now();
    const [a, b] = [await this.#node(pair, NODES[0], now), await this.#node(pair, NODES[1], now)];
    const totals = this.#ledger.counts;
    this.#keepHistory(now, totals);
    return {
      elapsedMs: now - this.#begun,
      isStopping: this.isStopping,
      nodes: [a, b],
      happenings: this.#heard.map((heard) => this.#told(heard)),
      totals,
      rates: this.#rates(now, totals),
      history: [...this.#history],
      data: shownPath(pair.data),
    };
  }

  async #node(pair: Pair, node: NodeName, now: number): Promise<NodeState> {
    const store = pair.stores[node];
    const [status] = await readStatus(store, now);
    const daemon = pair.daemon(node);
    const { waiting = 0, oldest = null, connection = "none" } = status ?? {};
    return {
      name: node,
      url: daemon?.url ?? "",
      pid: daemon?.pid ?? 0,
      connection: daemon === undefined ? "not running" : connection,
      waiting,
      oldestMs: oldest === null ? null : Math.max(0, now - oldest),
      mailboxes: await this.#mailboxes(store),
    };
  }

  async #mailboxes(store: MailboxStore): Promise<MailboxLine[]> {
    const live = (await store.tree(ACCOUNT)).mailboxes.filter(({ entry }) => !entry.deleted);
    return live.map(({ entry, state }) => {
      for (const id of [entry.mailboxId, ...entry.aliases]) this.#names.set(id, entry.name);
      const { uidNext, highestModseq, digest } = state;
      return { name: entry.name, messages: digest.count, uidNext, highestModseq, digest: formatDigest(digest) };
    });
  }

  #told({ at, node, line }: Heard): Happening {
    const time = new Date(at).toLocaleTimeString("en-GB");
    const mailbox = this.#names.get(line.mailboxId ?? "") ?? "";
    const { code, message, records = 0, bodies = 0, ms = 0 } = line;
    if (code !== undefined)
      return { at: time, node, isFault: true, what: [mailbox, line.event, message].filter(Boolean).join(": ") };
    const moved = `${counted(records, "record")}, ${counted(bodies, "body", "bodies")}`;
    return { at: time, node, isFault: false, what: `${mailbox}: ${moved}, ${ms} ms` };
  }

  /** One value for each second that has passed. */
  #keepHistory(now: number, { records }: Counts): void {
    const seconds = Math.floor((now - this.#begun) / 1000);
    const isNewSecond = seconds > Math.floor(((this.#samples.at(-1)?.at ?? this.#begun) - this.#begun) / 1000);
    if (!isNewSecond) return;
    this.#history.push(records - this.#historyRecords);
    this.#historyRecords = records;
    if (this.#history.length > SECONDS_KEPT) this.#history.shift();
  }

  #rates(now: number, counts: Counts): Counts {
    this.#samples.push({ at: now, counts });
    this.#samples = this.#samples.filter(({ at }) => now - at <= RATE_MS);
    const first = this.#samples[0] ?? { at: now, counts };
    const seconds = Math.max(1, (now - first.at) / 1000);
    const keys = Object.keys(NO_COUNTS) as (keyof Counts)[];
    const rates = keys.map((key) => [key, (counts[key] - first.counts[key]) / seconds] as const);
    return { ...NO_COUNTS, ...Object.fromEntries(rates) };
  }
}

/** A directory as it is typed most easily from here. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : `./${near}`;
}
