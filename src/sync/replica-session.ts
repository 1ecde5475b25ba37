/**
 * What a replica answers: one message of its master after the other, with the changes and pulls that are open.
 */
import { encodeBodies, encodeFrame } from "../../protocol/frame.ts";
import { MAX_IN_FLIGHT } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/messages/index.ts";
import type { RecordBatch } from "../model/batch.ts";
import { batchOf } from "../model/decode-batch.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { FrameConnection } from "../transport/transport.ts";
import { packIndexes } from "./bit-set.ts";
import { readBodies } from "./bodies.ts";
import { BodyIntake } from "./body-intake.ts";
import { applyMany, splitBodies } from "./bulk-apply.ts";
import { auditFault } from "./compare.ts";
import { Comparisons } from "./comparisons.ts";
import { IncomingChange, type Needs } from "./incoming.ts";
import { INLINE_BYTES, type LocalPeer } from "./local-peer.ts";
import type { OpenPlaces } from "./open-places.ts";
import { framePages, RECORDS_PER_PAGE } from "./pages.ts";
import type { Pull } from "./peer.ts";
import type { OnLeft } from "./push-outcome.ts";
import type { MessageOf } from "./requests.ts";
import { spoken } from "./spoken.ts";
import { SurveyAnswers } from "./survey-answers.ts";

interface OpenPull {
  readonly pull: Pull;
  readonly pages: AsyncIterator<RecordBatch[]>;
  ahead: IteratorResult<RecordBatch[]>;
}

/** What a session tells of. */
export interface SessionSettings {
  readonly onLeft: OnLeft;
  /** Where it is noted which mailboxes something comes in for. */
  readonly incoming?: OpenPlaces | undefined;
}

/** Faults of the peer that end the connection; all others only end the request. */
const FATAL = ["bad-frame", "bad-message", "limit", "version", "disconnected"] as const;

/** An answer too large for a frame is a fault here, not one of the peer. @throws TandemError `internal`. */
function encodeAnswer(message: Message): Uint8Array {
  try {
    return encodeFrame(message);
  } catch (error) {
    if (!isTandemError(error, "limit")) throw error;
    throw new TandemError("internal", `An answer does not fit into a frame: ${error.message}`, { cause: error });
  }
}

export class ReplicaSession {
  readonly #store: MailboxStore;
  readonly #peer: LocalPeer;
  readonly #connection: FrameConnection;
  readonly #intake: BodyIntake;
  readonly #changes = new Map<number, IncomingChange>();
  readonly #pulls = new Map<number, OpenPull>();
  readonly #comparisons: Comparisons;
  readonly #surveys: SurveyAnswers;
  readonly #settings: SessionSettings;
  /** Commits and fetches under way. */
  readonly #running = new Set<Promise<void>>();

  constructor(store: MailboxStore, peer: LocalPeer, connection: FrameConnection, settings: SessionSettings) {
    this.#settings = settings;
    this.#store = store;
    this.#peer = peer;
    this.#connection = connection;
    this.#intake = new BodyIntake(store);
    this.#comparisons = new Comparisons(peer);
    this.#surveys = new SurveyAnswers(peer);
  }

  async handle(message: Message): Promise<void> {
    try {
      await this.#answer(message);
    } catch (error) {
      if (!("q" in message) || FATAL.some((code) => isTandemError(error, code))) throw error;
      await this.#fail(message.q, error);
    }
  }

  /** Resolves when everything that was asked for so far is answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    await this.settled();
    for (const change of this.#changes.values()) await change.discard();
    for (const { pull } of this.#pulls.values()) await pull.close();
    await this.#comparisons.close();
    this.#changes.clear();
    this.#pulls.clear();
    // What arrived before the line broke need not be sent again.
    await this.#intake.settle();
  }

  #answer(message: Message): Promise<void> {
    switch (message.t) {
      case "survey":
        return this.#sendAll(this.#surveys.survey(message));
      case "sift":
        return this.#sendAll(this.#surveys.sift(message));
      case "pull":
        return this.#pull(message);
      case "more":
        return this.#more(message.q);
      case "compare":
        return this.#compare(message);
      case "split":
        return this.#sendIfAny(this.#comparisons.split(message));
      case "take":
        return this.#sendIfAny(this.#comparisons.take(message));
      case "change":
        return this.#change(message);
      case "changes":
        return this.#start(message.q, () => this.#changeMany(message));
      case "part":
        return this.#part(message);
      case "bodies":
        return this.#bodies(message);
      case "bodyPart":
        return this.#bodyPart(message);
      case "commit":
        return this.#start(message.q, () => this.#commit(message.q));
      case "drop":
        return this.#drop(message.q);
      case "fetch":
        return this.#start(message.q, () => this.#fetch(message));
      case "tree":
        return this.#tree(message);
      case "agree":
        return this.#agree(message);
      case "audit":
        return this.#audit(message);
      default:
        throw new TandemError("bad-message", `A master must not send "${message.t}" here.`);
    }
  }

  /**
   * Works on a request while further frames are read: so many mailboxes share one sync of the disk, and a large one does
   * not hold up the others. Waits only where very many are under way.
   */
  async #start(q: number, work: () => Promise<void>): Promise<void> {
    if (this.#running.size >= MAX_IN_FLIGHT) await Promise.race(this.#running);
    const running = work()
      .catch((error: unknown) => this.#fail(q, error))
      // The line is gone: whoever reads from it is told.
      .catch(() => undefined)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #send(message: Message): Promise<void> {
    return this.#connection.send(encodeAnswer(message));
  }

  async #fail(q: number, error: unknown): Promise<void> {
    await this.#drop(q);
    const known = error instanceof TandemError ? error : new TandemError("internal", `The replica failed: ${error}`);
    await this.#send({ t: "failed", q, ...spoken(known) });
  }

  async #sendAll(messages: AsyncIterable<Message>): Promise<void> {
    for await (const message of messages) await this.#send(message);
  }

  async #pull({ q, account, mailboxId, sinceModseq }: MessageOf<"pull">): Promise<void> {
    this.#admit(this.#pulls, q);
    const pull = await this.#peer.pull(account, mailboxId, sinceModseq);
    const pages = framePages(pull.pages(), RECORDS_PER_PAGE);
    this.#pulls.set(q, { pull, pages, ahead: { done: false, value: [] } });
    const open = this.#pulls.get(q) as OpenPull;
    open.ahead = await pages.next();
    await this.#sendPage(q, open, true);
  }

  async #compare(message: MessageOf<"compare">): Promise<void> {
    this.#admit(this.#comparisons.open, message.q);
    await this.#send(await this.#comparisons.begin(message));
  }

  async #sendIfAny(answer: Promise<Message | null>): Promise<void> {
    const message = await answer;
    if (message !== null) await this.#send(message);
  }

  async #more(q: number): Promise<void> {
    if (this.#comparisons.open.has(q)) return this.#send(await this.#comparisons.more(q));
    const open = this.#pulls.get(q);
    if (open === undefined) throw new TandemError("bad-message", `There is no open pull ${q}.`);
    await this.#sendPage(q, open, false);
  }

  async #sendPage(q: number, open: OpenPull, isFirst: boolean): Promise<void> {
    const page = open.ahead.done ? [] : open.ahead.value;
    open.ahead = open.ahead.done ? open.ahead : await open.pages.next();
    const more = !open.ahead.done;
    if (!more) await this.#drop(q);
    const { entry, state } = open.pull.mailbox;
    const batches = page.map(({ bytes }) => bytes);
    await this.#send({ t: "records", q, mailbox: isFirst ? { entry, state } : null, batches, more });
  }

  async #change(message: MessageOf<"change">): Promise<void> {
    const { q, account, mailboxId, before, after, reset, overrule, entry, cursor, batches, commit } = message;
    this.#admit(this.#changes, q);
    const head = { account, mailboxId, before, after, reset, overrule, entry, cursor };
    const ended = this.#settings.incoming?.begin(head);
    const change = new IncomingChange(this.#store, this.#intake, this.#peer.counterpart, head, ended);
    this.#changes.set(q, change);
    if (!(await change.isCurrent())) return this.#conflict(q, change);
    const needs = await change.add(batches.map(batchOf));
    if (!commit || needs.missing.length > 0) await this.#need(q, needs);
    else await this.#start(q, () => this.#commit(q));
  }

  async #changeMany(message: MessageOf<"changes">): Promise<void> {
    const taking = { intake: this.#intake, onLeft: this.#settings.onLeft };
    const results = await applyMany(this.#store, this.#peer, taking, message);
    await this.#send({ t: "changed", q: message.q, results });
  }

  async #part({ q, batches }: MessageOf<"part">): Promise<void> {
    const change = this.#changes.get(q);
    if (change !== undefined) await this.#need(q, await change.add(batches.map(batchOf)));
  }

  async #need(q: number, { live, missing }: Needs): Promise<void> {
    try {
      await this.#send({ t: "need", q, missing: packIndexes(missing, live.length) });
    } catch (error) {
      // Whoever receives next is told. Messages that arrived before the line broke are behind this, and taken over.
      if (!isTandemError(error, "disconnected")) throw error;
    }
  }

  async #bodies({ q, sizes, data }: MessageOf<"bodies">): Promise<void> {
    const bodies = splitBodies(sizes, data);
    // Also for a change that is over: they were on their way when it met a conflict, and must not have to cross again.
    await (this.#changes.get(q)?.stage(bodies) ?? this.#intake.add(bodies));
  }

  async #bodyPart({ q, guid, size, offset, data }: MessageOf<"bodyPart">): Promise<void> {
    await this.#changes.get(q)?.stagePart(guid, size, offset, data);
  }

  async #commit(q: number): Promise<void> {
    const change = this.#changes.get(q);
    if (change === undefined) return;
    const outcome = await change.commit();
    if (outcome === "conflict") return this.#conflict(q, change);
    this.#changes.delete(q);
    await this.#send({ t: "applied", q });
  }

  async #conflict(q: number, change: IncomingChange): Promise<void> {
    const { account, mailboxId } = change.head;
    await this.#drop(q);
    const mailbox = await this.#peer.surveyed(account, mailboxId, INLINE_BYTES);
    await this.#send({ t: "conflict", q, mailbox });
  }

  async #drop(q: number): Promise<void> {
    const change = this.#changes.get(q);
    const open = this.#pulls.get(q);
    this.#changes.delete(q);
    this.#pulls.delete(q);
    await change?.discard();
    await open?.pull.close();
    await this.#comparisons.drop(q);
  }

  async #fetch({ q, guids }: MessageOf<"fetch">): Promise<void> {
    const missing: number[] = [];
    for await (const chunk of readBodies(this.#store, guids)) {
      if (chunk.kind === "part") {
        const { guid, size, offset, bytes } = chunk;
        await this.#send({ t: "bodyPart", q, guid, size, offset, data: bytes });
      } else if (chunk.kind === "unreadable") missing.push(...chunk.guids.map((guid) => guids.indexOf(guid)));
      else {
        const bodies = chunk.bodies.map(({ bytes }) => bytes);
        await this.#connection.send(encodeBodies(q, bodies));
      }
    }
    await this.#send({ t: "fetched", q, missing: missing.sort((a, b) => a - b) });
  }

  async #tree({ q, account, before, after, puts }: MessageOf<"tree">): Promise<void> {
    const outcome = await this.#peer.tree({ account, before, after, puts });
    await this.#send(outcome === "applied" ? { t: "applied", q } : { t: "conflict", q, mailbox: null });
  }

  async #agree({ q, rows, survey }: MessageOf<"agree">): Promise<void> {
    const saved = await this.#peer.agree([...rows, ...this.#surveys.sameIn(survey)]);
    await this.#send({ t: "agreed", q, saved });
  }

  async #audit({ q, account, mailboxId }: MessageOf<"audit">): Promise<void> {
    const { damaged, wrongSums, ...audit } = await this.#peer.audit(account, mailboxId);
    if (damaged.length + wrongSums > 0) throw auditFault({ damaged, wrongSums, ...audit });
    await this.#send({ t: "audited", q, ...audit, unreadable: [...audit.unreadable] });
  }

  /** Refuses a request number that is in use, and more open requests than the limit. */
  #admit(open: ReadonlyMap<number, unknown>, q: number): void {
    if (this.#changes.has(q) || this.#pulls.has(q) || this.#comparisons.open.has(q))
      throw new TandemError("bad-message", `Request ${q} is open already.`);
    if (open.size >= MAX_IN_FLIGHT) throw new TandemError("limit", `More than ${MAX_IN_FLIGHT} requests are open.`);
  }
}
