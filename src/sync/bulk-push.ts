/**
 * The master's way for what live replication has nearly always to bring: small changes of mailboxes in which the other
 * side changed nothing, so far as is known. Many of them go out in one frame.
 */
import type { PlainChange } from "../../protocol/plain-changes.ts";
import { decodeBodies } from "../model/batch-bodies.ts";
import { batchOf } from "../model/decode-batch.ts";
import { sameAgreed } from "../model/state.ts";
import type { MailboxPlace, MailboxStore } from "../store/store.ts";
import { canGuess, isAtCursor, unchanged } from "./guess.ts";
import { agreedStateOf, type LocalPeer } from "./local-peer.ts";
import type { Agreement, SurveyedMailbox } from "./peer.ts";
import { allEnded } from "./pool.ts";
import { metWith, type PushOutcome, type Settle } from "./push-outcome.ts";
import type { RemotePeer, UnaskedBody } from "./remote-peer.ts";
import type { Direction } from "./report.ts";
import { chooseRoute } from "./route.ts";
import { type Bringing, FrameRoom, MOST_RECORD_BYTES, withBodies } from "./unasked-bodies.ts";

/** A change on its way into the frame. */
interface Candidate extends Bringing {
  readonly mailbox: SurveyedMailbox;
  readonly change: PlainChange;
  readonly records: number;
}

const NOTHING: PushOutcome = { kind: "done", records: 0, bodies: 0 };

export class BulkPush {
  readonly #store: MailboxStore;
  readonly #left: LocalPeer;
  readonly #right: RemotePeer;
  readonly #direction: Direction;

  constructor(store: MailboxStore, left: LocalPeer, right: RemotePeer, direction: Direction) {
    this.#store = store;
    this.#left = left;
    this.#right = right;
    this.#direction = direction;
  }

  /**
   * What became of each place, in order.
   * @param yields whether mailboxes that both sides changed are left to the other node.
   * @throws TandemError `disconnected`, what either side fails with as a whole, or what `settle` throws.
   */
  async push(places: readonly MailboxPlace[], settle: Settle, yields = false): Promise<PushOutcome[]> {
    const mailboxes = await this.#left.news(places, MOST_RECORD_BYTES);
    const candidates = mailboxes.flatMap(
      (mailbox, index) => candidateOf(mailbox, index, this.#direction, yields) ?? [],
    );
    const first = candidates[0]?.index ?? mailboxes.length;
    const outcomes = mailboxes.map((mailbox, index) => withoutPush(mailbox, index > first));
    const room = new FrameRoom();
    const fitting = candidates.filter((one) => room.take(one, outcomes));
    const { chosen, bodies } = await withBodies(this.#store, this.#right, fitting);
    const agreed = chosen.length === 0 ? [] : await this.#send(chosen, bodies, outcomes);
    await allEnded([this.#left.agree(agreed), settle(outcomes)]);
    return outcomes;
  }

  /** Returns what both sides are agreed on now. */
  async #send(
    chosen: readonly Candidate[],
    bodies: readonly UnaskedBody[],
    outcomes: PushOutcome[],
  ): Promise<Agreement[]> {
    const results = await this.#right.changeMany(
      chosen.map(({ change }) => change),
      bodies,
    );
    for (const [i, { index, mailbox, records, fresh }] of chosen.entries()) {
      const result = results[i];
      if (result?.kind === "applied") outcomes[index] = { kind: "done", records, bodies: fresh.length };
      if (result?.kind === "conflict") outcomes[index] = { kind: "conflict", met: metWith(mailbox, result.there) };
    }
    return chosen.filter((_, i) => results[i]?.kind === "applied").map(({ change }) => agreementOf(change));
  }
}

/**
 * What becomes of a mailbox that is not pushed.
 * @param isBehind another one was before it: if there was no room for its changes, there may be in the next push.
 */
function withoutPush(mailbox: SurveyedMailbox | null, isBehind: boolean): PushOutcome {
  if (mailbox === null) return { kind: "other" };
  if (isAtCursor(mailbox)) return NOTHING;
  if (mailbox.changes === null && isBehind && canGuess(mailbox)) return { kind: "full" };
  return { kind: sameAgreed(mailbox.cursor?.latest ?? null, agreedStateOf(mailbox)) ? "pending" : "other" };
}

/** A mailbox whose change can go out on the guess that the other side is where both last met; null for any other. */
function candidateOf(
  mailbox: SurveyedMailbox | null,
  index: number,
  direction: Direction,
  yields: boolean,
): Candidate | null {
  if (mailbox === null || mailbox.cursor === null || mailbox.changes === null) return null;
  if (!canGuess(mailbox) || isAtCursor(mailbox)) return null;
  const wish = { direction, whole: false, copies: false, explain: false };
  if (chooseRoute({ ...mailbox, exists: true }, unchanged(mailbox), wish).name !== "push") return null;
  const { account, entry, state, cursor, changes } = mailbox;
  const before = cursor.latest;
  const batches = changes.map(batchOf);
  const fresh = batches.flatMap(({ bytes }) => decodeBodies(bytes)).filter(({ uid }) => uid >= before.uidNext);
  return {
    index,
    mailbox,
    change: {
      account,
      mailboxId: entry.mailboxId,
      before,
      after: state,
      entryModseq: entry.modseq,
      base: null,
      yields,
      batches: changes,
    },
    records: batches.reduce((sum, { count }) => sum + count, 0),
    batches: changes,
    fresh,
  };
}

function agreementOf({ account, mailboxId, after, entryModseq }: PlainChange): Agreement {
  return { account, mailboxId, latest: { ...after, entryModseq } };
}
