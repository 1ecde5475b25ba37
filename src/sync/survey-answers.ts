/**
 * The replica's answers to surveys: what changed, or where every mailbox is asked for those in which both lists differ.
 */
import { BUCKET_PARTS, LIST_BUCKETS, listPlace, MailboxList } from "../../protocol/mailbox-list.ts";
import type { MessageOf as ProtocolMessage } from "../../protocol/messages/index.ts";
import { TandemError } from "../model/errors.ts";
import { packIndexes, unpackIndexes } from "./bit-set.ts";
import { isAtCursor } from "./guess.ts";
import { agreedStateOf, INLINE_BYTES, type LocalPeer } from "./local-peer.ts";
import { pieces } from "./pages.ts";
import type { Agreement, Survey, SurveyedMailbox } from "./peer.ts";
import { surveyFrames } from "./survey-frames.ts";

type Surveyed = ProtocolMessage<"surveyed">;

/** Accounts in one frame of a survey: their names fit, however long. */
const TREES_PER_FRAME = 256;
/** Up to this many mailboxes are told at once: a round trip to find those that differ would cost more. */
const FEW_MAILBOXES = 16;

/** A survey for which lists were compared. */
interface Kept {
  /** Until the `sift`. */
  readonly list: MailboxList | null;
  readonly survey: Survey;
  /** Mailboxes that are the same on both sides. */
  readonly same: readonly SurveyedMailbox[];
}

export class SurveyAnswers {
  readonly #peer: LocalPeer;
  /** By number: the last one of everything, and the last one of an account. */
  readonly #kept = new Map<number, Kept>();
  readonly #last = { all: 0, account: 0 };

  constructor(peer: LocalPeer) {
    this.#peer = peer;
  }

  async *survey({ q, account, mailboxId, base, list, complete }: ProtocolMessage<"survey">): AsyncGenerator<Surveyed> {
    const survey = await this.#peer.survey({ account, mailboxId, base, complete, inlineBytes: 0 });
    const { baseAgrees } = survey;
    const isAll = mailboxId === null && (complete || !baseAgrees);
    if (list === null || !isAll) {
      yield* this.#told({ ...emptyAnswer(q), baseAgrees }, { ...survey, trees: isAll ? survey.trees : [] });
      return;
    }
    const own = new MailboxList(survey.trees, survey.mailboxes);
    const digest = own.digest();
    const isSame = Buffer.compare(digest, list) === 0;
    if (!isSame && survey.mailboxes.length <= FEW_MAILBOXES)
      return yield* this.#told({ ...emptyAnswer(q), baseAgrees }, survey);
    this.#keep(q, account === null ? "all" : "account", {
      list: isSame ? null : own,
      survey,
      same: isSame ? survey.mailboxes : [],
    });
    yield { ...emptyAnswer(q), baseAgrees, list: digest, sums: isSame ? NO_SUMS : own.buckets() };
  }

  /** @throws TandemError `bad-message` if no survey waits for it. */
  async *sift({ q, buckets, sums }: ProtocolMessage<"sift">): AsyncGenerator<Surveyed> {
    const kept = this.#kept.get(q);
    if (kept === undefined || kept.list === null)
      throw new TandemError("bad-message", `There is no survey ${q} to go on with.`);
    const asked = unpackIndexes(buckets, LIST_BUCKETS);
    const own = kept.list.parts(asked);
    if (own.length !== sums.length)
      throw new TandemError("bad-message", "The peer told sums of other parts of a list.");
    const differ = [...own.keys()].filter((i) => own[i] !== sums[i]);
    const places = new Set(differ.map((i) => placeOf(asked, i)));
    const isTold = (account: string, mailboxId: string) => places.has(listPlace(account, mailboxId));
    const { survey } = kept;
    const mailboxes = survey.mailboxes.filter(({ account, entry }) => isTold(account, entry.mailboxId));
    const told = new Set(mailboxes);
    this.#kept.set(q, { ...kept, list: null, same: survey.mailboxes.filter((one) => !told.has(one)) });
    const trees = survey.trees.filter(({ account }) => isTold(account, ""));
    const bits = packIndexes(differ, own.length + 1) as Uint8Array;
    // Without what changed: read later, it might be of another state than the list is.
    yield* this.#told({ ...emptyAnswer(q), differ: bits }, { trees, mailboxes }, 0);
  }

  /** The states of the mailboxes that the survey of this number found to be the same and that no cursor tells of yet. */
  sameIn(survey: number | null): Agreement[] {
    return survey === null ? [] : (this.#kept.get(survey)?.same ?? []).flatMap(unsaved);
  }

  #keep(q: number, scope: "all" | "account", kept: Kept): void {
    this.#kept.delete(this.#last[scope]);
    this.#last[scope] = q;
    this.#kept.set(q, kept);
  }

  /** In as many frames as it takes. */
  async *#told(
    answer: Surveyed,
    survey: Pick<Survey, "trees" | "mailboxes">,
    inlineBytes = INLINE_BYTES,
  ): AsyncGenerator<Surveyed> {
    const frames = [...surveyFrames(await this.#peer.withChanges(survey.mailboxes, inlineBytes))];
    const trees = [...pieces(survey.trees, TREES_PER_FRAME)];
    const count = Math.max(1, frames.length, trees.length);
    for (let i = 0; i < count; i++) {
      const part = { trees: [...(trees[i] ?? [])], mailboxes: [...(frames[i] ?? [])], more: i < count - 1 };
      yield { ...answer, differ: i === 0 ? answer.differ : NO_BITS, ...part };
    }
  }
}

const NO_BITS = new Uint8Array(0);
const NO_SUMS = new Uint32Array(0);

function emptyAnswer(q: number): Surveyed {
  const nothing = { list: null, sums: NO_SUMS, differ: NO_BITS, trees: [], mailboxes: [] };
  return { t: "surveyed", q, baseAgrees: false, ...nothing, more: false };
}

/** The part of a list that is the i-th of those of some buckets. */
export function placeOf(buckets: readonly number[], i: number): number {
  return (buckets[Math.floor(i / BUCKET_PARTS)] ?? 0) * BUCKET_PARTS + (i % BUCKET_PARTS);
}

/** What a cursor has to say of a mailbox that is the same on both sides, if it does not say so yet. */
export function unsaved(mailbox: SurveyedMailbox): Agreement[] {
  const { account, entry } = mailbox;
  return isAtCursor(mailbox) ? [] : [{ account, mailboxId: entry.mailboxId, latest: agreedStateOf(mailbox) }];
}
