/**
 * The master's way for many mailboxes that both sides changed a little: their messages fetched, all planned, and their
 * records written together, on one side and then on the other. What takes more than two small deltas is left to an exchange
 * of its own.
 *
 * As a rule this side is first. It is in this process, so its part is planned and written within a moment and hardly ever
 * refused, however busy its clients are. From then on it has been where both are to be, and the other side's part is a change
 * like any other: refused if clients there were faster, and then the merge is repeated with what they did.
 *
 * New UIDs are for both sides at once: those that one has alone for a while are taken on the other by the next delivery, and
 * the message is renumbered twice (P9). There the other side is first: if it refuses, nothing was written, and if it does not,
 * this side follows at once.
 *
 * What was applied on one side alone is an exchange that was cut off: repeated, it gives the same (P11).
 */
import { BODY_PART_BYTES } from "../../protocol/limits.ts";
import { cursorAt } from "../merge/base.ts";
import { sameState } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import type { MailboxStore } from "../store/store.ts";
import { BodyIntake } from "./body-intake.ts";
import { tryApply } from "./bulk-apply.ts";
import { planMet } from "./bulk-plan.ts";
import type { LocalPeer } from "./local-peer.ts";
import { agreementOf, changedBodies, changeOf, doneBy, leftNow, type PlannedMerge, rightNow } from "./planned-merge.ts";
import { allEnded, forEachAtOnce } from "./pool.ts";
import { type Met, metWith, type PushOutcome, type Settle } from "./push-outcome.ts";
import type { RemotePeer } from "./remote-peer.ts";
import { FrameRoom, withBodies } from "./unasked-bodies.ts";

/** Attempts at the left side's part: a process that writes to a mailbox all the time comes between once or twice. */
const ATTEMPTS = 4;
/** Mailboxes read at once: each takes a snapshot. */
const READ_AT_ONCE = 16;

/** Mailboxes whose messages are here now, but for some that cannot be had. */
interface Reachable {
  readonly open: readonly number[];
  readonly absent: ReadonlySet<string>;
}

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
    const outcomes = mets.map((): PushOutcome => ({ kind: "other" }));
    const reachable = await this.#fetchLacking(mets, outcomes);
    const written = await this.#writeRight(await this.#begin(mets, reachable, outcomes), outcomes);
    const [before, behind] = [written.filter(({ base }) => base === null), written.filter(({ base }) => base !== null)];
    const followed = await this.#follow(behind, outcomes);
    await allEnded([
      settle(outcomes),
      this.#left.agree(before.map(agreementOf)),
      followed.length === 0 ? null : this.#right.agree(followed.map(agreementOf)),
    ]);
    return outcomes;
  }

  /**
   * Fetches messages of the right sides' changes that are not here, as far as they are small and few: others would hold up all
   * that is merged together.
   */
  async #fetchLacking(mets: readonly Met[], outcomes: PushOutcome[]): Promise<Reachable> {
    const named = mets.map(({ right }) => changedBodies(right));
    const guids = [...new Set(named.flat().map(({ guid }) => guid))];
    const missing = new Set((await this.#store.missingBodies(guids)).map((at) => guids[at] as string));
    const room = new FrameRoom();
    const wanted = new Set<string>();
    const first = mets.findIndex(({ right }) => right.changes !== null);
    const open = [...mets.keys()].filter((index) => {
      // The other side had no room for what is new there: it may have, after the others are done.
      if (mets[index]?.right.changes === null && first >= 0 && first < index) {
        outcomes[index] = { kind: "full" };
        return false;
      }
      const fresh = (named[index] ?? []).filter(({ guid }) => missing.has(guid));
      const areSmall = fresh.every(({ size }) => size <= BODY_PART_BYTES);
      const fits = areSmall && room.take({ index, batches: [], fresh }, outcomes);
      if (fits) for (const { guid } of fresh) wanted.add(guid);
      return fits;
    });
    return { open, absent: wanted.size === 0 ? wanted : await this.#fetch(wanted) };
  }

  /** Returns those that do not come. */
  async #fetch(wanted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const absent = new Set(wanted);
    const intake = new BodyIntake(this.#store);
    for await (const chunk of this.#right.fetch([...wanted])) {
      if (chunk.kind !== "whole") continue;
      await intake.add(chunk.bodies.map(({ bytes }) => bytes));
      for (const { guid } of chunk.bodies) absent.delete(guid);
    }
    await intake.settle();
    return absent;
  }

  /**
   * Plans the mailboxes, and writes this side's parts of those where it is first and which fit into the frame.
   * @returns those that could be planned here: an exchange of its own does any other, or says why not.
   */
  async #begin(mets: readonly Met[], reachable: Reachable, outcomes: PushOutcome[]): Promise<PlannedMerge[]> {
    const room = new FrameRoom();
    const begun: PlannedMerge[] = [];
    let { open } = reachable;
    for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
      const all = await this.#planAll(mets, open, reachable.absent);
      const planned = all.filter((one) => room.take(one, outcomes));
      // Asked for in one turn, so that the store can write them in one transaction.
      const isWritten = await Promise.all(planned.map((one) => one.base !== null || this.#applyLeft(one)));
      begun.push(...planned.filter((_, i) => isWritten[i]));
      open = planned.flatMap(({ index }, i) => (isWritten[i] ? [] : [index]));
    }
    return begun;
  }

  async #planAll(mets: readonly Met[], open: readonly number[], absent: ReadonlySet<string>): Promise<PlannedMerge[]> {
    const planned: PlannedMerge[] = [];
    await forEachAtOnce(open, READ_AT_ONCE, async (index) => {
      const one = await planMet(this.#left, index, mets[index] as Met, absent);
      if (one !== null) planned.push(one);
    });
    return planned;
  }

  /**
   * Where this side is first it saves no cursor: whoever asks is told what changed here since both sides last met, and can
   * merge it too.
   */
  async #applyLeft({ met: { left }, plan, base }: PlannedMerge): Promise<boolean> {
    const { account, entry, state } = left;
    if (base === null && plan.left.puts.length === 0 && sameState(state, plan.left.after)) return true;
    const peer = this.#left.counterpart;
    const cursor = { peer, cursor: cursorAt({ ...plan.left.after, entryModseq: entry.modseq }, null, true) };
    const outcome = await tryApply(this.#store, {
      account,
      mailboxId: entry.mailboxId,
      before: state,
      after: plan.left.after,
      records: [...packRecords(plan.left.puts)],
      ...(base === null ? {} : { cursor }),
      origin: peer,
    });
    return outcome === "applied";
  }

  /** The right sides' parts, in one frame with the messages they lack. Returns those that were applied. */
  async #writeRight(planned: readonly PlannedMerge[], outcomes: PushOutcome[]): Promise<PlannedMerge[]> {
    const { chosen, bodies } = await withBodies(this.#store, this.#right, planned);
    if (chosen.length === 0) return [];
    const results = await this.#right.changeMany(chosen.map(changeOf), bodies);
    for (const [i, one] of chosen.entries()) {
      const result = results[i];
      if (result?.kind === "applied") outcomes[one.index] = doneBy(one);
      if (result?.kind === "conflict")
        outcomes[one.index] = { kind: "conflict", met: metWith(leftNow(one), result.there) };
    }
    return chosen.filter((_, i) => results[i]?.kind === "applied");
  }

  /** This side's part where the other one was first. Returns those that were applied. */
  async #follow(behind: readonly PlannedMerge[], outcomes: PushOutcome[]): Promise<PlannedMerge[]> {
    const done = await Promise.all(behind.map((one) => this.#applyLeft(one)));
    for (const [i, one] of behind.entries())
      if (done[i] === false)
        outcomes[one.index] = { kind: "conflict", met: { left: one.met.left, right: rightNow(one) } };
    return behind.filter((_, i) => done[i]);
  }
}
