/**
 * A side of an exchange that is a store in this process.
 */
import { cursorDigest } from "../../protocol/cursor-digest.ts";
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import { decodeBatch, type RecordBatch } from "../model/batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { type AgreedState, type Cursor, sameAgreed } from "../model/state.ts";
import type { CursorRow, Mailbox, MailboxSnapshot, MailboxStore, Outcome, TreeChange } from "../store/store.ts";
import { ArrivingBodies } from "./arriving-bodies.ts";
import { auditMailbox } from "./audit.ts";
import { readBodies } from "./bodies.ts";
import { BodyIntake } from "./body-intake.ts";
import { IncomingChange, type Needs, type WantedBody } from "./incoming.ts";
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

export class LocalPeer implements Peer {
  readonly storeEpoch: string;
  readonly counterpart: string;
  readonly #store: MailboxStore;
  readonly #arriving = new ArrivingBodies();
  readonly #intake: BodyIntake;

  /** @param counterpart store epoch of the other side, for whom cursors are saved. */
  constructor(store: MailboxStore, counterpart: string) {
    this.storeEpoch = store.storeEpoch;
    this.counterpart = counterpart;
    this.#store = store;
    this.#intake = new BodyIntake(store);
  }

  async survey(request: SurveyRequest): Promise<Survey> {
    const cursors = await this.#cursors();
    const accounts = request.account === null ? await this.#store.accounts() : [request.account];
    const trees: { account: string; modseq: number }[] = [];
    const all: SurveyedMailbox[] = [];
    for (const account of accounts) {
      const tree = await this.#store.tree(account);
      trees.push({ account, modseq: tree.modseq });
      for (const { entry, state } of tree.mailboxes)
        all.push({ account, entry, state, cursor: cursors.get(key(account, entry.mailboxId)) ?? null, changes: null });
    }
    const digest = cursorDigest(all.flatMap(heldCursor));
    const baseAgrees = request.base !== null && Buffer.compare(request.base, digest) === 0;
    const complete = request.complete || (request.base !== null && !baseAgrees);
    const mailboxes = complete ? all : all.filter(hasChanged);
    return { cursors: digest, baseAgrees, trees, mailboxes: await this.#withChanges(mailboxes, request.inlineBytes) };
  }

  /** A mailbox as it is now, with its changes since the cursor if they are few. */
  async surveyed(account: string, mailboxId: string, inlineBytes: number): Promise<SurveyedMailbox | null> {
    const mailbox = await this.#store.mailbox(account, mailboxId);
    if (mailbox === null) return null;
    const cursor = (await this.#cursors()).get(key(account, mailbox.entry.mailboxId)) ?? null;
    const [one] = await this.#withChanges([{ account, ...mailbox, cursor, changes: null }], inlineBytes);
    return one ?? null;
  }

  async pull(account: string, mailboxId: string, sinceModseq: number | null): Promise<Pull> {
    const snapshot = await this.#store.snapshot(account, mailboxId);
    return {
      mailbox: { entry: snapshot.entry, state: snapshot.state },
      pages: () => snapshot.scan(sinceModseq === null ? {} : { sinceModseq }),
      lookup: (uids) => lookup(snapshot, uids),
      close: () => snapshot.close(),
    };
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
    return this.#store.applyTree(change);
  }

  async agree(rows: readonly Agreement[]): Promise<number> {
    if (this.counterpart === this.storeEpoch) return 0;
    const fitting: CursorRow[] = [];
    for (const { account, mailboxId, latest } of rows) {
      const mailbox = await this.#store.mailbox(account, mailboxId);
      if (mailbox === null || !hasReached(mailbox, latest)) continue;
      fitting.push({ account, mailboxId: mailbox.entry.mailboxId, cursor: { latest, agreed: latest } });
    }
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
    return new Map(rows.map(({ account, mailboxId, cursor }) => [key(account, mailboxId), cursor]));
  }

  #now(head: ChangeHead): Promise<SurveyedMailbox | null> {
    return this.surveyed(head.account, head.mailboxId, 0);
  }

  async #withChanges(mailboxes: readonly SurveyedMailbox[], inlineBytes: number): Promise<SurveyedMailbox[]> {
    let left = inlineBytes;
    const result: SurveyedMailbox[] = [];
    for (const mailbox of mailboxes) {
      const detailed = left > 0 ? await this.#inline(mailbox, left) : mailbox;
      left -= (detailed.changes ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
      result.push(detailed);
    }
    return result;
  }

  /** The mailbox with its changes since the cursor, all from one snapshot, or as it was given if they are too many. */
  async #inline(mailbox: SurveyedMailbox, most: number): Promise<SurveyedMailbox> {
    if (mailbox.cursor === null || mailbox.cursor.latest.uidValidity !== mailbox.state.uidValidity) return mailbox;
    const snapshot = await this.#store.snapshot(mailbox.account, mailbox.entry.mailboxId);
    try {
      const changes: Uint8Array[] = [];
      let bytes = 0;
      for await (const page of snapshot.scan({ sinceModseq: mailbox.cursor.latest.highestModseq })) {
        for (const batch of page) {
          changes.push(batch.bytes);
          bytes += batch.bytes.length;
        }
        if (bytes > most) return mailbox;
      }
      return { ...mailbox, entry: snapshot.entry, state: snapshot.state, changes };
    } finally {
      await snapshot.close();
    }
  }
}

/** Bytes of changed records that travel along with an answer. */
export const INLINE_BYTES = FRAME_FILL_BYTES / 2;

export function agreedStateOf({ entry, state }: Mailbox): AgreedState {
  return { ...state, entryModseq: entry.modseq };
}

/** A client may have written more since both sides were in that state; the cursor is true all the same. */
function hasReached({ state }: Mailbox, latest: AgreedState): boolean {
  return (
    state.uidValidity === latest.uidValidity &&
    state.uidNext >= latest.uidNext &&
    state.highestModseq >= latest.highestModseq
  );
}

function key(account: string, mailboxId: string): string {
  return `${mailboxId}\0${account}`;
}

function heldCursor({ account, entry, cursor }: SurveyedMailbox) {
  return cursor === null ? [] : [{ account, mailboxId: entry.mailboxId, latest: cursor.latest }];
}

function hasChanged(mailbox: SurveyedMailbox): boolean {
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
