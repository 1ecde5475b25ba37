/**
 * Sends one change to a replica: records in parts, the bodies it lacks, then the commit.
 *
 * Parts go ahead of the answers that say which bodies are lacking, so neither side waits for the other; how far ahead
 * is bounded, and with it what either side holds.
 */
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import type { RecordBatch } from "../model/batch.ts";
import { decodeBodies, decodeGuids } from "../model/batch-bodies.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { unpackIndexes } from "./bit-set.ts";
import { framePages, onePage, RECORDS_PER_PART } from "./pages.ts";
import type { BodyChunk, BodySource, ChangeHead, ChangeResult, Gate, SurveyedMailbox } from "./peer.ts";
import type { Request, Requests } from "./requests.ts";
import type { Sending, SentBodies } from "./sent-bodies.ts";

/** Frames of records sent ahead of their answers. */
const PARTS_AHEAD = 4;
/** Bodies sent unasked, in the flight of the records that name them. */
const MAX_INLINE_BYTES = 2 * FRAME_FILL_BYTES;

/** What an outgoing change works with. */
export interface Outlet {
  readonly requests: Requests;
  readonly sent: SentBodies;
  /** Of messages that are new in the mailbox those to send unasked; null if the replica has to be asked what it lacks. */
  readonly lacking: (guids: readonly string[]) => Promise<string[] | null>;
  /** Asked before the commit, which is not sent if it says false. */
  readonly gate: Gate | null;
}

interface Live {
  readonly guid: string;
  readonly size: number;
  readonly isNew: boolean;
}

interface SentFrame {
  readonly number: number;
  /** Of its live messages, in order. */
  readonly guids: readonly string[];
}

export class OutgoingChange {
  readonly #outlet: Outlet;
  readonly #request: Request;
  readonly #head: ChangeHead;
  readonly #source: BodySource;
  readonly #waiting: SentFrame[] = [];
  readonly #others: Promise<boolean>[] = [];
  #unreadable: string[] = [];
  /** Records and all bodies went out in one flight: the commit follows without waiting. */
  #isWhole = false;
  /** The records of a change of one frame. */
  #page: readonly RecordBatch[] = [];
  #records = 0;
  #bodies = 0;

  constructor(outlet: Outlet, head: ChangeHead, source: BodySource) {
    this.#outlet = outlet;
    this.#request = outlet.requests.open();
    this.#head = head;
    this.#source = source;
  }

  /** @throws TandemError what the replica says in `failed`. */
  async run(records: AsyncIterable<readonly RecordBatch[]>): Promise<ChangeResult> {
    try {
      return (await this.#sendRecords(records)) ?? (await this.#finish());
    } catch (error) {
      if (!this.#isWhole || !isTandemError(error, "body-missing")) throw error;
      return await this.#askFirst();
    } finally {
      for (const frame of this.#waiting) this.#outlet.sent.frameAnswered(frame.number);
      this.#request.close();
    }
  }

  /** A guess was wrong: the same once more, asking what is lacking. */
  #askFirst(): Promise<ChangeResult> {
    const outlet: Outlet = { ...this.#outlet, lacking: async () => null };
    return new OutgoingChange(outlet, this.#head, this.#source).run(onePage(this.#page));
  }

  async #sendRecords(records: AsyncIterable<readonly RecordBatch[]>): Promise<ChangeResult | null> {
    const pages = framePages(records, RECORDS_PER_PART);
    const first = (await pages.next()).value ?? [];
    const second = (await pages.next()).value;
    if (second === undefined) return this.#sendSmall(first);
    await this.#sendFrame(first, true);
    await this.#sendFrame(second, false);
    for await (const page of pages) {
      await this.#sendFrame(page, false);
      if (this.#waiting.length <= PARTS_AHEAD) continue;
      const ended = await this.#serveNext();
      if (ended !== null) return ended;
    }
    return null;
  }

  /** A change of one frame: in one flight if it brings no new message, or if the replica surely lacks the few it brings. */
  async #sendSmall(page: readonly RecordBatch[]): Promise<ChangeResult | null> {
    this.#page = page;
    const live = liveOf(page, this.#head);
    const fresh = live.filter((message) => message.isNew);
    if (fresh.length === 0 && this.#outlet.gate === null) {
      await this.#sendChange(page, true);
      const answer = await this.#request.next("applied", "conflict", "need");
      if (answer.t === "conflict") return this.#conflict(answer.mailbox);
      if (answer.t === "applied") return this.#applied();
      await this.#sendBodies(wanted(guidsOf(page), answer.missing));
      return null;
    }
    await this.#sendFrame(page, true);
    const lacking = await this.#inline(fresh);
    if (lacking === null) return null;
    await this.#sendBodies(lacking);
    this.#isWhole = this.#unreadable.length === 0 && this.#outlet.gate === null;
    return null;
  }

  /** Messages to send unasked, or null if it has to be asked what is lacking. */
  async #inline(fresh: readonly Live[]): Promise<string[] | null> {
    if (fresh.reduce((sum, { size }) => sum + size, 0) > MAX_INLINE_BYTES) return null;
    return this.#outlet.lacking(fresh.map(({ guid }) => guid));
  }

  async #sendFrame(page: readonly RecordBatch[], isFirst: boolean): Promise<void> {
    const frame = { number: this.#outlet.sent.frameSent(), guids: guidsOf(page) };
    this.#waiting.push(frame);
    if (isFirst) return this.#sendChange(page, false);
    this.#records += countOf(page);
    await this.#outlet.requests.send({ t: "part", q: this.#request.q, batches: page.map(({ bytes }) => bytes) });
  }

  async #sendChange(page: readonly RecordBatch[], commit: boolean): Promise<void> {
    this.#records += countOf(page);
    const batches = page.map(({ bytes }) => bytes);
    await this.#outlet.requests.send({ t: "change", q: this.#request.q, ...this.#head, batches, commit });
  }

  /** Takes the next answer to a frame of records and sends what it asks for. */
  async #serveNext(): Promise<ChangeResult | null> {
    const answer = await this.#request.next("need", "conflict");
    if (answer.t === "conflict") return this.#conflict(answer.mailbox);
    const frame = this.#waiting.shift();
    if (frame === undefined)
      throw new TandemError("bad-message", "The peer asked for bodies of records it did not get.");
    const claimed = this.#outlet.sent.claim(wanted(frame.guids, answer.missing));
    this.#outlet.sent.frameAnswered(frame.number);
    await this.#sendClaimed(claimed);
    return null;
  }

  async #finish(): Promise<ChangeResult> {
    if (this.#isWhole) await this.#commit();
    while (this.#waiting.length > 0) {
      const ended = await this.#serveNext();
      if (ended !== null) return ended;
    }
    if ((await Promise.all(this.#others)).includes(false) || this.#unreadable.length > 0) return this.#giveUp();
    if (this.#outlet.gate !== null && !(await this.#outlet.gate())) return this.#giveUp();
    if (!this.#isWhole) await this.#commit();
    const answer = await this.#request.next("applied", "conflict");
    return answer.t === "applied" ? this.#applied() : this.#conflict(answer.mailbox);
  }

  async #commit(): Promise<void> {
    await this.#outlet.requests.send({ t: "commit", q: this.#request.q });
  }

  async #giveUp(): Promise<ChangeResult> {
    await this.#outlet.requests.send({ t: "drop", q: this.#request.q });
    if (this.#unreadable.length === 0) return this.#conflict(null);
    return { kind: "unreadable", guids: this.#unreadable, bodies: this.#bodies };
  }

  #applied(): ChangeResult {
    return { kind: "applied", records: this.#records, bodies: this.#bodies };
  }

  #conflict(mailbox: SurveyedMailbox | null): ChangeResult {
    return { kind: "conflict", mailbox, bodies: this.#bodies };
  }

  #sendBodies(guids: readonly string[]): Promise<void> {
    return this.#sendClaimed(this.#outlet.sent.claim(guids));
  }

  async #sendClaimed({ mine, others }: { mine: Sending; others: Promise<boolean>[] }): Promise<void> {
    for (const other of others) this.#others.push(other);
    const failed = new Set<string>();
    // Until a message is sent it counts as failed, so that nobody waits for it in vain if the line breaks.
    let isOver = false;
    try {
      if (mine.guids.length > 0)
        for await (const chunk of this.#source.fetch(mine.guids)) await this.#sendChunk(chunk, failed);
      isOver = true;
    } finally {
      this.#outlet.sent.settle(mine, isOver ? failed : new Set(mine.guids));
    }
  }

  async #sendChunk(chunk: BodyChunk, failed: Set<string>): Promise<void> {
    const { q } = this.#request;
    if (chunk.kind === "unreadable") {
      this.#unreadable = [...this.#unreadable, ...chunk.guids];
      for (const guid of chunk.guids) failed.add(guid);
      return;
    }
    if (chunk.kind === "part") {
      const { guid, size, offset, bytes } = chunk;
      await this.#outlet.requests.send({ t: "bodyPart", q, guid, size, offset, data: bytes });
      if (offset + bytes.length === size) this.#bodies++;
      return;
    }
    const bodies = chunk.bodies.map(({ bytes }) => bytes);
    await this.#outlet.requests.sendBodies(q, bodies);
    this.#bodies += bodies.length;
  }
}

function liveOf(page: readonly RecordBatch[], head: ChangeHead): Live[] {
  const bodies = page.flatMap((batch) => decodeBodies(batch.bytes));
  return bodies.map(({ guid, size, uid }) => ({ guid, size, isNew: head.reset || uid >= head.before.uidNext }));
}

function guidsOf(page: readonly RecordBatch[]): string[] {
  return page.flatMap((batch) => decodeGuids(batch.bytes));
}

function wanted(guids: readonly string[], missing: Uint8Array | null): readonly string[] {
  return missing === null ? guids : unpackIndexes(missing, guids.length).map((index) => guids[index] as string);
}

function countOf(page: readonly RecordBatch[]): number {
  return page.reduce((sum, batch) => sum + batch.count, 0);
}
