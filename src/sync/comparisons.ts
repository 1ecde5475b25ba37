/**
 * The replica's side of full resyncs by ranges: the mailboxes that are being compared, each on a snapshot of its own.
 */
import type { MessageOf as ProtocolMessage } from "../../protocol/messages/index.ts";
import type { RecordBatch } from "../model/batch.ts";
import { TandemError } from "../model/errors.ts";
import { packIndexes } from "./bit-set.ts";
import type { LocalPeer } from "./local-peer.ts";
import { framePages, RECORDS_PER_PAGE } from "./pages.ts";
import type { SnapshotRanges } from "./range-view.ts";
import { countRanges, type RangeList, unpackRuns } from "./ranges.ts";

interface Open {
  readonly view: SnapshotRanges;
  /** What is left of a `take`. */
  taking: { readonly pages: AsyncIterator<RecordBatch[]>; ahead: IteratorResult<RecordBatch[]> } | null;
}

type Asked = Pick<ProtocolMessage<"split">, "q" | "bits" | "runs" | "sums">;
type Compared = ProtocolMessage<"compared">;
type Page = ProtocolMessage<"records">;

const NO_BITS = new Uint8Array(0);

export class Comparisons {
  readonly #peer: LocalPeer;
  readonly #open = new Map<number, Open>();

  constructor(peer: LocalPeer) {
    this.#peer = peer;
  }

  /** By request number. */
  get open(): ReadonlyMap<number, unknown> {
    return this.#open;
  }

  /** @throws TandemError `not-found`, `bad-message`, `limit`. */
  async begin({ account, mailboxId, ...asked }: ProtocolMessage<"compare">): Promise<Compared> {
    const list = unpackRuns(asked.bits, asked.runs);
    const view = await this.#peer.ranges(account, mailboxId);
    this.#open.set(asked.q, { view, taking: null });
    return { ...(await answered(view, asked, list)), mailbox: view.mailbox };
  }

  /** Null for one that is not open. @throws TandemError `bad-message`, `limit`. */
  async split(asked: Asked): Promise<Compared | null> {
    const list = unpackRuns(asked.bits, asked.runs);
    const open = this.#open.get(asked.q);
    return open === undefined ? null : answered(open.view, asked, list);
  }

  /** The first page; null for one that is not open. @throws TandemError `bad-message`, `limit`. */
  async take({ q, bits, runs }: ProtocolMessage<"take">): Promise<Page | null> {
    const list = unpackRuns(bits, runs);
    const open = this.#open.get(q);
    if (open === undefined) return null;
    if (open.taking !== null)
      throw new TandemError("bad-message", `The records asked for under ${q} are not all told yet.`);
    const pages = framePages(open.view.records(list), RECORDS_PER_PAGE);
    open.taking = { pages, ahead: await pages.next() };
    return this.more(q);
  }

  /** The next page. @throws TandemError `bad-message` if there is none. */
  async more(q: number): Promise<Page> {
    const open = this.#open.get(q);
    const taking = open?.taking ?? null;
    if (open === undefined || taking === null) throw new TandemError("bad-message", `No records are left under ${q}.`);
    const page = taking.ahead.done ? [] : taking.ahead.value;
    if (!taking.ahead.done) taking.ahead = await taking.pages.next();
    const more = !taking.ahead.done;
    if (!more) open.taking = null;
    return { t: "records", q, mailbox: null, batches: page.map(({ bytes }) => bytes), more };
  }

  async drop(q: number): Promise<void> {
    const open = this.#open.get(q);
    this.#open.delete(q);
    await open?.view.close();
  }

  async close(): Promise<void> {
    for (const q of [...this.#open.keys()]) await this.drop(q);
  }
}

async function answered(view: SnapshotRanges, { q, sums }: Asked, list: RangeList): Promise<Compared> {
  const count = countRanges(list);
  const nothing: Compared = { t: "compared", q, mailbox: null, differ: NO_BITS, empty: NO_BITS, sums, batches: [] };
  if (sums.length === 0) return { ...nothing, sums: await view.sums(list) };
  if (sums.length !== count)
    throw new TandemError("bad-message", `The peer told ${sums.length} sums of ${count} ranges.`);
  const { differ, empty, parts, records } = await view.answer({ list, sums });
  const bits = (indexes: readonly number[]) => packIndexes(indexes, count + 1) as Uint8Array;
  return {
    ...nothing,
    differ: bits(differ),
    empty: bits(empty),
    sums: parts,
    batches: records.map(({ bytes }) => bytes),
  };
}
