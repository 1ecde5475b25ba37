/**
 * The master's way for many mailboxes that both sides changed a little: their messages fetched, all planned, and their
 * records written together, first here and then at the other side.
 *
 * This side is in this process, so its part is planned and written within a moment and hardly ever refused, however busy its
 * clients are. From then on it has been where both are to be, and the other side's part is a change like any other: refused
 * if clients there were faster, and then the merge is repeated with what they did. What was applied here alone is an exchange
 * that was cut off: repeated, it gives the same (P11).
 *
 * What takes more than two small deltas, or new UIDs, is left to an exchange of its own.
 */
import type { PlainChange } from "../../protocol/plain-changes.ts";
import { baseOf, deltaAllowed } from "../merge/base.ts";
import { planMerge } from "../merge/merge.ts";
import type { MergePlan } from "../merge/plan.ts";
import { deltaSuffices } from "../merge/suffices.ts";
import { batchOf } from "../model/batch.ts";
import { decodeGuids } from "../model/batch-bodies.ts";
import { isTandemError } from "../model/errors.ts";
import type { IndexRecord } from "../model/record.ts";
import { sameAgreed, sameState } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import type { MailboxStore } from "../store/store.ts";
import { BodyIntake } from "./body-intake.ts";
import { tryApply } from "./bulk-apply.ts";
import { gatherWith, pullOf } from "./gather.ts";
import type { LocalPeer } from "./local-peer.ts";
import { leadsToSame } from "./mailbox-change.ts";
import { MAX_INLINE_BYTES } from "./outgoing.ts";
import type { Agreement, SurveyedMailbox } from "./peer.ts";
import { allEnded } from "./pool.ts";
import { type Met, metWith, type PushOutcome, type Settle } from "./push-outcome.ts";
import type { RemotePeer } from "./remote-peer.ts";
import { unaskedBodies } from "./unasked-bodies.ts";

/** A mailbox whose left side is as planned. */
interface Merged {
  readonly index: number;
  readonly met: Met;
  readonly plan: MergePlan;
}

/** Attempts at the left side's part: another process that writes to a mailbox all the time comes between once or twice. */
const ATTEMPTS = 4;

export class BulkMerge {
  readonly #store: MailboxStore;
  readonly #left: LocalPeer;
  readonly #right: RemotePeer;

  constructor(store: MailboxStore, left: LocalPeer, right: RemotePeer) {
    this.#store = store;
    this.#left = left;
    this.#right = right;
  }

  /**
   * What became of each mailbox, in order.
   * @throws TandemError `disconnected`, what either side fails with as a whole, or what `settle` throws.
   */
  async merge(mets: readonly Met[], settle: Settle): Promise<PushOutcome[]> {
    const absent = await this.#fetchLacking(mets.map(({ right }) => right));
    const outcomes = mets.map((): PushOutcome => ({ kind: "other" }));
    // Asked for in one turn, so that the store can write them in one transaction.
    const merged = await Promise.all(mets.map((met, index) => this.#mergeLeft(index, met, absent)));
    const agreed = await this.#writeRight(
      merged.filter((one) => one !== null),
      outcomes,
    );
    await allEnded([settle(outcomes), this.#left.agree(agreed)]);
    return outcomes;
  }

  /** Fetches messages of the right sides' changes that are not here; those that cannot be had. */
  async #fetchLacking(rights: readonly SurveyedMailbox[]): Promise<ReadonlySet<string>> {
    const guids = [...new Set(rights.flatMap(changedGuids))];
    const missing = (await this.#store.missingBodies(guids)).map((at) => guids[at] as string);
    const absent = new Set(missing);
    if (missing.length === 0) return absent;
    const intake = new BodyIntake(this.#store);
    for await (const chunk of this.#right.fetch(missing)) {
      if (chunk.kind !== "whole") continue;
      await intake.add(chunk.bodies.map(({ bytes }) => bytes));
      for (const { guid } of chunk.bodies) absent.delete(guid);
    }
    await intake.settle();
    return absent;
  }

  /** Null for a mailbox that cannot be planned here; an exchange of its own does it, or says why not. */
  async #mergeLeft(index: number, met: Met, absent: ReadonlySet<string>): Promise<Merged | null> {
    const { account, entry } = met.left;
    try {
      return await this.#left.inTurn(account, entry.mailboxId, async () => {
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          const merged = await this.#planned(index, met, absent);
          if (merged === null || (await this.#applyLeft(merged))) return merged;
        }
        return null;
      });
    } catch (error) {
      if (isTandemError(error)) return null;
      throw error;
    }
  }

  /** Null for a mailbox that takes more than two small deltas, a message that cannot be had, or a look at the brake. */
  async #planned(index: number, { left, right }: Met, absent: ReadonlySet<string>): Promise<Merged | null> {
    const base = baseOf(left.cursor, right.cursor, [left.state, right.state]);
    if (base === null || right.changes === null || !sameAgreed(right.cursor?.latest ?? null, base)) return null;
    if (left.entry.deleted || base.entryModseq !== left.entry.modseq) return null;
    const theirs = pullOf(right, right.changes.map(batchOf));
    const gathered = await gatherWith(this.#left, { ...left, exists: true }, theirs, base);
    const states = [gathered.left.state, right.state] as const;
    if (gathered.left.entry.modseq !== left.entry.modseq || !deltaAllowed(base, states)) return null;
    const { pairs } = gathered;
    if (!deltaSuffices({ pairs, base })) return null;
    const plan = planMerge({ left: states[0], right: states[1], base, delta: true, pairs });
    // M08 is a matter for the brake. New UIDs are for both sides at once: those that one has alone for a moment are taken on the
    // other by the next delivery, and the message is renumbered twice (P9).
    const isPlain =
      leadsToSame(plan) && !plan.decisions.some(({ row, newUid }) => row === "M08" || newUid !== undefined);
    if (!isPlain || liveGuids(plan.left.puts).some((guid) => absent.has(guid))) return null;
    return { index, met: { left: { ...left, state: states[0] }, right }, plan };
  }

  /** Saves no cursor: whoever asks is told what changed here since both sides last met, and can merge it too. */
  async #applyLeft({ met: { left }, plan }: Merged): Promise<boolean> {
    const { account, entry, state } = left;
    if (plan.left.puts.length === 0 && sameState(state, plan.left.after)) return true;
    const outcome = await tryApply(this.#store, {
      account,
      mailboxId: entry.mailboxId,
      before: state,
      after: plan.left.after,
      records: [...packRecords(plan.left.puts)],
      origin: this.#left.counterpart,
    });
    return outcome === "applied";
  }

  /** The right sides' parts, in one frame with the messages they lack. Returns what both sides are agreed on now. */
  async #writeRight(merged: readonly Merged[], outcomes: PushOutcome[]): Promise<Agreement[]> {
    const { chosen, bodies } = await this.#withBodies(merged);
    if (chosen.length === 0) return [];
    const results = await this.#right.changeMany(chosen.map(changeOf), bodies);
    for (const [i, { index, met, plan }] of chosen.entries()) {
      const result = results[i];
      const records = plan.left.puts.length + plan.right.puts.length;
      if (result?.kind === "applied") outcomes[index] = { kind: "done", records, bodies: bodies.length };
      if (result?.kind === "conflict")
        outcomes[index] = { kind: "conflict", met: metWith(leftAfter(met.left, plan), result.there) };
    }
    return chosen.filter((_, i) => results[i]?.kind === "applied").map(agreementOf);
  }

  /** Those whose messages the right side has, or surely lacks and gets along. */
  async #withBodies(ready: readonly Merged[]): Promise<{ chosen: Merged[]; bodies: Uint8Array[] }> {
    const fresh = ready.map(({ met, plan }) => newTo(met.right, plan.right.puts));
    const messages = await unaskedBodies(this.#store, this.#right, [...new Set(fresh.flat())]);
    let left = MAX_INLINE_BYTES;
    const bodies: Uint8Array[] = [];
    const chosen = ready.filter((_, i) => {
      const guids = fresh[i] ?? [];
      const own = messages.of(guids);
      left -= own.reduce((sum, { length }) => sum + length, 0);
      if (left < 0 || !guids.every(messages.isKnown)) return false;
      bodies.push(...own);
      return true;
    });
    return { chosen, bodies };
  }
}

/** The left side as the merge has made it. */
function leftAfter(left: SurveyedMailbox, plan: MergePlan): SurveyedMailbox {
  return { ...left, state: plan.left.after, tombstones: null, changes: null };
}

/** The left side is there already, so the right one may save that both are. */
function changeOf({ met: { right }, plan }: Merged): PlainChange {
  const { account, entry, state } = right;
  const batches = [...packRecords(plan.right.puts)].map(({ bytes }) => bytes);
  return {
    account,
    mailboxId: entry.mailboxId,
    before: state,
    after: plan.right.after,
    entryModseq: entry.modseq,
    batches,
  };
}

function agreementOf({ met: { left }, plan }: Merged): Agreement {
  const { account, entry } = left;
  return { account, mailboxId: entry.mailboxId, latest: { ...plan.left.after, entryModseq: entry.modseq } };
}

function liveGuids(records: readonly IndexRecord[]): string[] {
  return records.flatMap((record) => (record.expunged ? [] : [record.guid]));
}

/** GUIDs of the live records in a mailbox's delta. */
function changedGuids({ changes }: SurveyedMailbox): string[] {
  return (changes ?? []).flatMap((bytes) => decodeGuids(bytes));
}

/** Messages among some records that the right side has no record of, as far as its delta tells. */
function newTo(right: SurveyedMailbox, records: readonly IndexRecord[]): string[] {
  const own = new Set(changedGuids(right));
  return records.flatMap((record) =>
    record.expunged || own.has(record.guid) || record.uid < right.state.uidNext ? [] : [record.guid],
  );
}
