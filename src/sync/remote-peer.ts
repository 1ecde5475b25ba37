/**
 * A side of an exchange that is behind a connection: turns what is asked of a side into messages.
 */
import { hash } from "node:crypto";
import { MAX_BODIES_PER_FRAME, MAX_MAILBOXES_PER_FRAME } from "../../protocol/limits.ts";
import { batchOf, type RecordBatch } from "../model/batch.ts";
import { TandemError } from "../model/errors.ts";
import type { Mailbox, Outcome, TreeChange } from "../store/store.ts";
import type { FrameConnection, TransportStats } from "../transport/transport.ts";
import { type Greeting, greet } from "./hello.ts";
import { type Guess, OutgoingChange } from "./outgoing.ts";
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
  SurveyedMailbox,
  SurveyRequest,
} from "./peer.ts";
import { type MessageOf, type Request, Requests } from "./requests.ts";
import { SentBodies } from "./sent-bodies.ts";

/** How a master introduces itself. */
export interface MasterOptions {
  /** Store epoch of the master's own store: cursors at the replica are kept by it. */
  readonly storeEpoch: string;
  /** Name for the replica's logs. */
  readonly node: string;
  /** In how many records of the master's store each message is live. */
  readonly references: (guids: readonly string[]) => Promise<readonly number[]>;
}

export class RemotePeer implements Peer {
  readonly counterpart: string;
  readonly #connection: FrameConnection;
  readonly #greeting: Greeting;
  readonly #references: MasterOptions["references"];
  readonly #requests: Requests;
  readonly #sent = new SentBodies();
  /** Messages sent unasked: where the change met a conflict, they need not be sent with the next attempt. */
  readonly #unasked = new Set<string>();
  readonly #running: Promise<void>;

  private constructor(connection: FrameConnection, greeting: Greeting, options: MasterOptions) {
    this.counterpart = options.storeEpoch;
    this.#connection = connection;
    this.#greeting = greeting;
    this.#references = options.references;
    this.#requests = new Requests(connection);
    this.#running = this.#requests.run();
  }

  /** Greets the node at the other end. @throws TandemError `version`, `disconnected`, `bad-message`. */
  static async open(connection: FrameConnection, options: MasterOptions): Promise<RemotePeer> {
    try {
      return new RemotePeer(connection, await greet(connection, options.storeEpoch, options.node), options);
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
    const { account, complete } = request;
    const base = request.base ?? new Uint8Array(16);
    const asked = this.#requests.open();
    const mailboxes: SurveyedMailbox[] = [];
    const trees: { account: string; modseq: number }[] = [];
    try {
      await this.#requests.send({ t: "survey", q: asked.q, account, base, complete });
      for (;;) {
        const answer = await asked.next("surveyed");
        mailboxes.push(...answer.mailboxes);
        trees.push(...answer.trees);
        if (!answer.more) return { cursors: null, baseAgrees: answer.baseAgrees, trees, mailboxes };
      }
    } finally {
      asked.close();
    }
  }

  async pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull> {
    const request = this.#requests.open();
    await this.#requests.send({ t: "pull", q: request.q, account, mailboxId, sinceModseq });
    const first = await request.next("records");
    let isOver = !first.more;
    return {
      mailbox: first.mailbox as Mailbox,
      pages: () => this.#pages(request, first, () => (isOver = true)),
      lookup: null,
      close: async () => {
        if (!isOver) await this.#requests.send({ t: "drop", q: request.q });
        request.close();
      },
    };
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
    const guess = (guid: string) => this.#guess(guid);
    const outlet = { requests: this.#requests, sent: this.#sent, guess, gate: gate ?? null };
    return new OutgoingChange(outlet, head, source).run(records);
  }

  async tree(change: TreeChange): Promise<Outcome> {
    const answer = await this.#requests.ask(
      (q) => ({ t: "tree", q, ...change, puts: [...change.puts] }),
      "applied",
      "conflict",
    );
    return answer.t;
  }

  async agree(rows: readonly Agreement[]): Promise<number> {
    let saved = 0;
    for (const piece of pieces(rows, MAX_MAILBOXES_PER_FRAME))
      saved += (await this.#requests.ask((q) => ({ t: "agree", q, rows: [...piece] }), "agreed")).saved;
    return saved;
  }

  async audit(account: string, mailboxId: string): Promise<Audit> {
    return this.#requests.ask((q) => ({ t: "audit", q, account, mailboxId }), "audited");
  }

  /** Ends the connection in order. */
  async close(): Promise<void> {
    await this.#connection.end();
    await this.#running;
  }

  /**
   * The other side told which messages it got since the last exchange; one that is in a single mailbox here and not
   * among those cannot have reached it another way (scenario 5).
   */
  async #guess(guid: string): Promise<Guess> {
    if (this.#greeting.many) return "unknown";
    if (this.#greeting.recent.has(guid.slice(0, 8)) || this.#unasked.has(guid)) return "has";
    if ((await this.#references([guid]))[0] !== 1) return "unknown";
    this.#unasked.add(guid);
    return "lacks";
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
