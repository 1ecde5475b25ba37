/**
 * A side of an exchange that is behind a connection: turns what is asked of a side into messages.
 */
import { hash } from "node:crypto";
import { MAX_BODIES_PER_FRAME, MAX_MAILBOXES_PER_FRAME } from "../../protocol/limits.ts";
import type { PlainChange, PlainResult } from "../../protocol/plain-changes.ts";
import type { RecordBatch } from "../model/batch.ts";
import { batchOf } from "../model/decode-batch.ts";
import { TandemError } from "../model/errors.ts";
import type { MailboxHead, Outcome, TreeChange } from "../store/store.ts";
import type { FrameConnection, TransportStats } from "../transport/transport.ts";
import { type Greeting, greet, type Introduction } from "./hello.ts";
import { OutgoingChange } from "./outgoing.ts";
import { pieces } from "./pages.ts";
import type {
  Agreement,
  Audit,
  BodyChunk,
  BodySource,
  ChangeHead,
  ChangeResult,
  Gate,
  Peer,
  Pull,
  Survey,
  SurveyRequest,
} from "./peer.ts";
import { RecentSet } from "./recent-set.ts";
import { RemoteRanges } from "./remote-ranges.ts";
import { surveyRemote } from "./remote-survey.ts";
import { type MessageOf, type Request, Requests } from "./requests.ts";
import { SentBodies } from "./sent-bodies.ts";

/** How a master introduces itself: cursors at the replica are kept by `storeEpoch`, that of the master's own store. */
export interface MasterOptions extends Introduction {
  /** In how many records of the master's store each message is live. */
  readonly references: (guids: readonly string[]) => Promise<readonly number[]>;
}

/** `lacks` is certain as long as nobody delivers the message there meanwhile; `has` may be wrong, the replica then says so. */
export type Guess = "has" | "lacks" | "unknown";

/** A message that goes along with a change. */
export interface UnaskedBody {
  readonly guid: string;
  readonly bytes: Uint8Array;
}

/** Messages sent unasked that are remembered: a conflict follows within a round trip. */
const KEPT_UNASKED = 4096;

export class RemotePeer implements Peer {
  readonly counterpart: string;
  readonly inTurn = null;
  readonly #connection: FrameConnection;
  readonly #greeting: Greeting;
  readonly #references: MasterOptions["references"];
  readonly #requests: Requests;
  readonly #sent = new SentBodies();
  /** Messages sent unasked: where the change met a conflict, they need not be sent with the next attempt. */
  readonly #unasked = new RecentSet(KEPT_UNASKED);
  readonly #running: Promise<void>;

  private constructor(connection: FrameConnection, greeting: Greeting, options: MasterOptions) {
    this.counterpart = options.storeEpoch;
    this.#connection = connection;
    this.#greeting = greeting;
    this.#references = options.references;
    this.#requests = new Requests(connection);
    this.#running = this.#requests.run();
  }

  /**
   * Greets the node at the other end.
   * @throws TandemError `denied` if either side does not trust the other, `version`, `disconnected`, `bad-message`.
   */
  static async open(connection: FrameConnection, options: MasterOptions): Promise<RemotePeer> {
    try {
      return new RemotePeer(connection, await greet(connection, options), options);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  get storeEpoch(): string {
    return this.#greeting.storeEpoch;
  }

  get stats(): TransportStats & { readonly roundTrips: number } {
    return { ...this.#connection.stats, roundTrips: this.#requests.roundTrips };
  }

  async survey(request: SurveyRequest): Promise<Survey> {
    return surveyRemote(this.#requests, request);
  }

  async pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull> {
    const request = this.#requests.open();
    await this.#requests.send({ t: "pull", q: request.q, account, mailboxId, sinceModseq });
    const first = await request.next("records");
    let isOver = !first.more;
    return {
      mailbox: first.mailbox as MailboxHead,
      pages: () => this.#pages(request, first, () => (isOver = true)),
      lookup: null,
      close: async () => {
        if (!isOver) await this.#requests.send({ t: "drop", q: request.q });
        request.close();
      },
    };
  }

  async ranges(account: string, mailboxId: string): Promise<RemoteRanges> {
    return new RemoteRanges(this.#requests, account, mailboxId);
  }

  async *fetch(guids: readonly string[]): AsyncGenerator<BodyChunk> {
    for (const piece of pieces(guids, MAX_BODIES_PER_FRAME / 8)) yield* this.#fetchPiece(piece);
  }

  change(
    head: ChangeHead,
    records: AsyncIterable<readonly RecordBatch[]>,
    source: BodySource,
    gate?: Gate,
  ): Promise<ChangeResult> {
    const lacking = (guids: readonly string[]) => this.#surelyLacking(guids);
    const outlet = { requests: this.#requests, sent: this.#sent, lacking, gate: gate ?? null };
    return new OutgoingChange(outlet, head, source).run(records);
  }

  /**
   * Sends small changes of many mailboxes in one frame, with the messages they bring; what became of each.
   * @throws TandemError.
   */
  async changeMany(items: readonly PlainChange[], bodies: readonly UnaskedBody[]): Promise<readonly PlainResult[]> {
    for (const { guid } of bodies) this.#unasked.add(guid);
    const [sizes, data] = [bodies.map(({ bytes }) => bytes.length), Buffer.concat(bodies.map(({ bytes }) => bytes))];
    const { results } = await this.#requests.ask((q) => ({ t: "changes", q, items, sizes, data }), "changed");
    if (results.length === items.length) return results;
    throw new TandemError("bad-message", "The peer did not say what became of each change; check its release.");
  }

  async tree(change: TreeChange): Promise<Outcome> {
    const answer = await this.#requests.ask(
      (q) => ({ t: "tree", q, ...change, puts: [...change.puts] }),
      "applied",
      "conflict",
    );
    return answer.t;
  }

  async agree(rows: readonly Agreement[], survey: number | null = null): Promise<number> {
    let saved = 0;
    const all = rows.length === 0 ? [[]] : [...pieces(rows, MAX_MAILBOXES_PER_FRAME)];
    for (const [i, piece] of all.entries()) {
      const asked = { rows: [...piece], survey: i === 0 ? survey : null };
      saved += (await this.#requests.ask((q) => ({ t: "agree", q, ...asked }), "agreed")).saved;
    }
    return saved;
  }

  async audit(account: string, mailboxId: string): Promise<Audit> {
    const audited = await this.#requests.ask((q) => ({ t: "audit", q, account, mailboxId }), "audited");
    return { ...audited, damaged: [], wrongSums: 0 };
  }

  /**
   * Whether it could not say which messages it got since the last exchange, as they were too many: then nothing is guessed, and
   * each new message is asked about before it is sent.
   */
  get isVague(): boolean {
    return this.#greeting.many;
  }

  /** Resolves when nothing can be asked any more: the connection ended or broke. Never rejects. */
  get ended(): Promise<void> {
    return this.#running;
  }

  /** Ends the connection in order. */
  async close(): Promise<void> {
    await this.#connection.end();
    await this.#running;
  }

  /**
   * What is known of messages that are new in a mailbox, before the other side was asked. It told which messages it got
   * since the last exchange; one that is in a single mailbox here and not among those cannot have reached it another way
   * (scenario 5).
   */
  async guesses(guids: readonly string[]): Promise<Guess[]> {
    const { many, recent } = this.#greeting;
    if (many || guids.length === 0) return guids.map(() => "unknown");
    const references = await this.#references(guids);
    return guids.map((guid, i) => {
      if (recent.has(guid.slice(0, 8)) || this.#unasked.has(guid)) return "has";
      return references[i] === 1 ? "lacks" : "unknown";
    });
  }

  /** Of some messages those to send unasked, if the other side surely has or lacks each of them; null if it has to be asked. */
  async #surelyLacking(guids: readonly string[]): Promise<string[] | null> {
    const guesses = await this.guesses(guids);
    if (guesses.includes("unknown")) return null;
    const lacking = guids.filter((_, i) => guesses[i] === "lacks");
    for (const guid of lacking) this.#unasked.add(guid);
    return lacking;
  }

  /** The next page is asked for before this one is worked on. */
  async *#pages(request: Request, first: MessageOf<"records">, over: () => void): AsyncGenerator<RecordBatch[]> {
    let page = first;
    for (;;) {
      const next = page.more ? this.#ask(request) : null;
      next?.catch(() => undefined);
      yield page.batches.map(batchOf);
      if (next === null) return over();
      page = await next;
    }
  }

  async #ask(request: Request): Promise<MessageOf<"records">> {
    await this.#requests.send({ t: "more", q: request.q });
    return request.next("records");
  }

  async *#fetchPiece(guids: readonly string[]): AsyncGenerator<BodyChunk> {
    const request = this.#requests.open();
    try {
      await this.#requests.send({ t: "fetch", q: request.q, guids: [...guids] });
      for (;;) {
        const answer = await request.next("bodies", "bodyPart", "fetched");
        if (answer.t === "bodies") yield splitBodies(answer, guids);
        else if (answer.t === "bodyPart") yield { kind: "part", ...answer, bytes: answer.data };
        else {
          const unreadable = answer.missing.flatMap((index) => guids[index] ?? []);
          if (unreadable.length > 0) yield { kind: "unreadable", guids: unreadable };
          return;
        }
      }
    } finally {
      request.close();
    }
  }
}

/** The messages of one frame, each under the GUID it was asked for by: which is which, their hash tells. */
function splitBodies(frame: MessageOf<"bodies">, asked: readonly string[]): BodyChunk {
  const wanted = new Set(asked);
  let at = 0;
  const bodies = frame.sizes.map((size) => {
    const bytes = frame.data.subarray(at, at + size);
    at += size;
    return { guid: hash("sha256", bytes, "hex"), bytes };
  });
  if (bodies.some(({ guid }) => !wanted.has(guid)))
    throw new TandemError("bad-message", "The peer sent a message that was not asked for.");
  return { kind: "whole", bodies };
}
