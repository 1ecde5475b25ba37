/**
 * A mailbox at the other end of a connection, seen through digests of ranges: `compare`, `split` and `take`.
 */
import { partCount } from "../../protocol/range-sum.ts";
import type { RecordBatch } from "../model/batch.ts";
import { batchOf } from "../model/decode-batch.ts";
import { TandemError } from "../model/errors.ts";
import type { Mailbox } from "../store/store.ts";
import { unpackIndexes } from "./bit-set.ts";
import type { RangesAnswer, RangeView, SummedRanges } from "./range-view.ts";
import { countRanges, framesOf, packRuns, type RangeList } from "./ranges.ts";
import type { MessageOf, Request, Requests } from "./requests.ts";

/** Questions sent ahead of their answers. */
const QUESTIONS_AHEAD = 4;
const NO_SUMS = new Uint32Array(0);

export class RemoteRanges implements RangeView {
  readonly #requests: Requests;
  readonly #request: Request;
  readonly #place: { readonly account: string; readonly mailboxId: string };
  #mailbox: Mailbox | null = null;
  #isOpen = false;

  /** Nothing is asked yet. */
  constructor(requests: Requests, account: string, mailboxId: string) {
    this.#requests = requests;
    this.#request = requests.open();
    this.#place = { account, mailboxId };
  }

  get mailbox(): Mailbox | null {
    return this.#mailbox;
  }

  async sums(list: RangeList): Promise<Uint32Array> {
    const all = new Uint32Array(countRanges(list));
    let at = 0;
    // Also of no range at all: the answer tells of the mailbox.
    for (const part of list.runs.length === 0 ? [list] : framesOf(list)) {
      await this.#ask({ list: part, sums: NO_SUMS });
      const { sums } = await this.#answer();
      if (sums.length !== countRanges(part)) throw lie("sums of other ranges than were asked about");
      all.set(sums, at);
      at += sums.length;
    }
    return all;
  }

  async *compare(asked: AsyncIterable<SummedRanges>): AsyncGenerator<RangesAnswer> {
    const waiting: SummedRanges[] = [];
    for await (const one of asked) {
      await this.#ask(one);
      waiting.push(one);
      // The first answer says whether there is a mailbox to go on with.
      if (this.#mailbox === null || waiting.length >= QUESTIONS_AHEAD)
        yield checked(await this.#answer(), waiting.shift() as SummedRanges);
    }
    for (const one of waiting) yield checked(await this.#answer(), one);
  }

  async *records(list: RangeList): AsyncGenerator<readonly RecordBatch[]> {
    const { q } = this.#request;
    for (const part of framesOf(list)) {
      await this.#requests.send({ t: "take", q, bits: part.bits, runs: packRuns(part) });
      for (let isLast = false; !isLast; ) {
        const page = await this.#request.next("records");
        isLast = !page.more;
        if (page.more) await this.#requests.send({ t: "more", q });
        yield page.batches.map(batchOf);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#isOpen) await this.#requests.send({ t: "drop", q: this.#request.q });
    this.#request.close();
  }

  async #ask({ list, sums }: SummedRanges): Promise<void> {
    const what = { q: this.#request.q, bits: list.bits, runs: packRuns(list), sums };
    await this.#requests.send(this.#isOpen ? { t: "split", ...what } : { t: "compare", ...this.#place, ...what });
    this.#isOpen = true;
  }

  async #answer(): Promise<MessageOf<"compared">> {
    try {
      const answer = await this.#request.next("compared");
      this.#mailbox ??= answer.mailbox;
      if (this.#mailbox === null) throw lie("nothing of the mailbox itself");
      return answer;
    } catch (error) {
      // Whatever failed, the replica has forgotten it.
      this.#isOpen = false;
      throw error;
    }
  }
}

function checked(answer: MessageOf<"compared">, { list, sums }: SummedRanges): RangesAnswer {
  const differ = unpackIndexes(answer.differ, sums.length);
  const empty = unpackIndexes(answer.empty, sums.length);
  const known = new Set(differ);
  const isEmpty = new Set(empty);
  if (empty.some((i) => !known.has(i))) throw lie("a range that is empty and does not differ");
  const both = differ.filter((i) => sums[i] !== 0 && !isEmpty.has(i)).length;
  if (answer.sums.length !== (list.bits === 0 ? 0 : both * partCount(list.bits))) throw lie("sums of other parts");
  return { differ, empty, parts: answer.sums, records: answer.batches.map(batchOf) };
}

function lie(what: string): TandemError {
  return new TandemError("bad-message", `The peer told ${what}; check that it is a Tandem node of the same release.`);
}
