/**
 * Asks the node at the other end what it has; of what is known to be the same here it need not tell.
 */
import { LIST_BUCKETS, listPlace, MailboxList } from "../../protocol/mailbox-list.ts";
import { TandemError } from "../model/errors.ts";
import { packIndexes, unpackIndexes } from "./bit-set.ts";
import { type Survey, type SurveyedMailbox, type SurveyRequest, surveyKey } from "./peer.ts";
import type { MessageOf, Request, Requests } from "./requests.ts";
import { placeOf } from "./survey-answers.ts";

type Surveyed = MessageOf<"surveyed">;
type Told = Pick<Survey, "trees" | "mailboxes">;

/** @throws TandemError what the node answers. */
export async function surveyRemote(requests: Requests, request: SurveyRequest): Promise<Survey> {
  const { account, mailboxId, complete, known } = request;
  const base = request.base ?? new Uint8Array(16);
  const own = known === undefined ? null : new MailboxList(known.trees, known.mailboxes);
  const asked = requests.open();
  try {
    const list = own?.digest() ?? null;
    await requests.send({ t: "survey", q: asked.q, account, mailboxId, base, list, complete });
    const first = await asked.next("surveyed");
    const { baseAgrees } = first;
    if (first.list === null || own === null || known === undefined)
      return { cursors: null, baseAgrees, ...(await toldIn(asked, first)), same: new Set(), number: null };
    const found = await sift(requests, asked, own, known, first);
    if (found !== null) return { cursors: null, baseAgrees, ...found, number: asked.q };
  } finally {
    asked.close();
  }
  // The sums hid a difference, as one in billions does.
  const { known: _, ...plain } = request;
  return surveyRemote(requests, { ...plain, complete: true });
}

/** All that the node has: what it told, and what is the same here. Null if that is not what its digest says. */
async function sift(
  requests: Requests,
  asked: Request,
  own: MailboxList,
  known: Survey,
  { list, sums }: Surveyed,
): Promise<(Told & Pick<Survey, "same">) | null> {
  const digest = list as Uint8Array;
  if (Buffer.compare(own.digest(), digest) === 0) return merged(known, new Set(), { trees: [], mailboxes: [] });
  if (sums.length !== LIST_BUCKETS) throw new TandemError("bad-message", "The peer told sums of another list.");
  const mine = own.buckets();
  const buckets = [...mine.keys()].filter((i) => mine[i] !== sums[i]);
  const bits = packIndexes(buckets, LIST_BUCKETS + 1) as Uint8Array;
  const parts = own.parts(buckets);
  await requests.send({ t: "sift", q: asked.q, buckets: bits, sums: parts });
  const first = await asked.next("surveyed");
  const differ = unpackIndexes(first.differ, parts.length);
  const all = merged(known, new Set(differ.map((i) => placeOf(buckets, i))), await toldIn(asked, first));
  return Buffer.compare(new MailboxList(all.trees, all.mailboxes).digest(), digest) === 0 ? all : null;
}

/** @param places the parts of the list that differ: of these counts what was told alone. */
function merged(known: Survey, places: ReadonlySet<number>, told: Told): Told & Pick<Survey, "same"> {
  const isSame = (account: string, mailboxId: string) => !places.has(listPlace(account, mailboxId));
  // What the other side holds as a cursor for a mailbox that is the same was not told.
  const same = known.mailboxes
    .filter(({ account, entry }) => isSame(account, entry.mailboxId))
    .map((one): SurveyedMailbox => ({ ...one, cursor: null, changes: null }));
  return {
    trees: [...known.trees.filter(({ account }) => isSame(account, "")), ...told.trees],
    mailboxes: [...same, ...told.mailboxes],
    same: new Set(same.map(surveyKey)),
  };
}

/** What an answer tells, to its last frame. */
async function toldIn(asked: Request, first: Surveyed): Promise<Told> {
  const mailboxes: SurveyedMailbox[] = [];
  const trees: { account: string; modseq: number }[] = [];
  for (let answer = first; ; answer = await asked.next("surveyed")) {
    mailboxes.push(...answer.mailboxes);
    trees.push(...answer.trees);
    if (!answer.more) return { trees, mailboxes };
  }
}
