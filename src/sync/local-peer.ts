/**
 * A side of an exchange that is a store in this process.
 */
import { cursorDigest } from "../../protocol/cursor-digest.ts";
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import type { RecordBatch } from "../model/batch.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { type AgreedState, type Cursor, type MailboxState, sameAgreed } from "../model/state.ts";
import { placeKey } from "../store/shared/place-key.ts";
import { inTurn } from "../store/shared/turns.ts";
import type {
  CursorRow,
  MailboxHead,
  MailboxPlace,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  TreeChange,
} from "../store/store.ts";
import { ArrivingBodies } from "./arriving-bodies.ts";
import { auditMailbox } from "./audit.ts";
import { readBodies } from "./bodies.ts";
import { BodyIntake } from "./body-intake.ts";
import { IncomingChange, type Needs, type WantedBody } from "./incoming.ts";
import { checkDigest, type OnFault } from "./local-faults.ts";
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
import { SnapshotRanges } from "./range-view.ts";

export class LocalPeer implements Peer {
  readonly storeEpoch: string;
  readonly counterpart: string;
  readonly #store: MailboxStore;
  readonly #arriving = new ArrivingBodies();
  readonly #intake: BodyIntake;

  readonly #onFault: OnFault;

  /**
   * @param counterpart store epoch of the other side, for whom cursors are saved.
   * @param onFault told of faults of the store itself.
   */
  constructor(store: MailboxStore, counterpart: string, onFault: OnFault = () => undefined) {
    this.#onFault = onFault;
    this.storeEpoch = store.storeEpoch;
    this.counterpart = counterpart;
    this.#store = store;
    this.#intake = new BodyIntake(store);
  }

  readonly inTurn = <T>(account: string, mailboxId: string, work: () => Promise<T>): Promise<T> =>
    inTurn(this.#store, account, mailboxId, work);

  async survey(request: SurveyRequest): Promise<Survey> {
    if (request.account !== null && request.mailboxId !== null) {
      const one = await this.surveyed(request.account, request.mailboxId, request.inlineBytes);
      return { cursors: null, baseAgrees: false, trees: [], mailboxes: one === null ? [] : [one], ...NOT_COMPARED };
    }
    return this.#surveyAll(request);
  }

  async #surveyAll(request: SurveyRequest): Promise<Survey> {
    const cursors = await this.#cursors();
    const accounts = request.account === null ? await this.#store.accounts() : [request.account];
    const trees: { account: string; modseq: number }[] = [];
    const all: SurveyedMailbox[] = [];
    for (const account of accounts) {
      const tree = await this.#store.tree(account);
      trees.push({ account, modseq: tree.modseq });
      for (const mailbox of tree.mailboxes) {
        const cursor = cursors.get(placeKey({ account, mailboxId: mailbox.entry.mailboxId })) ?? null;
        all.push({ account, ...mailbox, cursor, changes: null });
      }
    }
    const digest = cursorDigest(all.flatMap(heldCursor));
    const baseAgrees = request.base !== null && Buffer.compare(request.base, digest) === 0;
    const complete = request.complete || (request.base !== null && !baseAgrees);
    const mailboxes = complete ? all : all.filter(hasChanged);
    const told = await this.withChanges(mailboxes, request.inlineBytes);
    return { cursors: digest, baseAgrees, trees, mailboxes: told, ...NOT_COMPARED };
  }

  /** A mailbox as it is now, with its changes since the cursor if they are few. */
  async surveyed(account: string, mailboxId: string, inlineBytes: number): Promise<SurveyedMailbox | null> {
    return (await this.news([{ account, mailboxId }], inlineBytes))[0] ?? null;
  }

  /** Many mailboxes as they are now, null for one that is not there, with their changes as far as there is room. */
  async news(places: readonly MailboxPlace[], room: number): Promise<(SurveyedMailbox | null)[]> {
    const peer = this.counterpart === this.storeEpoch ? null : this.counterpart;
    const news = await this.#store.news(peer, places, room);
    return news.map((one, i) => one && { account: (places[i] as MailboxPlace).account, ...one });
  }

  async pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull> {
    // All is to be compared because digests disagree: then the one that is stored here has to be right.
    if (sinceModseq === null) await checkDigest(this.#store, account, mailboxId, this.#onFault);
    const snapshot = await this.#store.snapshot(account, mailboxId);
    return {
      mailbox: { entry: snapshot.entry, state: snapshot.state },
      pages: () => snapshot.scan(sinceModseq === null ? {} : { sinceModseq }),
      lookup: (uids) => lookup(snapshot, uids),
      close: () => snapshot.close(),
    };
  }

  async ranges(account: string, mailboxId: string): Promise<SnapshotRanges> {
    return new SnapshotRanges(await this.#store.snapshot(account, mailboxId));
  }

  /** Messages that came in an exchange which was cut off before any record named them. */
  unnamedBodies(): Promise<string[]> {
    return this.#store.unnamedBodies();
  }

  fetch(guids: readonly string[]): AsyncIterable<BodyChunk> {
    return readBodies(this.#store, guids);
  }

  async change(
    head: ChangeHead,
    records: AsyncIterable<readonly RecordBatch[]>,
    source: BodySource,
    gate?: Gate,
  ): Promise<ChangeResult> {
    const incoming = new IncomingChange(this.#store, this.#intake, this.counterpart, head);
    try {
      for await (const page of records) {
        const unreadable = await this.#arriving.take(
          async () => missingGuids(await incoming.add(page)),
          (guids) => takeBodies(incoming, source, guids),
        );
        if (unreadable.length > 0) return { kind: "unreadable", guids: unreadable, bodies: incoming.bodies };
      }
      if (gate !== undefined && !(await gate())) return { kind: "conflict", mailbox: null, bodies: incoming.bodies };
      const outcome = await incoming.commit();
      if (outcome === "conflict") return { kind: "conflict", mailbox: await this.#now(head), bodies: incoming.bodies };
      return { kind: "applied", records: incoming.records, bodies: incoming.bodies };
    } finally {
      await incoming.discard();
    }
  }

  tree(change: TreeChange): Promise<Outcome> {
    return this.#store.applyTree({ ...change, origin: this.counterpart });
  }

  async agree(rows: readonly Agreement[]): Promise<number> {
    if (rows.length === 0 || this.counterpart === this.storeEpoch) return 0;
    const now = await this.#store.news(this.counterpart, rows, 0);
    const fitting = rows.flatMap(({ account, latest }, i): CursorRow[] => {
      const mailbox = now[i] ?? null;
      if (mailbox === null || !hasReached(mailbox.state, latest)) return [];
      if (mailbox.cursor !== null && isMetLater(mailbox.cursor, mailbox.state, latest)) return [];
      return [{ account, mailboxId: mailbox.entry.mailboxId, cursor: { latest, agreed: latest } }];
    });
    await this.#store.saveCursors(this.counterpart, fitting);
    return fitting.length;
  }

  audit(account: string, mailboxId: string): Promise<Audit> {
    return auditMailbox(this.#store, account, mailboxId);
  }

  /** Cursors held for the counterpart; none for a copy of this very store, whose epoch proves nothing. */
  async #cursors(): Promise<Map<string, Cursor>> {
    if (this.counterpart === this.storeEpoch) return new Map();
    const rows = await this.#store.cursors(this.counterpart);
    return new Map(rows.map((row) => [placeKey(row), row.cursor]));
  }

  #now(head: ChangeHead): Promise<SurveyedMailbox | null> {
    return this.surveyed(head.account, head.mailboxId, 0);
  }

  /** Adds what changed to the first of these mailboxes, as far as there is room. */
  async withChanges(mailboxes: readonly SurveyedMailbox[], inlineBytes: number): Promise<SurveyedMailbox[]> {
    const result = [...mailboxes];
    let left = inlineBytes;
    for (let i = 0; i < result.length && left > 0; i++) {
      const mailbox = result[i] as SurveyedMailbox;
      const { account, entry, cursor } = mailbox;
      if (cursor === null) continue;
      const one = hasChanged(mailbox)
        ? await this.surveyed(account, entry.mailboxId, left)
        : { ...mailbox, changes: [] };
      if (one === null) continue;
      result[i] = one;
      left -= (one.changes ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
    }
    return result;
  }
}

/** Bytes of changed records that travel along with an answer. */
export const INLINE_BYTES = FRAME_FILL_BYTES / 2;

export function agreedStateOf({ entry, state }: MailboxHead): AgreedState {
  return { ...state, entryModseq: entry.modseq };
}

/** A client may have written more since both sides were in that state; the cursor is true all the same. */
function hasReached(state: MailboxState, latest: AgreedState): boolean {
  return (
    state.uidValidity === latest.uidValidity &&
    state.uidNext >= latest.uidNext &&
    state.highestModseq >= latest.highestModseq
  );
}

/** Whether both sides met again since: the other one's exchange overtook this one. */
function isMetLater({ latest, agreed }: Cursor, state: MailboxState, row: AgreedState): boolean {
  const isHeld = sameAgreed(latest, agreed) && hasReached(state, latest);
  return isHeld && latest.uidValidity === row.uidValidity && latest.highestModseq > row.highestModseq;
}

function heldCursor({ account, entry, cursor }: SurveyedMailbox) {
  return cursor === null ? [] : [{ account, mailboxId: entry.mailboxId, latest: cursor.latest }];
}

/** Nothing was left out as known to the asking side. */
const NOT_COMPARED = { same: new Set<string>(), number: null } as const;

/** True if a mailbox is not as its cursor says. */
export function hasChanged(mailbox: SurveyedMailbox): boolean {
  return mailbox.cursor === null || !sameAgreed(mailbox.cursor.latest, agreedStateOf(mailbox));
}

async function lookup(snapshot: MailboxSnapshot, uids: readonly number[]): Promise<IndexRecord[]> {
  const records: IndexRecord[] = [];
  for (const uid of uids)
    for await (const page of snapshot.scan({ fromUid: uid, toUid: uid }))
      for (const batch of page) records.push(...decodeBatch(batch.bytes));
  return records;
}

function missingGuids({ live, missing }: Needs): string[] {
  return missing.map((index) => (live[index] as WantedBody).guid);
}

/** Fetches messages and takes them over; returns those that cannot be had. */
async function takeBodies(incoming: IncomingChange, source: BodySource, guids: readonly string[]): Promise<string[]> {
  const unreadable: string[] = [];
  for await (const chunk of source.fetch(guids)) {
    if (chunk.kind === "part") await incoming.stagePart(chunk.guid, chunk.size, chunk.offset, chunk.bytes);
    else if (chunk.kind === "unreadable") unreadable.push(...chunk.guids);
    else await incoming.stage(chunk.bodies.map(({ bytes }) => bytes));
  }
  return unreadable;
}
